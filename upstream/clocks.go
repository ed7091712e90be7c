package upstream

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cocart-gateway/upstream/clock"
	"cocart-gateway/upstream/pool"
)

// ClockTick is how often [WordPress.FollowClocks] should look whether a node is to be asked for its clock.
const ClockTick = time.Second

const (
	askClock      = time.Minute     // between two questions to a node
	askClockSoon  = 5 * time.Second // the same, while the clocks may differ by more than is known
	clockTimeout  = 5 * time.Second // of one question
	codeRefusedUs = "cocart_gateway_bad_assertion"
)

// nodeClock is the clock of one node, which the must-use plugin tells in its signed status. Nodes have clocks of their own.
type nodeClock struct {
	*clock.Clock
	node    Node
	refused atomic.Bool // since the last question an assertion was refused, for its time perhaps

	mu    sync.Mutex
	asked time.Time // when the last question was sent; guarded by mu

	reported standing // by FollowClocks only
}

// standing is what the log has of a clock.
type standing int

const (
	clockAgrees standing = iota
	clockDiffers
	clockBeyond
)

func (w *WordPress) newClocks(steady func() time.Time) map[*pool.Node]*nodeClock {
	clocks := map[*pool.Node]*nodeClock{}
	for _, n := range w.Nodes() {
		w.metrics.ahead.WithLabelValues(n.Name())
		clocks[n.node] = &nodeClock{Clock: clock.New(w.now, steady), node: n}
	}
	return clocks
}

// clockOf is the clock by which assertions for a node are stamped. While nothing is known of its own, it is that of another
// node: where the gateway's clock is the wrong one, all nodes differ alike.
func (w *WordPress) clockOf(n *pool.Node) *nodeClock {
	own := w.clocks[n]
	if own.Known() {
		return own
	}
	for _, other := range w.clocks {
		if other.Known() {
			return other
		}
	}
	return own
}

// LearnClocks asks every node for its clock, all at the same time, and waits for their answers. Until then, and with a plugin
// that does not answer, what is signed has the gateway's own time.
func (w *WordPress) LearnClocks(ctx context.Context) {
	var asking sync.WaitGroup
	for _, c := range w.clocks {
		c.noteQuestion(w.steady())
		asking.Go(func() { c.ask(ctx) })
	}
	asking.Wait()
}

// FollowClocks keeps up with the clocks of the nodes until ctx ends. It looks at each tick, which should come at
// [ClockTick]. It asks a node once a minute, and every five seconds while the difference is too large, after the gateway's
// clock was set, and after WordPress refused an assertion, whose time may be why.
func (w *WordPress) FollowClocks(ctx context.Context, ticks <-chan time.Time) {
	defer w.asking.Wait()
	for {
		for _, c := range w.clocks {
			if now := w.steady(); c.due(now) {
				c.noteQuestion(now)
				w.asking.Go(func() { c.ask(ctx) })
			}
			w.metrics.ahead.WithLabelValues(c.node.Name()).Set(c.report(w.log).Seconds())
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

func (c *nodeClock) due(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := askClock
	if ahead, _ := c.Ahead(); c.refused.Load() || clock.Beyond(ahead) || c.Stepped() {
		wait = askClockSoon
	}
	return c.asked.IsZero() || now.Sub(c.asked) >= wait
}

func (c *nodeClock) noteQuestion(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = now
	c.refused.Store(false)
}

// ask has the node report its clock. Without an answer, what was known stays known.
func (c *nodeClock) ask(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	_, _ = c.node.Status(limited, c.node.wordpress.scheme) // which notes the time of a signed answer
}

// report logs a difference when it begins, becomes too large, and ends. It returns the difference.
func (c *nodeClock) report(log *slog.Logger) time.Duration {
	ahead, _ := c.Ahead()
	now := clockAgrees
	switch {
	case clock.Beyond(ahead):
		now = clockBeyond
	case ahead.Abs() > clock.Notable:
		now = clockDiffers
	}
	if ahead = ahead.Round(100 * time.Millisecond); now == c.reported {
		return ahead
	}
	c.reported = now
	fields := []any{"node", c.node.Name(), "ahead", ahead.Round(time.Second).String()}
	switch now {
	case clockBeyond:
		log.Error("the clocks of WordPress and of this machine differ by more than "+clock.Tolerance.String()+": customers are refused; set both by NTP", fields...)
	case clockDiffers:
		log.Warn("the clocks of WordPress and of this machine differ: assertions have WordPress's time; set both by NTP", fields...)
	default:
		log.Info("the clocks of WordPress and of this machine agree again", fields...)
	}
	return ahead
}

// ClockBeyond reports whether the clocks of all nodes that have reported theirs differ from the gateway's by more than
// [clock.Tolerance]: they refuse the customers of this gateway. It does no I/O. Where some nodes differ and others do not, the
// fault is not the gateway's. Several shops are looked at together.
func ClockBeyond(shops ...*WordPress) bool {
	some := false
	for _, w := range shops {
		for _, c := range w.clocks {
			ahead, known := c.Ahead()
			if known && !clock.Beyond(ahead) {
				return false
			}
			some = some || known
		}
	}
	return some
}

// inTime reports whether something that WordPress signed for any node is valid now, in Unix seconds.
func (w *WordPress) inTime(issued, expires int64) bool {
	for _, c := range w.clocks {
		if valid(c.Now(), issued, expires) {
			return true
		}
	}
	return false
}

func valid(now time.Time, issued, expires int64) bool {
	return began(now, issued) && !expired(now, expires)
}

func began(now time.Time, issued int64) bool {
	return !now.Add(replyLeeway).Before(time.Unix(issued, 0))
}

func expired(now time.Time, expires int64) bool {
	return !now.Add(-replyLeeway).Before(time.Unix(expires, 0))
}
