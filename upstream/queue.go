package upstream

import (
	"container/list"
	"context"
	"fmt"
	"time"
)

// waiter is a request that waits for a place.
type waiter struct {
	group   group
	tried   []*node
	arrival uint64
	ready   chan *place // takes one without blocking
	at      *list.Element
}

// queue holds those of one group, oldest first. Its zero value is empty.
type queue struct{ list list.List }

func (q *queue) len() int       { return q.list.Len() }
func (q *queue) push(w *waiter) { w.at = q.list.PushBack(w) }

// wait blocks until there is a place, the client leaves or it took too long.
func (p *pool) wait(ctx context.Context, w *waiter) (*place, error) {
	start := time.Now()
	defer func() { p.metrics.wait.WithLabelValues(w.group.String()).Observe(time.Since(start).Seconds()) }()
	timer := time.NewTimer(p.limits.Wait)
	defer timer.Stop()
	select {
	case pl := <-w.ready:
		return pl, nil
	case <-ctx.Done():
		if pl := p.stopWaiting(w); pl != nil {
			pl.leave()
		}
		return nil, ctx.Err()
	case <-timer.C:
		if pl := p.stopWaiting(w); pl != nil {
			return pl, nil
		}
		p.metrics.shed.WithLabelValues(w.group.String(), shedTimeout).Inc()
		return nil, fmt.Errorf("%w: no place became free in %s", ErrBusy, p.limits.Wait)
	}
}

// stopWaiting takes a request out of its queue. It returns the place that was
// given to it in the same moment, if any.
func (p *pool) stopWaiting(w *waiter) *place {
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

func (p *pool) remove(w *waiter) {
	p.waiting[w.group].list.Remove(w.at)
	p.metrics.queued.WithLabelValues(w.group.String()).Dec()
}

// admitWaiting hands out what room there is, to the longest waiting that may have
// it. It is called with the lock held, whenever a place or a node became free.
func (p *pool) admitWaiting() {
	for {
		var next *waiter
		var at *node
		for g := range p.waiting {
			if w, n := p.firstWithRoom(group(g)); w != nil && (next == nil || w.arrival < next.arrival) {
				next, at = w, n
			}
		}
		if next == nil {
			return
		}
		p.remove(next)
		next.ready <- p.occupy(at, next.group)
	}
}

// firstWithRoom looks past the first of a queue only where that one is barred
// from the node that has room, having been there.
func (p *pool) firstWithRoom(g group) (*waiter, *node) {
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
