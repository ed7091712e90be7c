package upstream_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// The plugin signs a reply when something happens, and the request may go on for minutes: an import that changes accounts, where
// upstream.timeouts allows that. The reply counts when the answer begins. One that was over when the request came does not.
func TestRepliesOfASlowRequestCount(t *testing.T) {
	for _, row := range []struct {
		before, after time.Duration // between the reply and the request; between the reply and its answer
		counts        bool
	}{{0, 0, true}, {0, 5 * time.Minute, true}, {80 * time.Second, 0, false}, {80 * time.Second, 5 * time.Minute, false}, {-5 * time.Minute, 0, false}} {
		var passed atomic.Int64
		now := func() time.Time { return time.Unix(1_800_000_000, 0).Add(time.Duration(passed.Load())) }
		wp := upstreamtest.Start(t)
		wp.Now = now
		wp.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
			wp.Now = func() time.Time { return now().Add(-row.before) }
			wp.End(w, s, 2, "fp-alice-1")
			wp.Report(w, s.Header.Get("X-CoCart-Gateway"), upstreamtest.Check{User: 2, Result: "refused"})
			passed.Add(int64(row.after))
			upstreamtest.JSON(w, 200, "{}")
			return true
		}
		fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.Now = now })
		var answer upstream.Answer
		fr.forwarding.Before = func(_ context.Context, a *upstream.Answer) error { answer = *a; return nil }
		status := fr.send(t, "POST", "/wp-admin/admin.php?import=csv", "")
		if counts := status == 200 && len(answer.Ended) == 1 && answer.Report != nil; counts != row.counts {
			t.Errorf("%+v: %d, ended %v, report %+v", row, status, answer.Ended, answer.Report)
		}
	}
}
