package chain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/child"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// Replica is one of several gateways of a shop, which a test may restart.
type Replica struct {
	Gateway
	t       *testing.T
	program child.Program
	process *child.Process
}

// Replicas runs two gateways in front of the web server of a shop, with one Redis, as they are behind a load balancer.
func Replicas(t *testing.T, shop string) (a, b *Replica) {
	t.Helper()
	redis, binary := tokenstest.Redis(t).Addr(), Build(t)
	return replica(t, "gateway a", shop, redis, binary, "", nil), replica(t, "gateway b", shop, redis, binary, "", nil)
}

// OnSocket runs a gateway whose socket stays open while it restarts, as systemd holds it.
func OnSocket(t *testing.T, shop string) *Replica {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	socket, err := l.File()
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return replica(t, "the gateway", shop, tokenstest.Redis(t).Addr(), Build(t), address, socket)
}

// replica runs a gateway, on a socket with its address if there is one.
func replica(t *testing.T, name, shop, redis, binary, address string, socket *os.File) *Replica {
	t.Helper()
	g := Gateway{Public: FreeAddress(t), Admin: FreeAddress(t), Log: filepath.Join(t.TempDir(), "log")}
	args, configuration, env, keep := []string{binary}, g.Configuration(shop), []string(nil), []*os.File(nil)
	if socket != nil {
		configuration = strings.Replace(configuration, strconv.Quote(g.Public), "systemd", 1)
		g.Public = address
		// Only the process itself knows its number, so a shell writes LISTEN_PID.
		args = []string{"/bin/sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", binary}
		env, keep = append(os.Environ(), "LISTEN_FDS=1"), []*os.File{socket}
	}
	file := Write(t, "config.yaml", configuration+fmt.Sprintf("trusted_proxies: [127.0.0.1]\nredis: {address: %q}\nlog: {format: json}\n"+
		"server: {drain_delay: 5s}\n", redis))
	r := &Replica{Gateway: g, t: t, program: child.Program{Name: name, Args: append(args, "serve", "--config", file), Log: g.Log, Env: env, Keep: keep}}
	r.start()
	t.Cleanup(func() {
		if err := r.process.Stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *Replica) start() {
	r.t.Helper()
	process, err := child.Start(r.program, make(chan error, 1))
	if err != nil {
		r.t.Fatal(err)
	}
	r.process = process
	if err := process.Ready(r.t.Context(), r.serves); err != nil {
		r.t.Fatal(err)
	}
}

// serves reports what a load balancer learns from the gateway.
func (r *Replica) serves() bool {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.Admin+"/servez", nil)
	if err != nil {
		return false
	}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return got.Body.Close() == nil && got.StatusCode == http.StatusOK
}

// restart returns when the load balancer sends requests to the new process.
func (r *Replica) restart() {
	r.t.Helper()
	if err := r.process.Stop(); err != nil {
		r.t.Error(err)
	}
	r.start() // with a new log
	tokenstest.Eventually(r.t, r.program.Name+" to get requests again", func() bool { return len(linesOf(r.t, r.Log)) > 0 })
}

// Restarts restarts one gateway after the other while customers shop, and fails if one of their requests is lost, or
// arrives at WordPress twice.
func Restarts(t *testing.T, wp *upstreamtest.WordPress, address string, replicas ...*Replica) {
	t.Helper()
	for _, r := range replicas { // the load balancer has found all
		client := browser(address)
		tokenstest.Eventually(t, r.program.Name+" to get requests", func() bool {
			ask(t, client, http.MethodGet, cart, "", nil)
			return len(linesOf(t, r.Log)) > 0
		})
		client.CloseIdleConnections()
	}
	ctx, enough := context.WithCancel(t.Context())
	var shoppers sync.WaitGroup
	sent := make([]int, 3)
	for i := range sent {
		shoppers.Go(func() { sent[i] = shop(ctx, t, address, fmt.Sprint("shopper-", i, "-")) })
	}
	for _, r := range replicas {
		r.restart()
	}
	enough()
	shoppers.Wait()
	arrived := map[string]int{}
	for _, seen := range wp.Seen() {
		if id := seen.Header.Get("X-Order"); id != "" {
			arrived[id]++
		}
	}
	total := 0
	for i, n := range sent {
		total += n
		for order := range n {
			if id := fmt.Sprint("shopper-", i, "-", order); arrived[id] != 1 {
				t.Errorf("%s arrived %d times", id, arrived[id])
			}
		}
	}
	t.Logf("%d requests while %d gateways restarted", total, len(replicas))
}

// shop adds to a cart until the context ends, and returns how many requests it sent.
func shop(ctx context.Context, t *testing.T, address, prefix string) (sent int) {
	client := browser(address)
	defer client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ; ctx.Err() == nil; sent++ {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, upstreamtest.SiteURL+cart+"/add-item", strings.NewReader(`{"id":"1"}`))
		if err != nil {
			t.Error(err)
			return sent
		}
		request.Header = http.Header{"Content-Type": {"application/json"}, "X-Order": {fmt.Sprint(prefix, sent)}}
		got, err := client.Do(request)
		if err != nil {
			t.Errorf("%s%d: %v", prefix, sent, err)
			continue
		}
		_ = got.Body.Close() // the status says it all
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s%d: %s", prefix, sent, got.Status)
		}
		<-tick.C
	}
	return sent
}
