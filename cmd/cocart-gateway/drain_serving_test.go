package main

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/server"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// leavingGateway is a running gateway whose server.drain_delay is over when the test says so.
type leavingGateway struct {
	*testing.T
	shop      *upstreamtest.WordPress
	public    string // a unix socket: nobody else comes to have it once it is closed
	admin     string
	asked     chan time.Duration // each delay that is begun
	over      chan time.Time     // ends it
	ended     chan error
	terminate context.CancelFunc
}

func startLeaving(t *testing.T, lines string) *leavingGateway {
	t.Helper()
	shop, socket := upstreamtest.Start(t), filepath.Join(t.TempDir(), "s")
	cfg := withLines(t, "listen: \"unix:"+socket+"\"\nadmin: {listen: \"127.0.0.1:0\"}\nredis: {address: embedded}\n"+
		"upstream: {url: \""+shop.URL+"\", secret: \""+upstreamtest.Secret+"\"}\nsite: {url: \""+upstreamtest.SiteURL+"\"}\n"+lines)
	p, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	sockets, err := server.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	g := &leavingGateway{T: t, shop: shop, public: socket, admin: sockets.Admin.Addr().String(),
		asked: make(chan time.Duration, 1), over: make(chan time.Time), ended: make(chan error, 1)}
	p.server.After = func(d time.Duration) <-chan time.Time {
		g.asked <- d
		return g.over
	}
	var ctx context.Context
	ctx, g.terminate = context.WithCancel(t.Context())
	go func() { g.ended <- p.run(ctx, sockets) }()
	return g
}

// probe is the status of a path of the admin listener.
func (g *leavingGateway) probe(path string) int {
	g.Helper()
	return mustGet(g.T, http.DefaultClient, "http://"+g.admin+path).status
}

func (g *leavingGateway) awaitReady() {
	g.Helper()
	tokenstest.Eventually(g.T, "the gateway is ready", func() bool { return g.probe("/readyz") == http.StatusOK })
}

// end lets the delay be over, and returns how the gateway ended.
func (g *leavingGateway) end() error {
	close(g.over)
	return <-g.ended
}

// From SIGTERM until server.drain_delay is over load balancers read that they should look elsewhere, and whoever comes
// nevertheless is served and told to open the next connection elsewhere. Only then nobody gets in.
func TestWhileTheGatewayDrainsEverybodyIsServedAndLedAway(t *testing.T) {
	g := startLeaving(t, "server: {drain_delay: 5m}\n")
	g.awaitReady()
	kept := dialling("unix", g.public, nil)
	if got := mustGet(t, kept, "http://shop.example/"); got.status != http.StatusOK || got.close {
		t.Fatalf("before: %+v", got)
	}

	g.terminate()
	if delay := <-g.asked; delay != 5*time.Minute {
		t.Errorf("it drains for %s", delay)
	}
	for path, want := range map[string]int{"/servez": http.StatusServiceUnavailable, "/readyz": http.StatusServiceUnavailable, "/healthz": http.StatusOK, "/metrics": http.StatusOK} {
		if got := g.probe(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	for name, client := range map[string]*http.Client{"on a connection from before": kept, "on a new connection": dialling("unix", g.public, nil)} {
		if got := mustGet(t, client, "http://shop.example/"); got.status != http.StatusOK || !got.close {
			t.Errorf("%s: %+v, want 200 and Connection: close", name, got)
		}
	}
	select {
	case err := <-g.ended:
		t.Fatalf("it ended before the delay was over: %v", err)
	default:
	}

	if err := g.end(); err != nil {
		t.Error(err)
	}
	if got, err := get(t, dialling("unix", g.public, nil), "http://shop.example/"); err == nil {
		t.Errorf("afterwards a client gets in: %+v", got)
	}
}

// Its client would send the next request into a connection that the gateway closes once the delay is over.
func TestAnAnswerThatBeganBeforeTheDrainIsTheLastOnItsConnection(t *testing.T) {
	g := startLeaving(t, "server: {drain_delay: 5m}\n")
	g.awaitReady()
	reached, release := make(chan struct{}), make(chan struct{})
	g.shop.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(reached)
		<-release
		return false
	}
	slow := make(chan received, 1)
	go func() {
		got, err := get(t, dialling("unix", g.public, nil), "http://shop.example/slow")
		if err != nil {
			t.Error(err)
		}
		slow <- got
	}()
	<-reached
	g.terminate()
	<-g.asked // it drains
	close(release)
	if got := <-slow; got.status != http.StatusOK || !got.close {
		t.Errorf("%+v, want 200 and Connection: close", got)
	}
	if err := g.end(); err != nil {
		t.Error(err)
	}
}
