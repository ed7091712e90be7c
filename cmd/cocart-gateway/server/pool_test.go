package server

import "testing"

func TestTheLongestIdleConnectionIsClosedFirst(t *testing.T) {
	p := newPool(3)
	var all []*heldConn
	for range 3 {
		h := &heldConn{}
		if idle, _, err := p.take(h); idle != nil || err != nil {
			t.Fatalf("%v, %v", idle, err)
		}
		p.setIdle(h, true)
		all = append(all, h)
	}
	p.setIdle(all[0], false)
	p.setIdle(all[0], true) // it was idle first, and answered another request since
	p.setIdle(all[1], false)
	for i, want := range []*heldConn{all[2], all[0]} {
		if idle, full, err := p.take(&heldConn{}); idle != want || !full || err != nil {
			t.Errorf("connection %d: %p, want %p; full %t, error %v", i, idle, want, full, err)
		}
	}
}
