package pool

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Health says when a node is taken to be down, and how it comes back. Requests
// count as well as checks; checks are made only where there are several nodes.
type Health struct {
	// Path is what is asked for, below the origin; a 2xx or 3xx is good. Empty
	// means WordPress's REST index, where only a 5xx is bad: it wakes up PHP, and
	// some plugins deny guests access.
	Path string
	// Interval between checks of a node, give or take a tenth; zero means 10 s.
	Interval time.Duration
	// Timeout of one check; zero means 5 s.
	Timeout time.Duration
	// Failures in a row take a node down, Successes in a row bring it back; zero
	// means 3 and 1. Checks and requests add up, but an answer to a request does not
	// make up for a check that failed.
	Failures, Successes int
}

// What a node did wrong; labels of metrics.
const (
	failedConnect = "connect" // nothing was sent
	failedTimeout = "timeout"
	failedBroken  = "broken" // hung up, or answered no HTTP
	failedCheck   = "check"
)

var failures = []string{failedConnect, failedTimeout, failedBroken, failedCheck}

// redial is how long no request connects to a node at which dial_timeout expired, when
// all nodes are down: otherwise each request would wait that long.
const redial = time.Second

// Run checks the nodes until ctx ends, whose error it returns. A single node is not checked: there is no other to choose.
func (p *Pool) Run(ctx context.Context, check NodeCheck) error {
	for len(p.nodes) > 1 {
		p.Check(ctx, check)
		timer := time.NewTimer(jittered(p.health.Interval))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// NodeCheck asks a node for a path; "" is the one that shows whether WordPress works. An error means that the node does
// not.
type NodeCheck func(ctx context.Context, n *Node, path string) error

// jittered keeps gateways that started together from asking together.
func jittered(d time.Duration) time.Duration { return d - d/10 + time.Duration(chance(int(d/5)+1)) }

// Check asks every node once, all at the same time, and waits for their answers. Checks need no place: a node that is busy
// is not down.
func (p *Pool) Check(ctx context.Context, check NodeCheck) {
	var asked sync.WaitGroup
	for _, n := range p.nodes {
		asked.Go(func() {
			limited, cancel := context.WithTimeout(ctx, p.health.Timeout)
			defer cancel()
			err := check(limited, n, p.health.Path)
			if ctx.Err() == nil {
				p.checked(n, err)
			}
		})
	}
	asked.Wait()
}

// checked notes the outcome of a check.
func (p *Pool) checked(n *Node, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.fail(n, failedCheck, err)
		return
	}
	p.reached(n)
	n.refused = 0
	if n.passed++; n.down && n.passed >= p.health.Successes {
		p.turn(n, true, nil)
	}
}

// answered notes that a request got an answer, whatever its status. A node that
// is checked comes back by its checks only: those may fail where pages do not.
func (p *Pool) answered(n *Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reached(n)
	if n.down && len(p.nodes) == 1 {
		p.turn(n, true, nil)
	}
}

// Pinged notes that a ping got an answer, whatever its status. It brings a single
// node back as an answer to a request does, but makes up for no request that failed
// before the node is down: pages may run into timeouts where the REST index does not.
func (p *Pool) Pinged(n *Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n.down && len(p.nodes) == 1 {
		n.recover()
		p.turn(n, true, nil)
	}
}

// failedWith notes a request that got no answer. A client that left says nothing
// of the node, nor does a request with a body that was being sent: it may be the
// client's half that broke off, and a client must not be able to take nodes down.
func (p *Pool) failedWith(n *Node, req *http.Request, connected bool, err error) {
	connected = connected && !isDial(err)
	if errors.Is(err, context.Canceled) || connected && !bodiless(req) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !connected:
		p.fail(n, failedConnect, err)
		if n.silent = isTimeout(err); n.silent {
			n.unreachable = p.now().Add(redial)
		}
	case isTimeout(err):
		p.fail(n, failedTimeout, err)
	default:
		p.fail(n, failedBroken, err)
	}
}

// fail and what follows is called with the lock held.
func (p *Pool) fail(n *Node, why string, err error) {
	p.metrics.failures.WithLabelValues(n.name, why).Inc()
	if why == failedCheck {
		n.refused++
	} else {
		n.failed++
	}
	n.passed = 0
	if !n.down && n.failed+n.refused >= p.health.Failures {
		p.turn(n, false, err)
	}
}

// reached notes that a node answered. While all are down, others may follow the request that dialled it.
func (p *Pool) reached(n *Node) {
	waits := n.unreachable.After(p.now())
	n.recover()
	if waits {
		p.admitWaiting()
	}
}

func (n *Node) recover() { n.failed, n.silent, n.unreachable = 0, false, time.Time{} }

// probed lets one request through to a silent node, and no second one until that
// one came back or had the time to.
func (n *Node) probed(now time.Time) {
	if n.silent {
		n.unreachable = now.Add(redial)
	}
}

// turn is the only place where a node goes down or comes back.
func (p *Pool) turn(n *Node, up bool, cause error) {
	n.down = !up
	if up {
		p.up++
		p.metrics.up.WithLabelValues(n.name).Set(1)
		p.log.Info("WordPress node is up", "node", n.name)
	} else {
		p.up--
		p.metrics.up.WithLabelValues(n.name).Set(0)
		p.log.Warn("WordPress node is down", "node", n.name, "cause", cause.Error())
	}
	if p.up == 0 && len(p.nodes) > 1 {
		p.log.Error("all WordPress nodes are down, each is tried nevertheless")
	}
	p.admitWaiting()
}

// awaitRedial wakes the waiting requests when a node may be dialled again, if all are down: no place becomes free then that
// would do so.
func (p *Pool) awaitRedial() {
	if p.up > 0 || p.waiting[CoCart].list.Len()+p.waiting[Site].list.Len()+p.waiting[Own].list.Len() == 0 {
		return
	}
	var next time.Time
	for _, n := range p.nodes {
		if n.unreachable.After(p.now()) && (next.IsZero() || n.unreachable.Before(next)) {
			next = n.unreachable
		}
	}
	if next.IsZero() {
		return
	}
	if p.redial != nil {
		p.redial.Stop()
	}
	p.redial = time.AfterFunc(next.Sub(p.now()), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.admitWaiting()
	})
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// isDial reports whether the connection failed, so that nothing was sent.
func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
