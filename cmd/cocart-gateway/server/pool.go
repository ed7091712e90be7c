package server

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// pool has the places of one listener.
//
// Each request makes its connection busy and idle again, and few listeners are ever full. So connections note by themselves since
// when they are idle, without a lock, and the pool looks at them when all places are taken.
type pool struct {
	limit   int          // 0: no limit
	idles   atomic.Int64 // how often a connection became idle
	looking atomic.Int32 // calls of take that have found no place

	mu       sync.Mutex // guards what follows
	change   *sync.Cond // a place is free, a connection may be closed, or the listener is closed
	open     int
	held     map[*heldConn]bool // true: it is being closed
	closable []closable         // some that could be closed when they were looked for, the longest idle first
	closed   bool
}

// closable is a connection that was idle since some moment.
type closable struct {
	h     *heldConn
	since int64
}

// manyClosable is for how many new connections one look at all connections is enough.
const manyClosable = 64

func newPool(limit int) *pool {
	p := &pool{limit: limit, held: map[*heldConn]bool{}}
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
		p.looking.Add(1) // before the look: what may be closed after it wakes the wait
		if idle = p.longestIdle(); idle == nil {
			p.change.Wait()
		}
		p.looking.Add(-1)
		if idle != nil {
			return idle, full
		}
	}
	p.open++
	p.held[h] = false
	return nil, full || p.open == p.limit
}

// release frees the place of a connection, and reports whether a tenth of the places is free again.
func (p *pool) release(h *heldConn) (room bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, taken := p.held[h]; taken {
		delete(p.held, h)
		p.open--
		p.change.Signal()
	}
	return p.open < p.limit-p.limit/10
}

// longestIdle returns the connection that is idle for longest and whose next request has not come, read or not.
func (p *pool) longestIdle() *heldConn {
	if h := p.nextClosable(); h != nil {
		return h
	}
	for h, leaves := range p.held {
		if !leaves && h.mayClose() {
			p.closable = append(p.closable, closable{h, h.since.Load()})
		}
	}
	slices.SortFunc(p.closable, func(a, b closable) int { return cmp.Compare(a.since, b.since) })
	p.closable = p.closable[:min(len(p.closable), manyClosable)]
	return p.nextClosable()
}

// nextClosable takes the first one from the list that has been idle ever since.
func (p *pool) nextClosable() *heldConn {
	for len(p.closable) > 0 {
		c := p.closable[0]
		p.closable = p.closable[1:]
		if leaves, taken := p.held[c.h]; taken && !leaves && c.h.mayClose() && c.h.since.Load() == c.since && !unread(c.h.Conn) {
			p.held[c.h] = true
			return c.h
		}
	}
	p.closable = nil
	return nil
}

// changed is called when a connection may be closed, and wakes a call of take that waits for one.
func (p *pool) changed() {
	if p.looking.Load() > 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.change.Signal()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.change.Broadcast()
}
