package pool

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// WordPress starts its background work with a request whose sender hangs up at once: wp_remote_post with a timeout of
// 10 ms for wp-cron.php (spawn_cron), Action Scheduler's and WooCommerce's background jobs. Such a request is meant to
// be done although no client reads the answer. So a request that changes something is sent to WordPress even if its client
// has left, as soon as all of it has arrived; a page without a client is not requested.
//
// Attack: requests that are cancelled at once cost their sender nothing (HTTP/2 Rapid Reset, CVE-2023-44487), and each
// would occupy PHP. Prevention: at most Concurrency.Abandoned of them are under way. The shop's own are not counted.

// errAbandoned is the cause of a context that ended because too many clients had left. Like any request whose client left, it
// says nothing of the node.
var errAbandoned = fmt.Errorf("%w: the client left, and too many requests without a client are under way", context.Canceled)

// departedWait is how long a request without a client waits for a place: there is no client that could try again.
const departedWait = 30 * time.Second

type abandoned struct {
	limit   int
	metrics *nodeMetrics

	mu    sync.Mutex
	count int
}

func newAbandoned(limit int, m *nodeMetrics) *abandoned {
	return &abandoned{limit: max(0, limit), metrics: m}
}

// Departure is what became of the client of one request.
type Departure struct {
	of    *abandoned
	group Group
	left  chan struct{} // closed: the client has left, and the request goes on

	counted bool // guarded by of.mu
	over    bool
}

// outlive returns a context that continues when client ends, unless too many requests continue already. Call end when the request
// is over.
func (a *abandoned) outlive(client context.Context, g Group) (ctx context.Context, d *Departure, end func()) {
	d = &Departure{of: a, group: g, left: make(chan struct{})}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(client))
	stop := context.AfterFunc(client, func() {
		if !d.depart() {
			cancel(errAbandoned)
		}
	})
	return ctx, d, func() {
		stop()
		d.arrive()
		cancel(nil)
	}
}

// depart reports whether the request may go on without its client.
func (d *Departure) depart() bool {
	d.of.mu.Lock()
	defer d.of.mu.Unlock()
	switch {
	case d.over:
		return true
	case d.group == Own: // is not counted
	case d.of.count >= d.of.limit:
		d.of.metrics.shed.WithLabelValues(d.group.String(), shedAbandoned).Inc()
		return false
	default:
		d.of.count++
		d.counted = true
	}
	close(d.left)
	return true
}

// arrive ends a request, whether its client has left or not.
func (d *Departure) arrive() {
	d.of.mu.Lock()
	defer d.of.mu.Unlock()
	d.over = true
	if d.counted {
		d.of.count--
	}
}

// gone is closed when the request goes on without its client. One without a departure never does.
func (d *Departure) gone() <-chan struct{} {
	if d == nil {
		return nil
	}
	return d.left
}
