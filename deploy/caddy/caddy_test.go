// Package caddy_test sends requests through the examples, as Debian's Caddy
// understands them.
package caddy_test

import (
	"os"
	"os/exec"
	"testing"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/upstream/upstreamtest"
)

func TestCaddyInFront(t *testing.T) {
	wp := upstreamtest.Start(t)
	g := chain.Start(t, wp.URL)
	address := inFront(t, g.Public)
	chain.Visit(t, wp, address)
	chain.Shop(t, wp, g, address)
	chain.Leaves(t, wp, address)
}

func TestCaddyLosesNoRequestWhenTheGatewayRestarts(t *testing.T) {
	wp := upstreamtest.Start(t)
	r := chain.OnSocket(t, wp.URL)
	chain.Restarts(t, wp, inFront(t, r.Public), r)
}

func TestCaddySendsNoPOSTTwice(t *testing.T) {
	b := chain.StartBreaker(t)
	chain.Twice(t, b, inFront(t, b.Address))
}

// inFront runs the example in front of a gateway.
func inFront(t *testing.T, gateway string) (address string) {
	t.Helper()
	certificate, key := chain.Certificate(t)
	address = chain.FreeAddress(t)
	start(t, address, "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+chain.Example(t, "in-front.Caddyfile",
		"shop.example.com {", "https://shop.example:"+port(address)+" {\n\tbind 127.0.0.1\n\ttls "+certificate+" "+key,
		"reverse_proxy 127.0.0.1:8080", "reverse_proxy "+gateway))
	return address
}

func TestCaddyBehind(t *testing.T) {
	site, socket := chain.PHP(t)
	address := chain.FreeAddress(t)
	start(t, address, chain.Example(t, "behind.Caddyfile",
		"{\n\tservers {", "{\n\tadmin off\n\tservers {", "http://:8000", "http://:"+port(address), "/var/www/html", site, "/run/php/php-fpm.sock", socket))
	chain.AskPHP(t, chain.Start(t, "http://"+address))
}

// As they are, too, the examples are what Caddy understands.
func TestExamplesAreValid(t *testing.T) {
	for _, file := range []string{"in-front.Caddyfile", "behind.Caddyfile"} {
		validate(t, file)
	}
}

func port(address string) string { return address[len("127.0.0.1:"):] }

func start(t *testing.T, address, text string) {
	t.Helper()
	config := chain.Write(t, "Caddyfile", text)
	validate(t, config)
	chain.Run(t, child.Program{Name: "Caddy", Env: home(t),
		Args: []string{"/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", config}}, address)
}

func validate(t *testing.T, config string) {
	t.Helper()
	cmd := exec.Command("/usr/bin/caddy", "validate", "--adapter", "caddyfile", "--config", config)
	cmd.Env = home(t)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("caddy validate (deploy/demo/install.sh packages): %v\n%s", err, said)
	}
}

// home keeps what Caddy stores in a folder of the test.
func home(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	return append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
}
