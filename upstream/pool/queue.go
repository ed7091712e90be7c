package pool

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"time"
)

// waiter is a request that waits for a place.
type waiter struct {
	Claim
	arrival uint64
	client  bool        // it counts among the Concurrency.Queue that may wait
	ready   chan *Place // takes one without blocking
	at      *list.Element
}

// queue holds those of one group, oldest first. Its zero value is empty.
type queue struct {
	list    list.List
	clients int // how many count against Concurrency.Queue
}

func (q *queue) push(w *waiter) {
	w.at, w.client = q.list.PushBack(w), true
	q.clients++
}

// wait blocks until there is a place, the client leaves or it took too long.
func (p *Pool) wait(ctx context.Context, w *waiter) (*Place, error) {
	start := time.Now()
	defer func() { p.metrics.wait.WithLabelValues(w.Group.String()).Observe(time.Since(start).Seconds()) }()
	timer := time.NewTimer(p.limits.Wait)
	defer timer.Stop()
	gone := w.Departure.gone()
	for {
		select {
		case pl := <-w.ready:
			return pl, nil
		case <-ctx.Done():
			if pl := p.stopWaiting(w); pl != nil {
				pl.Leave()
			}
			return nil, p.leftWaiting(ctx, w.Group)
		case <-gone:
			gone = nil
			p.goOnWaiting(w)
			timer.Reset(departedWait)
		case <-timer.C:
			if pl := p.stopWaiting(w); pl != nil {
				return pl, nil
			}
			p.metrics.shed.WithLabelValues(w.Group.String(), shedTimeout).Inc()
			return nil, fmt.Errorf("%w: no place became free in %s", ErrBusy, time.Since(start).Round(time.Millisecond))
		}
	}
}

// leftWaiting counts a request that is dropped because its client left. One that there was no room for is counted already.
func (p *Pool) leftWaiting(ctx context.Context, g Group) error {
	if !errors.Is(context.Cause(ctx), errAbandoned) {
		p.metrics.shed.WithLabelValues(g.String(), shedLeft).Inc()
	}
	return ctx.Err()
}

// goOnWaiting frees the room in the queue of a request without a client, of which Concurrency.Abandoned bounds the number.
func (p *Pool) goOnWaiting(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uncount(w)
}

// uncount takes a request from the number of those that may wait, once. It is called with the lock held.
func (p *Pool) uncount(w *waiter) {
	if w.client {
		w.client = false
		p.waiting[w.Group].clients--
	}
}

// stopWaiting takes a request out of its queue. It returns the place that was
// given to it in the same moment, if any.
func (p *Pool) stopWaiting(w *waiter) *Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case pl := <-w.ready:
		return pl
	default:
		p.remove(w)
		return nil
	}
}

func (p *Pool) remove(w *waiter) {
	p.waiting[w.Group].list.Remove(w.at)
	p.uncount(w)
	p.metrics.queued.WithLabelValues(w.Group.String()).Dec()
}

// admitWaiting hands out what room there is, to the longest waiting that may have
// it, the shop's own before all others. It is called with the lock held, whenever a place or a node became free.
func (p *Pool) admitWaiting() {
	defer p.awaitRedial()
	for {
		var next *waiter
		var at *Node
		for g := range p.waiting {
			if w, n := p.firstWithRoom(Group(g)); w != nil && (next == nil || w.before(next)) {
				next, at = w, n
			}
		}
		if next == nil {
			return
		}
		p.remove(next)
		next.ready <- p.occupy(at, next.Claim)
	}
}

// before orders waiting requests: the shop's own go first. A page of the storefront that waits for one would otherwise
// occupy the place that it waits for.
func (w *waiter) before(other *waiter) bool {
	if (w.Group == Own) != (other.Group == Own) {
		return w.Group == Own
	}
	return w.arrival < other.arrival
}

// firstWithRoom looks past the first of a queue only where that one is barred
// from the node that has room, having been there.
func (p *Pool) firstWithRoom(g Group) (*waiter, *Node) {
	for e := p.waiting[g].list.Front(); e != nil; e = e.Next() {
		w := e.Value.(*waiter)
		if n := p.pick(g, w.tried); n != nil {
			return w, n
		}
		if len(w.tried) == 0 {
			return nil, nil
		}
	}
	return nil, nil
}
