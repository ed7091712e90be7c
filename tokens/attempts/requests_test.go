package attempts_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

// use counts one request and returns "passed", or the counter that refused.
func use(g *attempts.Guard, u attempts.Use) string {
	_, err := g.AllowUse(ctx, u)
	var e *attempts.Exceeded
	switch {
	case err == nil:
		return "passed"
	case errors.As(err, &e) && e.State.Remaining == 0 && e.State.RetryAfter > 0:
		return string(e.Scope)
	}
	return err.Error()
}

func TestGatewaysCountRequestsTogether(t *testing.T) {
	w := open(t, tokenstest.Redis(t).Client())
	limits := func(c *attempts.Config) {
		c.Requests, c.SessionRequests = per(4, time.Minute), per(2, time.Minute)
	}
	one, two := w.another(limits), w.another(limits)
	u := attempts.Use{Client: netip.MustParseAddr("2001:db8::1"), Session: "s1"}
	w.says(use(one, u), "passed")
	w.says(use(two, u), "passed")
	w.says(use(one, u), "session_requests")
	u.Session, u.Client = "s2", netip.MustParseAddr("2001:db8::2") // of the same /64
	w.says(use(two, u), "passed")
	u.Session = ""
	w.says(use(one, u), "passed")
	w.says(use(two, u), "requests")
	u.Client = netip.MustParseAddr("2001:db8:0:1::1")
	w.says(use(two, u), "passed")
}

func TestAnOperatorLiftsTheLimitOfRequests(t *testing.T) {
	w := open(t, tokenstest.Redis(t).Client())
	g := w.another(func(c *attempts.Config) { c.Requests = per(1, time.Minute) })
	u := attempts.Use{Client: netip.MustParseAddr("192.0.2.1")}
	w.says(use(g, u), "passed")
	locked, err := g.Lockouts(ctx)
	if err != nil || len(locked) != 1 || locked[0].Counter != "requests" {
		t.Errorf("%+v, %v", locked, err)
	}
	if err := g.ClearAddress(ctx, u.Client); err != nil {
		t.Fatal(err)
	}
	w.says(use(g, u), "passed")
}

func TestABatchWaitsUntilAllOfItPasses(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		g := w.another(func(c *attempts.Config) { c.Requests = per(6, time.Minute) })
		u := attempts.Use{Client: netip.MustParseAddr("192.0.2.1"), Times: 4}
		w.says(use(g, u), "passed")
		_, err := g.AllowUse(ctx, u)
		var e *attempts.Exceeded
		if !errors.As(err, &e) || e.State.RetryAfter != 20 {
			t.Fatalf("%+v, %v", e, err)
		}
		w.clock.Advance(20 * time.Second)
		w.says(use(g, u), "passed")
	})
}

// A refresh token is 128 digits, and a client that sends a long text instead is refused as often as it likes.
func TestRefusedRefreshesTakeLittleMemory(t *testing.T) {
	const addresses, tries, mostBytes = 300, 400, 40 << 20
	w := open(t, nobody(t), func(c *attempts.Config) { c.Refresh = per(1, time.Minute) })
	refuse := func(address, try int) {
		ticket := w.Ticket(attempts.Refresh, addr("2001:db8:%x::1", address))
		text := fmt.Sprintf("%032d%s", try, strings.Repeat("x", 4<<10))
		ticket.For(text[:32])
		_ = ticket.Alone(ctx)
	}
	before := heap()
	for address := range addresses {
		for try := range tries {
			refuse(address, try)
		}
	}
	if grown := heap() - before; grown > mostBytes {
		t.Errorf("%d MiB are kept of %d requests", grown>>20, addresses*tries)
	}
	runtime.KeepAlive(w)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}
