package http1

import (
	"slices"
	"sync"
	"time"
)

// idle holds connections that wait for their next request. The one that was used last is used first, so that those which
// are not needed become old.
type idle struct {
	max     int
	timeout time.Duration

	mu      sync.Mutex
	conns   []*conn // the newest last
	timer   *time.Timer
	armed   bool // timer will run
	closing bool // since closeAll, until the next request
}

// take returns the newest connection, or nil.
func (i *idle) take() *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closing = false
	last := len(i.conns) - 1
	if last < 0 {
		return nil
	}
	c := i.conns[last]
	i.conns[last] = nil
	i.conns = i.conns[:last]
	return c
}

// put keeps a connection, or closes it if there are enough.
func (i *idle) put(c *conn) {
	if !i.keep(c) {
		_ = c.Close()
	}
}

func (i *idle) keep(c *conn) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closing || len(i.conns) >= i.max {
		return false
	}
	c.since = time.Now()
	i.conns = append(i.conns, c)
	if !i.armed {
		i.arm(i.timeout)
	}
	return true
}

// arm is called with the lock held. One timer serves all connections.
func (i *idle) arm(after time.Duration) {
	i.armed = true
	if i.timer == nil {
		i.timer = time.AfterFunc(after, i.expire)
		return
	}
	i.timer.Reset(after)
}

// expire closes the connections that have waited for long enough.
func (i *idle) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.armed = false
	now := time.Now()
	old := slices.IndexFunc(i.conns, func(c *conn) bool { return now.Sub(c.since) < i.timeout })
	if old < 0 {
		old = len(i.conns)
	}
	for _, c := range i.conns[:old] {
		_ = c.Close()
	}
	i.conns = slices.Delete(i.conns, 0, old)
	if len(i.conns) > 0 {
		i.arm(i.timeout - now.Sub(i.conns[0].since))
	}
}

func (i *idle) closeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, c := range i.conns {
		_ = c.Close()
	}
	clear(i.conns)
	i.conns, i.closing = i.conns[:0], true
}
