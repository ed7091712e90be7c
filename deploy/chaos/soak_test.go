package chaos

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/upstream/upstreamtest"
)

// soakTime is how long the load lasts: 20 minutes with make soak, some seconds with make test.
func soakTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SOAK")
	if text == "" {
		return 12 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// soakFault is one that a shop must survive without a customer noticing more than a 503.
type soakFault struct {
	what  string
	fault func(w *world) (heal func())
}

var soakFaults = []soakFault{
	{"Redis killed", killRedis},
	{"a gateway restarted", func(w *world) func() { w.gateways[1].stop(); return w.gateways[1].start }},
	{"Redis frozen", func(w *world) func() { pid := w.redis.PID(); freeze(pid); return func() { thaw(pid) } }},
	{"Redis full", func(w *world) func() {
		w.command("CONFIG", "SET", "maxmemory", "1")
		return func() { w.command("CONFIG", "SET", "maxmemory", "0") }
	}},
	{"a gateway killed", func(w *world) func() { w.gateways[2].kill(); return w.gateways[2].start }},
	{"garbage bearers", garbage},
}

// window is a time in which failures are explained: that of a fault, and some seconds after it.
type window struct {
	from, to time.Time
	what     string
}

// afterFault is how long failures are still explained: gateways wait up to two seconds between two attempts to follow the
// revocations.
const afterFault = 5 * time.Second

func TestSoak(t *testing.T) {
	lasts := soakTime(t)
	// How soon every gateway knows of an end is measured by the campaign. In so long a time other work on the machine may hold a
	// gateway up.
	w := &world{t: t, tally: &tally{}, ended: &endedSessions{}, late: 2 * time.Second}
	w.wordpress = upstreamtest.Start(t)
	w.wordpress.Lock()
	w.wordpress.Forgets, w.wordpress.Users = true, users(shoppers())
	w.wordpress.Unlock()
	balanced()(w)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	var crowd []*shopper
	for i := range shoppers() {
		customer := w.shopper(i + 2)
		crowd = append(crowd, customer)
		all.Go(func() { customer.shop(ctx) })
	}
	all.Go(func() { w.check(ctx) })
	all.Go(func() { w.shopper(93_000).stroll(ctx) })
	time.Sleep(lasts / 6)
	before := w.lowestHeap(lasts / 12)
	windows := w.breakThings(lasts/2, max(lasts/12, min(time.Minute, lasts/6)))
	after := w.lowestHeap(lasts / 12)
	cancel()
	all.Wait()
	w.audit(crowd)
	w.judgeSoak(windows)
	w.leaks(crowd, before, after)
	t.Logf("%d requests, %d of %d ended tokens accepted, %d answers 503; heap %d → %d MB", w.tally.requests, w.tally.accepted, w.tally.checks,
		w.tally.unavailable, before>>20, after>>20)
}

// breakThings breaks something at intervals, for a sixth of them each.
func (w *world) breakThings(lasts, interval time.Duration) (windows []window) {
	for end, i := time.Now().Add(lasts), 0; time.Now().Before(end); i++ {
		f := soakFaults[i%len(soakFaults)]
		began := time.Now()
		heal := f.fault(w)
		time.Sleep(interval / 6)
		heal()
		windows = append(windows, window{began, time.Now().Add(afterFault), f.what})
		time.Sleep(interval * 5 / 6)
	}
	return windows
}

// stroll asks for pages and guests' carts until the context ends.
func (s *shopper) stroll(ctx context.Context) {
	for ctx.Err() == nil {
		s.send(http.MethodGet, []string{"/shop/", cart, "/wp-json/cocart/v2/products"}[s.rng.IntN(3)], "", "")
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// lowestHeap is the largest of the gateways' heaps, each at its lowest during a while: just after a collection.
func (w *world) lowestHeap(during time.Duration) int {
	lowest := map[*gateway]float64{}
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		for _, g := range w.gateways {
			if n, err := strconv.ParseFloat(g.metric("go_memstats_heap_alloc_bytes"), 64); err == nil && (lowest[g] == 0 || n < lowest[g]) {
				lowest[g] = n
			}
		}
	}
	most := 0.0
	for _, n := range lowest {
		most = max(most, n)
	}
	return int(most)
}

func (w *world) judgeSoak(windows []window) {
	w.t.Helper()
	for _, miss := range (goal{failed: restarting * len(windows)}).missed(w.tally) {
		w.t.Errorf("%s\n%s", miss, w.tally.story())
	}
	for _, f := range w.tally.failures {
		explained := slices.ContainsFunc(windows, func(one window) bool { return !f.at.Before(one.from) && f.at.Before(one.to) })
		if !explained {
			w.t.Errorf("unexplained at %s: %s", f.at.Format(time.TimeOnly), f.what)
		}
	}
}

// leaks compares what the gateways have once the customers have left with what a gateway has that has just started, and
// looks for keys in Redis that never go.
func (w *world) leaks(crowd []*shopper, before, after int) {
	w.t.Helper()
	if limit := before*3/2 + 16<<20; after > limit {
		w.t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	for _, s := range crowd {
		s.client.CloseIdleConnections()
	}
	w.front = ""
	fresh := w.gateway("fresh", fmt.Sprintf("{address: %q}", w.redis.Addr()), "")
	fresh.start()
	rest := (&world{gateways: []*gateway{fresh}}).used()
	var last usage
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		w.wordpress.CloseClientConnections()
		if last = w.used(); last.goroutines <= rest.goroutines+20 && last.descriptors <= rest.descriptors+30 {
			break
		}
	}
	if last.goroutines > rest.goroutines+20 || last.descriptors > rest.descriptors+30 {
		w.t.Errorf("with nothing to do the gateways have %s, a fresh one has %s", last, rest)
	}
	w.lastingKeys()
}

// lastingKeys reports the keys without an expiry, but for the log of revocations and the lifetimes of tokens, which are
// trimmed.
func (w *world) lastingKeys() {
	w.t.Helper()
	c := w.redis.Client()
	defer c.Close()
	ctx := context.Background()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, key := range keys {
		if strings.HasSuffix(key, ":revocations") || strings.HasSuffix(key, ":lifetimes") {
			continue
		}
		if left, err := c.PTTL(ctx, key).Result(); err != nil || left == -1 {
			w.t.Errorf("key %s never expires (%v)", key, err)
		}
	}
}
