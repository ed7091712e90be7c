package storefront

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/wordpress"
)

const (
	siteURL       = "http://shop.example"
	gatewaySecret = "the secret of gateway and plugin in the storefront tests"
	signingSecret = "the signing secret of the storefront tests, long enough"
)

//go:embed testdata/probe.php
var probe []byte

var (
	theShop *shop.Shop
	binary  string
)

func TestMain(m *testing.M) { os.Exit(withShop(m)) }

// withShop runs the tests in front of one shop: WordPress takes seconds to start.
func withShop(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cocart-gateway-storefront")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "cocart-gateway")
	if out, err := exec.Command("go", "build", "-o", binary, "cocart-gateway/cmd/cocart-gateway").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the gateway: %v\n%s", err, out)
		return 1
	}
	theShop, err = shop.Start(context.Background(), shop.Config{
		Dir: shop.DefaultDir("storefront"), SiteURL: siteURL, Secret: gatewaySecret, Plugin: wordpress.Plugin, Environment: "local", Fresh: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "no shop to test with:", err)
		return 1
	}
	code := 1
	if err := theShop.MustUse("zz-probe.php", probe); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := theShop.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the shop:", err)
		return 1
	}
	return code
}

// gateway is a running cocart-gateway process.
type gateway struct {
	address, admin string
	process        *exec.Cmd
	drained        chan struct{}
	mu             sync.Mutex // guards log
	log            strings.Builder
}

// startGateway runs the binary until the test ends. Blocks of its configuration are
// added, or replace the usual ones.
func startGateway(t *testing.T, blocks string) *gateway {
	t.Helper()
	config := fmt.Sprintf(`
admin: {listen: 127.0.0.1:0}
redis: {address: embedded, timeout: 30s}
log: {format: json}
site: {url: %s}
%s
`, siteURL, blocks)
	if !strings.Contains(blocks, "upstream:") {
		config += fmt.Sprintf("upstream: {url: %s, secret: %q}\n", theShop.URL, gatewaySecret)
	}
	if !strings.Contains(blocks, "listen:") {
		config += "listen: 127.0.0.1:0\n"
	}
	if !strings.Contains(blocks, "tokens:") {
		config += fmt.Sprintf("tokens: {keys: [{id: k1, algorithm: HS256, secret: %q}]}\n", signingSecret)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{process: exec.Command(binary, "serve", "--config", file), drained: make(chan struct{})}
	stderr, err := g.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.process.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan struct{})
	go func() {
		defer close(g.drained)
		g.follow(bufio.NewScanner(stderr), serving)
	}()
	t.Cleanup(func() { g.stop(t) })
	select {
	case <-serving:
	case <-g.drained:
		t.Fatalf("the gateway ended: %s", g.logged())
	}
	g.awaitReady(t)
	return g
}

// follow keeps the log, and learns from it where the gateway listens.
func (g *gateway) follow(lines *bufio.Scanner, serving chan<- struct{}) {
	for lines.Scan() {
		g.mu.Lock()
		g.log.WriteString(lines.Text() + "\n")
		g.mu.Unlock()
		var line struct{ Msg, Listen, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			g.address, g.admin = line.Listen, "http://"+line.Admin
			close(serving)
		}
	}
}

func (g *gateway) logged() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

func (g *gateway) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.admin+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not ready:\n%s", g.logged())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (g *gateway) stop(t *testing.T) {
	_ = g.process.Process.Signal(syscall.SIGTERM)
	<-g.drained
	if err := g.process.Wait(); err != nil {
		t.Errorf("the gateway ended with %v\n%s", err, g.logged())
	}
}

// origin is the address of the shop past the gateway.
func origin() string { return strings.TrimPrefix(theShop.URL, "http://") }

// ask sends a request to an address; no answer is a failure of the test.
func ask(t *testing.T, address string, r request) answer {
	t.Helper()
	a, err := send(t.Context(), address, r)
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	return a
}

// staff is what an administrator's browser and an integration hold.
type staff struct {
	Cookie      string // Cookie header of a logged-in administrator
	Nonce       string // wp_rest
	Heartbeat   string
	Media       string // media-form
	Options     string // general-options
	Application string // Authorization header with an application password
}

// hire logs the administrator in without a request.
func hire(t *testing.T) staff {
	t.Helper()
	out, err := theShop.PHP(t.Context(), `
$expires = time() + 86400;
$token = WP_Session_Tokens::get_instance( 1 )->create( $expires );
$_COOKIE[ LOGGED_IN_COOKIE ] = wp_generate_auth_cookie( 1, $expires, 'logged_in', $token );
wp_set_current_user( 1 );
list( $password ) = WP_Application_Passwords::create_new_application_password( 1, array( 'name' => 'storefront ' . microtime( true ) ) );
echo json_encode( array(
	'Cookie'      => AUTH_COOKIE . '=' . wp_generate_auth_cookie( 1, $expires, 'auth', $token ) . '; ' . LOGGED_IN_COOKIE . '=' . $_COOKIE[ LOGGED_IN_COOKIE ],
	'Nonce'       => wp_create_nonce( 'wp_rest' ),
	'Heartbeat'   => wp_create_nonce( 'heartbeat-nonce' ),
	'Media'       => wp_create_nonce( 'media-form' ),
	'Options'     => wp_create_nonce( 'general-options' ),
	'Application' => 'Basic ' . base64_encode( 'admin:' . $password ),
) );`)
	if err != nil {
		t.Fatal(err)
	}
	var s staff
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return s
}

func compiled(expressions []string) (all []*regexp.Regexp) {
	for _, e := range expressions {
		all = append(all, regexp.MustCompile(e))
	}
	return all
}
