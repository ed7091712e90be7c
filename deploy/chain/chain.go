// Package chain runs, for the tests of deploy/, what stands between a client
// and PHP: the real gateway, and whatever web server an example is for. All of
// it listens on loopback and ends with the test.
package chain

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// Build links the gateway as a release does, and gives its path.
func Build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "cocart-gateway")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "cocart-gateway/cmd/cocart-gateway") //nolint:gosec // our own words
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, text)
	}
	return binary
}

// FreeAddress is one on loopback where nothing listens.
func FreeAddress(t *testing.T) string {
	t.Helper()
	return tokenstest.FreeAddress(t)
}

// Gateway is a running one: its addresses, and the file with its log.
type Gateway struct{ Public, Admin, Log string }

// Configuration is the least that a gateway in front of a shop needs.
func (g Gateway) Configuration(shop string) string {
	return fmt.Sprintf("listen: %q\nadmin: {listen: %q}\nupstream: {url: %q, secret: %q}\nsite: {url: %q}\n"+
		"tokens: {keys: [{id: main, algorithm: HS256, secret: %q}]}\n",
		g.Public, g.Admin, shop, upstreamtest.Secret, upstreamtest.SiteURL, "what the gateways of these tests sign with")
}

// Start runs the gateway in front of the web server of a shop, believing the
// proxies on loopback.
func Start(t *testing.T, shop string) Gateway {
	t.Helper()
	return StartWith(t, func(g Gateway) string { return g.Configuration(shop) })
}

// StartWith runs the gateway with another configuration. It trusts the proxies on loopback as well.
func StartWith(t *testing.T, configuration func(Gateway) string) Gateway {
	t.Helper()
	g := Gateway{Public: FreeAddress(t), Admin: FreeAddress(t)}
	file := Write(t, "config.yaml", configuration(g)+"trusted_proxies: [127.0.0.1]\nlog: {format: json, level: debug}\n")
	g.Log = Run(t, child.Program{Name: "the gateway", Args: []string{Build(t), "serve", "--config", file}}, g.Admin)
	return g
}

// Write puts a text into a file of its own that other accounts may read.
func Write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // no secrets of anybody
		t.Fatal(err)
	}
	return file
}

// Run starts a program, waits until it takes connections at an address, and
// ends it with the test. It returns the file with the program's output, which is shown if the test fails.
func Run(t *testing.T, p child.Program, address string) (log string) {
	t.Helper()
	p.Log = filepath.Join(t.TempDir(), "log")
	process, err := child.Start(p, make(chan error, 1))
	if err != nil {
		t.Fatalf("%v (deploy/demo/install.sh shop packages)", err)
	}
	t.Cleanup(func() {
		if err := process.Stop(); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(p.Log); t.Failed() && err == nil {
			t.Logf("%s said:\n%s", p.Name, text)
		}
	})
	if err := process.Ready(t.Context(), func() bool { return listens(t.Context(), address) }); err != nil {
		t.Fatal(err)
	}
	return p.Log
}

// listens also takes the path of a unix socket.
func listens(ctx context.Context, address string) bool {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// Example is a file of deploy/, with other words in the place of some. Each of
// them must be there, so that an example that was rewritten is not tested as
// something else.
func Example(t *testing.T, file string, instead ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(instead); i += 2 {
		if !strings.Contains(string(text), instead[i]) {
			t.Fatalf("%s does not say %q", file, instead[i])
		}
	}
	return strings.NewReplacer(instead...).Replace(string(text))
}
