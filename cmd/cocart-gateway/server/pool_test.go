package server

import "testing"

func TestTheLongestIdleConnectionIsClosedFirst(t *testing.T) {
	p := newPool(3)
	var all []*heldConn
	setIdle := func(h *heldConn, idle bool) {
		h.idle.Store(idle)
		p.arrange(h)
	}
	for range 3 {
		h := &heldConn{}
		h.reading.Store(true)
		if idle, _ := p.take(h); idle != nil {
			t.Fatal(idle)
		}
		setIdle(h, true)
		all = append(all, h)
	}
	setIdle(all[0], false)
	setIdle(all[0], true) // it was idle first, and answered another request since
	setIdle(all[1], false)
	for i, want := range []*heldConn{all[2], all[0]} {
		if idle, full := p.take(&heldConn{}); idle != want || !full {
			t.Errorf("connection %d: %p, want %p; full %t", i, idle, want, full)
		}
	}
}
