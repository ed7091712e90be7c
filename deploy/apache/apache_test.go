// Package apache_test sends requests through the examples, as Debian's Apache
// understands them.
package apache_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/upstream/upstreamtest"
)

func TestApacheInFront(t *testing.T) {
	wp := upstreamtest.Start(t)
	g := chain.Start(t, wp.URL)
	secure, plain := inFront(t, g.Public)
	chain.Visit(t, wp, secure)
	chain.Shop(t, wp, g, secure)
	if status, location := chain.Redirect(t, plain, "/cart?x=%2F"); status != 308 || location != "https://shop.example/cart?x=%2F" {
		t.Errorf("plain http is sent to %d %s", status, location)
	}
}

func TestApacheSendsNoPOSTTwice(t *testing.T) {
	b := chain.StartBreaker(t)
	secure, _ := inFront(t, b.Address)
	chain.Twice(t, b, secure)
}

// Apache cannot ask /servez. With a socket of systemd it does not have to.
func TestApacheLosesNoRequestWhenTheGatewayRestarts(t *testing.T) {
	wp := upstreamtest.Start(t)
	r := chain.OnSocket(t, wp.URL)
	secure, _ := inFront(t, r.Public)
	chain.Restarts(t, wp, secure, r)
}

func TestApacheBehind(t *testing.T) {
	site, socket := chain.PHP(t)
	address := chain.FreeAddress(t)
	start(t, address, chain.Example(t, "behind.conf",
		"127.0.0.1:8000", address, "/var/www/html", site, "/run/php/php-fpm.sock", socket))
	chain.AskPHP(t, chain.Start(t, "http://"+address))
}

// inFront runs the example in front of a gateway.
func inFront(t *testing.T, gateway string) (secure, plain string) {
	t.Helper()
	certificate, key := chain.Certificate(t)
	secure, plain = chain.FreeAddress(t), chain.FreeAddress(t)
	start(t, secure, "Listen "+secure+"\nListen "+plain+"\n"+chain.Example(t, "in-front.conf",
		"*:443", secure, "*:80", plain, "shop.example.com\n", "shop.example\n", "https://shop.example.com%", "https://shop.example%",
		"/etc/ssl/certs/shop.example.com.pem", certificate, "/etc/ssl/private/shop.example.com.key", key, "127.0.0.1:8080", gateway))
	return secure, plain
}

// modules are those that the examples name for a2enmod, and those that Debian's Apache has on by default.
var modules = []string{
	"mpm_event", "authz_core", "dir", "env", "alias", "reqtimeout",
	"ssl", "socache_shmcb", "http2", "headers", "rewrite", "proxy", "proxy_http", "proxy_fcgi", "unique_id",
}

// start checks the configuration, then runs Apache with it. Around it stands what Debian's apache2.conf says, with
// folders of the test.
func start(t *testing.T, address, example string) {
	t.Helper()
	const program = "/usr/sbin/apache2"
	dir := t.TempDir()
	text := "ServerRoot " + dir + "\nServerName localhost\nPidFile " + dir + "/pid\nDefaultRuntimeDir " + dir + "\nErrorLog /dev/stderr\n"
	if os.Geteuid() == 0 { // the accounts of Debian's Apache may not enter folders of the test
		for dir := filepath.Dir(dir); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // see above
				t.Fatal(err)
			}
		}
		text += "User www-data\nGroup www-data\n"
	}
	for _, m := range modules {
		text += "LoadModule " + m + "_module /usr/lib/apache2/modules/mod_" + m + ".so\n"
	}
	config := chain.Write(t, "apache2.conf", text+"StartServers 1\nServerLimit 2\nThreadsPerChild 25\nMaxRequestWorkers 50\n<Directory />\n\tAllowOverride None\n\tRequire all granted\n</Directory>\n"+example)
	if said, err := exec.Command(program, "-t", "-f", config).CombinedOutput(); err != nil || !strings.Contains(string(said), "Syntax OK") {
		t.Fatalf("apache2 -t (deploy/demo/install.sh packages): %v\n%s", err, said)
	}
	chain.Run(t, child.Program{Name: "Apache", Args: []string{program, "-DFOREGROUND", "-f", config}}, address)
}
