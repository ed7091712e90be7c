package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/deploy/processes"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

const adminToken = "the administration token of the campaign"

var built string // the folder of the binary, once it is built

// binary builds the gateway once for all rows.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "cocart-gateway-chaos")
	if err != nil {
		return "", err
	}
	built = dir
	file := filepath.Join(dir, "cocart-gateway")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "cocart-gateway/cmd/cocart-gateway")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the gateway: %w\n%s", err, text)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// world is what a row has.
type world struct {
	t         *testing.T
	wordpress *upstreamtest.WordPress
	redis     *tokenstest.Server // the only one, or nil
	sentinel  *tokenstest.RedisSentinel
	cluster   *tokenstest.RedisCluster
	links     []*link // of each gateway to its Redis; nil if a row needs none
	gateways  []*gateway
	tally     *tally
	ended     *endedSessions
	mu        sync.Mutex
	saved     time.Time     // when Redis took the snapshot that it came back with; zero: none
	back      time.Time     // when it was back
	front     string        // where customers go; "": to a random gateway
	late      time.Duration // how long after the answer to a logout another gateway may still accept the token; 0: lateAfter
}

// gateway is a process that can be started again at the same addresses.
type gateway struct {
	t             *testing.T
	name          string
	public, admin string
	file, log     string
	process       *child.Process
}

// gateways starts three, whose Redis is said by one line of configuration each.
func (w *world) startGateways(redis func(i int) string, more string) {
	w.t.Helper()
	for i := range 3 {
		w.gateways = append(w.gateways, w.gateway(fmt.Sprintf("gateway-%d", i), redis(i), more))
	}
	for _, g := range w.gateways {
		g.start()
	}
}

func (w *world) gateway(name, redis, more string) *gateway {
	w.t.Helper()
	dir := w.t.TempDir()
	g := &gateway{t: w.t, name: name, public: tokenstest.FreeAddress(w.t), admin: tokenstest.FreeAddress(w.t), file: filepath.Join(dir, "config.yaml"),
		log: filepath.Join(dir, "log")}
	text := fmt.Sprintf("listen: %q\nadmin: {listen: %q, token: %q}\nupstream: {url: %q, secret: %q}\nsite: {url: %q}\nredis: %s\n"+
		"trusted_proxies: [127.0.0.1]\ntokens: {access_ttl: 15m, keys: [{id: main, algorithm: HS256, secret: %q}]}\nserver: {drain_delay: 1s}\n%s\n",
		g.public, g.admin, adminToken, w.wordpress.URL, upstreamtest.Secret, upstreamtest.SiteURL, redis, "what the gateways of the campaign sign with", more)
	if err := os.WriteFile(g.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(g.stop)
	return g
}

// start begins it, and waits until it may be sent requests.
func (g *gateway) start() {
	g.t.Helper()
	file, err := binary()
	if err != nil {
		g.t.Fatal(err)
	}
	g.process, err = child.Start(child.Program{Name: g.name, Args: []string{file, "serve", "--config", g.file}, Log: g.log}, make(chan error, 1))
	if err != nil {
		g.t.Fatal(err)
	}
	err = g.process.Ready(context.Background(), func() bool { return g.probe("/servez") == http.StatusOK })
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) stop() {
	if g.process == nil {
		return
	}
	if err := g.process.Stop(); err != nil {
		g.t.Error(err)
	}
	g.process = nil
}

// kill ends it as a power cut would.
func (g *gateway) kill() {
	_ = killGroup(g.process.PID())
	<-g.process.Done()
	g.process = nil
}

func (g *gateway) probe(path string) int {
	c := http.Client{Timeout: 2 * time.Second}
	resp, err := c.Get("http://" + g.admin + path)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// usage is what a gateway uses.
type usage struct {
	megabytes, descriptors, goroutines int
}

func (u usage) String() string {
	return fmt.Sprintf("%d MB, %d fds, %d goroutines", u.megabytes, u.descriptors, u.goroutines)
}

// used is the largest of the gateways that run.
func (w *world) used() usage {
	var most usage
	for _, g := range w.gateways {
		if g.process == nil {
			continue
		}
		p, err := processes.Of(g.process.PID())
		if err != nil {
			continue
		}
		n, _ := strconv.ParseFloat(g.metric("go_goroutines"), 64)
		most = usage{max(most.megabytes, int(p.Resident/1e6)), max(most.descriptors, p.Descriptors), max(most.goroutines, int(n))}
	}
	return most
}

// metric is the value of one without labels; "" if it cannot be had.
func (g *gateway) metric(name string) string {
	resp, err := http.Get("http://" + g.admin + "/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
