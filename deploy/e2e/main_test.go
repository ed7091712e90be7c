package e2e

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/wordpress"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	gatewaySecret = "the secret of gateway and plugin in the end-to-end tests"
	signingSecret = "the signing secret of the end-to-end tests, long enough"
	siteURL       = "https://shop.example"
)

var (
	theShop *shop.Shop
	binary  string
)

func TestMain(m *testing.M) { os.Exit(withShop(m)) }

// withShop starts the one shop all tests share: WordPress takes seconds to come
// up. E2E_SHOP names it, so that two halves of the tests can run at the same time. It runs as in production, where CoCart takes passwords over TLS only.
func withShop(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cocart-gateway-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "cocart-gateway")
	if out, err := exec.Command("go", "build", "-race", "-o", binary, "cocart-gateway/cmd/cocart-gateway").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the gateway: %v\n%s", err, out)
		return 1
	}
	theShop, err = shop.Start(context.Background(), shop.Config{
		Dir: shop.DefaultDir(cmp.Or(os.Getenv("E2E_SHOP"), "e2e")), SiteURL: siteURL, Secret: gatewaySecret, Required: true, Plugin: wordpress.Plugin, Fresh: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "no shop to test with:", err)
		return 1
	}
	code := m.Run()
	if err := theShop.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the shop:", err)
		return 1
	}
	return code
}

// gateway is a running cocart-gateway process.
type gateway struct {
	t          *testing.T
	url, admin string
	process    *exec.Cmd
	mu         sync.Mutex
	log        strings.Builder
	drained    chan struct{}
}

// signingKeys are those of all gateways here, to be put below tokens.
const signingKeys = `keys: [{id: k1, algorithm: HS256, secret: "` + signingSecret + `"}]`

// startGateway writes a configuration, runs the binary and waits until it is
// ready. It listens on ports of the kernel's choice, and more may bring other
// tokens, first, or another site. A machine may be too busy for Redis to answer
// within the second that is usual.
func startGateway(t *testing.T, redis string, more string) *gateway {
	t.Helper()
	config := fmt.Sprintf(`
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
upstream: {url: %s, secret: %q}
redis: {address: %q, timeout: 30s}
trusted_proxies: [127.0.0.1]
log: {format: json}
%s`, theShop.URL, gatewaySecret, redis, more)
	if !strings.Contains(more, "site:") {
		config += "site: {url: " + siteURL + "}\n"
	}
	if !strings.HasPrefix(more, "tokens:") {
		config += "tokens: {" + signingKeys + "}\n"
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	g := &gateway{t: t, drained: make(chan struct{})}
	g.process = exec.Command(binary, "serve", "--config", file)
	stderr, err := g.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.process.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan struct{})
	go g.follow(stderr, serving)
	t.Cleanup(g.stop)
	select {
	case <-serving:
	case <-g.drained:
		t.Fatalf("the gateway ended: %s", g.logged())
	}
	g.awaitReady()
	return g
}

// follow keeps the log, and learns from it where the gateway listens.
func (g *gateway) follow(stderr io.Reader, serving chan<- struct{}) {
	defer close(g.drained)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		g.mu.Lock()
		g.log.WriteString(lines.Text() + "\n")
		g.mu.Unlock()
		var line struct{ Msg, Listen, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			g.url, g.admin = "http://"+line.Listen, "http://"+line.Admin
			close(serving)
		}
	}
}

func (g *gateway) logged() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.log.String()
}

// awaitReady asks until the answer is 200: readiness is what it waits for.
func (g *gateway) awaitReady() {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 30*time.Second)
	defer cancel()
	for {
		if status, _ := g.ask(ctx, g.admin+"/readyz"); status == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			status, body := g.ask(g.t.Context(), g.admin+"/readyz")
			g.t.Fatalf("not ready: %d %s\n%s", status, body, g.logged())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (g *gateway) ask(ctx context.Context, url string) (int, string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// stop ends the process as an operator does, and expects it to end well.
func (g *gateway) stop() {
	if g.process == nil {
		return
	}
	_ = g.process.Process.Signal(syscall.SIGTERM)
	<-g.drained
	if err := g.process.Wait(); err != nil {
		g.t.Errorf("the gateway ended with %v\n%s", err, g.logged())
	}
	if strings.Contains(g.logged(), "DATA RACE") {
		g.t.Errorf("data race:\n%s", g.logged())
	}
	for _, found := range upstreamtest.Leaks(g.logged(), gatewaySecret, signingSecret, `p<b>a%41`) {
		g.t.Errorf("the log holds %s", found)
	}
	g.process = nil
}

// reply is what a client got.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// send asks the gateway as a client behind a TLS terminator would.
func (g *gateway) send(method, target, body string, headers ...string) reply {
	g.t.Helper()
	return send(g.t, g.url, method, target, body, append([]string{"X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"}, headers...)...)
}

func send(t *testing.T, base, method, target, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, base+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "shop.example"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

func (g *gateway) post(target, body string, headers ...string) reply {
	g.t.Helper()
	return g.send("POST", target, body, append([]string{"Content-Type: application/json"}, headers...)...)
}

// login returns the tokens of a customer.
func (g *gateway) login(username, password string) (access, refresh string) {
	g.t.Helper()
	text, err := json.Marshal(map[string]string{"username": username, "password": password})
	if err != nil {
		g.t.Fatal(err)
	}
	return g.tokens(g.post("/wp-json/cocart/v2/login", string(text)))
}

func (g *gateway) tokens(r reply) (access, refresh string) {
	g.t.Helper()
	var answer struct {
		Extras struct {
			Access  string `json:"jwt_token"`
			Refresh string `json:"jwt_refresh"`
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || answer.Extras.Access == "" || answer.Extras.Refresh == "" {
		g.t.Fatalf("no tokens: %d %s\n%s", r.Status, r.Body, g.logged())
	}
	return answer.Extras.Access, answer.Extras.Refresh
}

func (g *gateway) refresh(token string) reply {
	g.t.Helper()
	return g.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+token+`"}`)
}

func (g *gateway) pair(r reply) (access, refresh string) {
	g.t.Helper()
	var answer struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || answer.Token == "" {
		g.t.Fatalf("no pair: %d %s", r.Status, r.Body)
	}
	return answer.Token, answer.Refresh
}

func (g *gateway) cart(access string, headers ...string) reply {
	g.t.Helper()
	return g.send("GET", "/wp-json/cocart/v2/cart", "", append(headers, "Authorization: Bearer "+access)...)
}

// php runs code inside WordPress, as an administrator or another plugin could.
func php(t *testing.T, code string) string {
	t.Helper()
	out, err := theShop.PHP(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// afterwards puts the shop back as it was on its first day.
func afterwards(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := theShop.Reset(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func realRedis(t *testing.T) string { return tokenstest.Redis(t).Addr() }
