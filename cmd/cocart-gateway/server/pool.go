package server

import (
	"container/list"
	"sync"
)

// pool has the places of one listener.
type pool struct {
	limit int // 0: no limit

	mu     sync.Mutex // guards what follows
	change *sync.Cond // a place is free, a connection is idle, or the listener is closed
	open   int
	idle   list.List // of *heldConn that may be closed, the longest idle first
	closed bool
}

// place is the state of one connection in the pool.
type place struct {
	taken bool
	idle  *list.Element // nil: must not be closed
}

func newPool(limit int) *pool {
	p := &pool{limit: limit}
	p.change = sync.NewCond(&p.mu)
	return p
}

// take waits for a place, or returns an idle connection that the caller must close before it tries again. full is true if
// no place was free or this was the last one. Once the pool is closed, a connection has a place although all are taken: its
// client connected while the listener was open, and may have sent a request.
func (p *pool) take(h *heldConn) (idle *heldConn, full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.limit > 0 && p.open >= p.limit && !p.closed {
		full = true
		if idle = p.longestIdle(); idle != nil {
			return idle, full
		}
		p.change.Wait()
	}
	p.open++
	h.place.taken = true
	return nil, full || p.open == p.limit
}

// release frees the place of a connection, and reports whether a tenth of the places is free again.
func (p *pool) release(h *heldConn) (room bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forgetIdle(h)
	if h.place.taken {
		h.place.taken = false
		p.open--
		p.change.Signal()
	}
	return p.open < p.limit-p.limit/10
}

// longestIdle takes the connection from the list that is idle for longest and whose next request has not come, read or not.
func (p *pool) longestIdle() *heldConn {
	for first := p.idle.Front(); first != nil; first = p.idle.Front() {
		h := first.Value.(*heldConn)
		p.forgetIdle(h)
		if h.mayClose() && !unread(h.Conn) {
			return h
		}
	}
	return nil
}

// arrange puts a connection into the list or takes it out, as its state demands.
func (p *pool) arrange(h *heldConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if may := h.mayClose() && h.place.taken; !may {
		p.forgetIdle(h)
	} else if h.place.idle == nil {
		h.place.idle = p.idle.PushBack(h)
		p.change.Signal()
	}
}

// forgetIdle is called with the lock held.
func (p *pool) forgetIdle(h *heldConn) {
	if h.place.idle != nil {
		p.idle.Remove(h.place.idle)
		h.place.idle = nil
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
}
