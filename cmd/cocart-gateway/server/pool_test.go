package server

import (
	"runtime"
	"testing"
)

// fullPool returns a pool whose places are taken by connections that are idle, the first one for longest.
func fullPool(t *testing.T, size int) (p *pool, all []*heldConn) {
	t.Helper()
	p = newPool(size)
	for range size {
		h := &heldConn{of: &listener{pool: p}}
		h.reading.Store(true)
		if idle, _ := p.take(h); idle != nil {
			t.Fatal(idle)
		}
		h.setIdle(true)
		all = append(all, h)
	}
	return p, all
}

func TestTheLongestIdleConnectionIsClosedFirst(t *testing.T) {
	p, all := fullPool(t, 3)
	all[0].setIdle(false)
	all[0].setIdle(true) // it was idle first, and answered another request since
	all[1].setIdle(false)
	for i, want := range []*heldConn{all[2], all[0]} {
		if idle, full := p.take(&heldConn{}); idle != want || !full {
			t.Errorf("connection %d: %p, want %p; full %t", i, idle, want, full)
		}
	}
}

// One look at all connections is enough for many new ones. What one of those that it found did since is noticed.
func TestAConnectionThatWasFoundIdleAndHasWorkedSinceIsNotClosed(t *testing.T) {
	p, all := fullPool(t, 3)
	if idle, _ := p.take(&heldConn{}); idle != all[0] {
		t.Fatalf("%p is closed first, want %p", idle, all[0])
	}
	p.release(all[0])
	p.take(&heldConn{})
	all[1].setIdle(false)
	all[1].setIdle(true) // after all[2]
	for i, want := range []*heldConn{all[2], all[1]} {
		if idle, _ := p.take(&heldConn{}); idle != want {
			t.Errorf("connection %d: %p, want %p", i, idle, want)
		}
	}
}

// A listener that is full waits; the connection that becomes idle then makes room.
func TestAConnectionThatBecomesIdleWakesTheListener(t *testing.T) {
	p := newPool(1)
	h := &heldConn{of: &listener{pool: p}}
	h.reading.Store(true)
	p.take(h)
	found := make(chan *heldConn)
	go func() {
		idle, _ := p.take(&heldConn{})
		found <- idle
	}()
	for p.looking.Load() == 0 {
		runtime.Gosched()
	}
	h.setIdle(true)
	if idle := <-found; idle != h {
		t.Errorf("%p, want %p", idle, h)
	}
}
