package prometheus

import (
	"bufio"
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

	"cocart-gateway/upstream/upstreamtest"
)

const prometheusBinary = "/usr/bin/prometheus"

// child is a process of the test: its log, and when it is over.
type child struct {
	t       *testing.T
	cmd     *exec.Cmd
	log     lockedText
	over    chan struct{}
	stopped bool
}

type lockedText struct {
	sync.Mutex
	strings.Builder
}

func (l *lockedText) line(s string) {
	l.Lock()
	defer l.Unlock()
	l.WriteString(s + "\n")
}

func (l *lockedText) String() string {
	l.Lock()
	defer l.Unlock()
	return l.Builder.String()
}

// start runs a program until the test ends, and returns once a line of its log
// satisfies ready.
func (c *child) start(t *testing.T, ready func(line string) bool, program string, args ...string) {
	t.Helper()
	c.t, c.over, c.cmd = t, make(chan struct{}), exec.Command(program, args...)
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	up := make(chan struct{})
	go c.follow(stderr, ready, up)
	t.Cleanup(func() { c.stop(t) })
	select {
	case <-up:
	case <-c.over:
		t.Fatalf("%s ended: %s", program, c.log.String())
	}
}

func (c *child) follow(stderr io.Reader, ready func(string) bool, up chan struct{}) {
	defer close(c.over)
	waiting := true
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		c.log.line(lines.Text())
		if waiting && ready(lines.Text()) {
			waiting = false
			close(up)
		}
	}
}

// stop ends the process as an operator does, and expects it to end well.
func (c *child) stop(t *testing.T) {
	t.Helper()
	if c.stopped {
		return
	}
	c.stopped = true
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	<-c.over
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("%s ended with %v: %s", c.cmd.Path, err, c.log.String())
	}
}

type gateway struct {
	child
	url, admin string
}

// startGateway runs the program itself, in front of a WordPress that knows the wire
// format.
func startGateway(t *testing.T) *gateway {
	t.Helper()
	return startGatewayWith(t, fmt.Sprintf(`
upstream: {url: %s, secret: %q}
site: {url: %s}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing secret of this test, long enough"}]}
`, upstreamtest.Start(t).URL, upstreamtest.Secret, upstreamtest.SiteURL))
}

// startGatewayOfShops runs it for two shops, toys and books. Its traffic is that of the toys.
func startGatewayOfShops(t *testing.T) *gateway {
	t.Helper()
	books := upstreamtest.Start(t)
	books.Site, books.Secret = "https://books.example", "the secret of the books, of 32 bytes and more"
	return startGatewayWith(t, fmt.Sprintf(`
shops:
  - name: toys
    site: {url: %s}
    upstream: {url: %s, secret: %q}
    tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing secret of this test, long enough"}]}
  - name: books
    site: {url: %s}
    upstream: {url: %s, secret: %q}
    tokens: {keys: [{id: k1, algorithm: HS256, secret: "another signing secret of this test, long enough"}]}
`, upstreamtest.SiteURL, upstreamtest.Start(t).URL, upstreamtest.Secret, books.Site, books.URL, books.Secret))
}

func startGatewayWith(t *testing.T, shops string) *gateway {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "cocart-gateway")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "cocart-gateway/cmd/cocart-gateway").CombinedOutput(); err != nil {
		t.Fatalf("building the gateway: %v\n%s", err, out)
	}
	config := write(t, dir, "config.yaml", `
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
log: {format: json}
`+shops)
	g := &gateway{}
	t.Cleanup(func() { // once it has ended, and all of its log is there
		for _, found := range upstreamtest.Leaks(g.log.String()) {
			t.Errorf("the log holds %s", found)
		}
	})
	g.start(t, func(line string) bool {
		var said struct{ Msg, Listen, Admin string }
		_ = json.Unmarshal([]byte(line), &said) // another line is no answer
		g.url, g.admin = "http://"+said.Listen, said.Admin
		return said.Msg == "serving"
	}, binary, "serve", "--config", config)
	return g
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

type prometheus struct {
	child
	url        string
	shop       string // that is chosen on the dashboard; "": all
	mayBeEmpty map[string]bool
}

// startPrometheus uses the files of this directory, with another address and a
// shorter interval.
func startPrometheus(t *testing.T, admin string) *prometheus {
	t.Helper()
	if _, err := os.Stat(prometheusBinary); err != nil {
		t.Fatalf("%s is missing; deploy/demo/install.sh prometheus installs it", prometheusBinary)
	}
	text, err := os.ReadFile("prometheus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := write(t, dir, "prometheus.yaml", strings.NewReplacer("127.0.0.1:9090", admin, "15s", "1s", "[alerts.yaml]", "['"+rules+"']").Replace(string(text)))
	p := &prometheus{mayBeEmpty: map[string]bool{}}
	for _, panel := range theDashboard(t).Panels {
		for _, target := range panel.Targets {
			p.mayBeEmpty["panel "+panel.Title+" "+target.RefID] = panel.mayBeEmpty()
		}
	}
	ready := false
	p.start(t, func(line string) bool {
		var said struct{ Msg, Address string }
		_ = json.Unmarshal([]byte(line), &said)
		switch said.Msg { // in either order
		case "Listening on":
			p.url = "http://" + said.Address
		case "Server is ready to receive web requests.":
			ready = true
		}
		return ready && p.url != ""
	}, prometheusBinary, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--log.format=json", "--log.level=info")
	return p
}

// stop also reads what Prometheus complained of while it ran.
func (p *prometheus) stop(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(p.log.String()) {
		if strings.Contains(line, `"level":"warn"`) || strings.Contains(line, `"level":"error"`) {
			t.Errorf("Prometheus complains: %s", line)
		}
	}
	p.child.stop(t)
}

// lint has promtool look at all metrics as they are served.
func (g *gateway) lint(t *testing.T) {
	resp, err := http.Get("http://" + g.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = resp.Body
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// traffic is a little of everything.
func (g *gateway) traffic() {
	g.t.Helper()
	const form = "Content-Type: application/json"
	var login struct {
		Extras struct {
			Access  string `json:"jwt_token"`
			Refresh string `json:"jwt_refresh"`
		}
	}
	g.send("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, &login, form)
	bearer := "Authorization: Bearer " + login.Extras.Access
	for range 3 {
		g.send("GET", "/wp-json/cocart/v2/cart", "", nil, bearer)
	}
	g.send("GET", "/wp-json/cocart/v2/cart", "", nil, bearer+"x")
	g.send("POST", "/wp-json/cocart/jwt/validate-token", "", nil, bearer)
	g.send("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong"}`, nil, form)
	g.send("GET", "/shop/", "", nil)
	g.send("POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+login.Extras.Refresh+`"}`, nil, form)
	g.send("POST", "/wp-json/cocart/v2/logout", "", nil, bearer)
}

func (g *gateway) send(method, target, body string, into any, headers ...string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+target, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Host = "shop.example"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			g.t.Fatalf("%s: %v in %s", target, err, text)
		}
	}
}
