package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// failable is a shop whose REST index fails on command.
func failable(t *testing.T) (*upstreamtest.WordPress, *atomic.Bool) {
	t.Helper()
	wp, failing := upstreamtest.Start(t), &atomic.Bool{}
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		if failing.Load() && s.Method == http.MethodHead {
			w.WriteHeader(http.StatusInternalServerError)
			return true
		}
		return false
	}
	return wp, failing
}

func pages(wp *upstreamtest.WordPress) (n int) {
	for _, s := range wp.Seen() {
		if s.Method == http.MethodGet {
			n++
		}
	}
	return n
}

func TestChecksTakeANodeDownAndBringItBack(t *testing.T) {
	bad, failing := failable(t)
	good := upstreamtest.Start(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, bad.URL), mustParse(t, good.URL)),
		func(c *upstream.Config) { c.Health = pool.Health{Failures: 2, Successes: 2} })
	up := `cocart_gateway_upstream_node_up{node="` + mustParse(t, bad.URL).Host + `"}`
	for _, step := range []struct {
		name    string
		failing bool
		want    float64
	}{
		{"one failure changes nothing", true, 1}, {"the second takes it down", true, 0}, {"and it stays down", true, 0},
		{"one success is not enough", false, 0}, {"a failure begins anew", true, 0}, {"one success again", false, 0}, {"two bring it back", false, 1},
	} {
		failing.Store(step.failing)
		fr.wordpress.Check(t.Context())
		if got := fr.metric(t, up); got != step.want {
			t.Errorf("%s: up is %v", step.name, got)
		}
		if step.want == 1 {
			continue
		}
		before := pages(bad)
		for range 10 {
			fr.send(t, "GET", "/page", "")
		}
		if n := pages(bad) - before; n != 0 {
			t.Errorf("%s: the node that is down got %d requests", step.name, n)
		}
	}
	if down, back := fr.log.count("node is down"), fr.log.count("node is up"); down != 1 || back != 1 {
		t.Errorf("logged down %d times, up %d times", down, back)
	}
}

func TestACheckOfAnotherPathMustSucceed(t *testing.T) {
	bad, good := upstreamtest.Start(t), upstreamtest.Start(t)
	bad.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		w.WriteHeader(http.StatusNotFound) // an operator took the file away
		return true
	}
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, bad.URL), mustParse(t, good.URL)),
		func(c *upstream.Config) { c.Health = pool.Health{Path: "/health.txt", Failures: 1} })
	fr.wordpress.Check(t.Context())
	if got := bad.Last(); got.Target != "/health.txt" || got.Host != "shop.example" || got.Claims.Kind != "site" {
		t.Errorf("asked %+v", got)
	}
	if up := fr.metric(t, `cocart_gateway_upstream_node_up{node="`+mustParse(t, bad.URL).Host+`"}`); up != 0 {
		t.Error("a node whose file is gone is up")
	}
}

func TestWhenAllNodesAreDownTheyAreTriedNevertheless(t *testing.T) {
	one, failing := failable(t)
	two, failingToo := failable(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)),
		func(c *upstream.Config) { c.Health.Failures = 1 })
	failing.Store(true)
	failingToo.Store(true)
	fr.wordpress.Check(t.Context())
	if status := fr.send(t, "GET", "/page", ""); status != 200 {
		t.Errorf("status %d: the checks fail, the shop does not", status)
	}
	if n := fr.log.count("all WordPress nodes are down"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestRunChecksUntilItIsStopped(t *testing.T) {
	checks := make(chan struct{}, 8)
	count := func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		select {
		case checks <- struct{}{}:
		default:
		}
		return false
	}
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	one.Answer, two.Answer = count, count
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)),
		func(c *upstream.Config) { c.Health.Interval = time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- fr.wordpress.Run(ctx) }()
	for range 6 { // three rounds
		<-checks
	}
	stop()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := fr.log.count("node is down"); n != 0 {
		t.Error("the end of the gateway was taken for the end of a node")
	}
}

func TestASingleNodeIsNotChecked(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := fr.wordpress.Run(ctx); !errors.Is(err, context.Canceled) || len(wp.Seen()) != 0 {
		t.Errorf("%v, asked %d times", err, len(wp.Seen()))
	}
}

func TestASingleNodeComesBackWithItsFirstAnswer(t *testing.T) {
	wp := upstreamtest.Start(t)
	broken := &atomic.Bool{}
	wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		return broken.Load() && cut(w, r, s)
	}
	fr := newFront(t, wp.URL, asSite())
	broken.Store(true)
	for range 3 {
		fr.send(t, "GET", "/", "")
	}
	if n := fr.log.count("node is down"); n != 1 {
		t.Errorf("down: logged %d times", n)
	}
	broken.Store(false)
	for range 3 {
		fr.send(t, "GET", "/", "")
	}
	if n := fr.log.count("node is up"); n != 1 {
		t.Errorf("up: logged %d times", n)
	}
}

