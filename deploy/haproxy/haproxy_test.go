// Package haproxy_test sends requests through the examples, as Debian's HAProxy
// understands them.
package haproxy_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"cocart-gateway/deploy/chain"
	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/upstream/upstreamtest"
)

func TestHAProxyInFront(t *testing.T) {
	wp := upstreamtest.Start(t)
	g := chain.Start(t, wp.URL)
	secure, plain := inFront(t, g, g)
	chain.Visit(t, wp, secure)
	chain.Shop(t, wp, g, secure)
	chain.Leaves(t, wp, secure)
	if status, location := chain.Redirect(t, plain, "/cart?x=%2F"); status != 308 || location != "https://shop.example/cart?x=%2F" {
		t.Errorf("plain http is sent to %d %s", status, location)
	}
}

func TestHAProxyLosesNoRequestWhenGatewaysRestart(t *testing.T) {
	wp := upstreamtest.Start(t)
	a, b := chain.Replicas(t, wp.URL)
	secure, _ := inFront(t, a.Gateway, b.Gateway)
	chain.Restarts(t, wp, secure, a, b)
}

func TestHAProxySendsNoPOSTTwice(t *testing.T) {
	b := chain.StartBreaker(t)
	g := chain.Gateway{Public: b.Address, Admin: b.Address}
	secure, _ := inFront(t, g, g)
	chain.Twice(t, b, secure)
}

// TLS ends at the gateway, which learns the client's address by the PROXY protocol.
func TestHAProxyPassesTCP(t *testing.T) {
	wp := upstreamtest.Start(t)
	certificate, key := chain.Certificate(t)
	g := chain.StartWith(t, func(g chain.Gateway) string {
		return strings.Replace(g.Configuration(wp.URL), "listen: ", "listen: []\nproxy_protocol: require\ntls:\n  certificates: [{certificate_file: "+
			certificate+", key_file: "+key+"}]\n  listen: ", 1)
	})
	address := chain.FreeAddress(t)
	start(t, address, chain.Example(t, "tcp.cfg", "log /dev/log local0", "log stdout format raw local0", "bind :443", "bind "+address,
		"10.0.0.11:8443", g.Public+" port "+port(t, g.Admin), "10.0.0.12:8443", g.Public+" port "+port(t, g.Admin)))
	chain.Shop(t, wp, g, address)
	chain.Leaves(t, wp, address)
}

// inFront runs the example in front of two gateways.
func inFront(t *testing.T, a, b chain.Gateway) (secure, plain string) {
	t.Helper()
	secure, plain = chain.FreeAddress(t), chain.FreeAddress(t)
	start(t, secure, chain.Example(t, "in-front.cfg",
		"log /dev/log local0", "log stdout format raw local0",
		"bind :443", "bind "+secure, "bind :80", "bind "+plain, "shop.example.com code", "shop.example code",
		"/etc/haproxy/shop.example.com.pem", pem(t),
		"10.0.0.11:8080", a.Public+" port "+port(t, a.Admin), "10.0.0.12:8080", b.Public+" port "+port(t, b.Admin)))
	return secure, plain
}

// pem is a certificate and its key in one file.
func pem(t *testing.T) string {
	t.Helper()
	var both []byte
	certificate, key := chain.Certificate(t)
	for _, file := range []string{certificate, key} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	return chain.Write(t, "shop.pem", string(both))
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// start checks the configuration, then runs HAProxy with it.
func start(t *testing.T, address, text string) {
	t.Helper()
	const program = "/usr/sbin/haproxy"
	config := chain.Write(t, "haproxy.cfg", text)
	if said, err := exec.Command(program, "-c", "-dW", "-f", config).CombinedOutput(); err != nil {
		t.Fatalf("haproxy -c (deploy/demo/install.sh packages): %v\n%s", err, said)
	}
	chain.Run(t, child.Program{Name: "HAProxy", Args: []string{program, "-db", "-f", config}}, address)
}
