package server

import "testing"

func TestTheLongestIdleConnectionIsClosedFirst(t *testing.T) {
	p := newPool(3)
	var all []*heldConn
	for range 3 {
		h := &heldConn{}
		if idle, _ := p.take(h); idle != nil {
			t.Fatal(idle)
		}
		p.setIdle(h, true)
		all = append(all, h)
	}
	p.setIdle(all[0], false)
	p.setIdle(all[0], true) // it was idle first, and answered another request since
	p.setIdle(all[1], false)
	for i, want := range []*heldConn{all[2], all[0]} {
		if idle, full := p.take(&heldConn{}); idle != want || !full {
			t.Errorf("connection %d: %p, want %p; full %t", i, idle, want, full)
		}
	}
}