// At night there are no customers: the probe has to find out.
func TestASingleNodeComesBackWithTheFirstPingThatIsAnswered(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"well":                        func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"with an error, as a page is": func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			wp, broken := upstreamtest.Start(t), &atomic.Bool{}
			wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
				if broken.Load() {
					return cut(w, r, s)
				}
				answer(w)
				return true
			}
			fr := newFront(t, wp.URL, asSite())
			up := `cocart_gateway_upstream_node_up{node="` + mustParse(t, wp.URL).Host + `"}`
			broken.Store(true)
			for range 3 {
				fr.send(t, "GET", "/", "")
			}
			if _, err := fr.wordpress.Ping(t.Context()); err == nil || fr.metric(t, up) != 0 {
				t.Fatalf("while it is broken: %v, up is %v", err, fr.metric(t, up))
			}
			broken.Store(false)
			_, _ = fr.wordpress.Ping(t.Context()) // whether that is good enough is not the question
			if fr.metric(t, up) != 1 || fr.log.count("node is up") != 1 {
				t.Errorf("up is %v; %s", fr.metric(t, up), fr.log)
			}
		})
	}
}

// One of several comes back by its checks, which may ask for something else.
func TestAPingDoesNotBringBackOneOfSeveralNodes(t *testing.T) {
	bad, failing := failable(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, bad.URL), mustParse(t, upstreamtest.Start(t).URL)),
		func(c *upstream.Config) { c.Health.Failures = 1 })
	failing.Store(true)
	fr.wordpress.Check(t.Context())
	failing.Store(false)
	_, err := fr.wordpress.Ping(t.Context())
	if up := fr.metric(t, `cocart_gateway_upstream_node_up{node="`+mustParse(t, bad.URL).Host+`"}`); err != nil || up != 0 {
		t.Errorf("%v, up is %v", err, up)
	}
}

// Connections in TestNoRequestWaitsForANodeThatNeverAnswersDialling run into
// their timeout at once, which a real one does after two seconds, for each request.
func TestNoRequestWaitsForANodeThatNeverAnswersDialling(t *testing.T) {
	var now atomic.Int64
	now.Store(1_800_000_000)
	fr := newFront(t, "http://127.0.0.1:1", asSite(), func(c *upstream.Config) {
		c.DialTimeout = time.Nanosecond
		c.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	})
	dialled := func() float64 {
		return fr.metric(t, `cocart_gateway_upstream_node_failures_total{node="127.0.0.1:1",reason="connect"}`)
	}
	for range 10 {
		fr.send(t, "GET", "/", "")
		if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if n := dialled(); n != 3 {
		t.Errorf("dialled %v times, want 3 and then a pause", n)
	}
	now.Add(2)
	for range 10 {
		fr.send(t, "GET", "/", "")
	}
	if n := dialled(); n != 4 {
		t.Errorf("dialled %v times, want one more after the pause", n)
	}
}

func TestAClientCannotTakeANodeDown(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for range 5 {
		req, err := http.NewRequestWithContext(t.Context(), "POST", fr.URL, &breaking{})
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	if n := fr.log.count("node is down"); n != 0 {
		t.Error("requests whose bodies broke off took the node down")
	}
}

type breaking struct{ begun bool }

func (b *breaking) Read(p []byte) (int, error) {
	if b.begun {
		return 0, errors.New("the client left")
	}
	b.begun = true
	return copy(p, "half"), nil
}

func TestPingNamesTheNodes(t *testing.T) {
	wp := upstreamtest.Start(t)
	gone := upstreamtest.Deaf(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, wp.URL), gone))
	got, err := fr.wordpress.Ping(t.Context())
	if err != nil || got.Plugin != "test" {
		t.Errorf("with one node left: %+v, %v", got, err)
	}
	if here, there := got.Nodes[mustParse(t, wp.URL).Host], got.Nodes[gone.Host]; here != nil || !errors.Is(there, upstream.ErrUnavailable) {
		t.Errorf("%v and %v", here, there)
	}
	other := upstreamtest.Start(t)
	other.NoPlugin = true
	fr = newFront(t, "http://unused", asSite(), onNodes(mustParse(t, wp.URL), mustParse(t, other.URL)))
	if got, err = fr.wordpress.Ping(t.Context()); err != nil || got.Plugin != "" {
		t.Errorf("with a node that lacks the plugin: %+v, %v", got, err)
	}
	fr = newFront(t, "http://unused", asSite(), onNodes(gone, upstreamtest.Deaf(t)))
	if _, err = fr.wordpress.Ping(t.Context()); !errors.Is(err, upstream.ErrUnavailable) {
		t.Errorf("with none: %v", err)
	}
}

func TestNodesNeedAnAddress(t *testing.T) {
	for name, bad := range map[string]*url.URL{"nothing": nil, "no host": {Scheme: "http"}, "no path": {Scheme: "unix"}} {
		_, err := newUpstream(func(c *upstream.Config) { c.Nodes = []*url.URL{{Scheme: "http", Host: "a:1"}, bad} })
		if err == nil || !strings.Contains(err.Error(), "origin") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
