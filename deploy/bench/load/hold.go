package load

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Held are idle connections.
type Held struct{ conns []*conn }

// Hold opens the connections of a plan, sends one request in each, one after the other, and keeps them.
func Hold(p Plan) (*Held, error) {
	address, err := netip.ParseAddrPort(p.Address)
	if err := errors.Join(err, p.check()); err != nil {
		return nil, err
	}
	h := &Held{}
	for n := range p.Connections {
		c, err := open(address)
		if err != nil {
			return nil, h.failed(n, err)
		}
		h.conns = append(h.conns, c)
		if err := c.once(p, n); err != nil {
			return nil, h.failed(n, err)
		}
	}
	return h, nil
}

// once sends a request and waits for the answer.
func (c *conn) once(p Plan, n int) error {
	c.out = appendRequest(c.out[:0], p.Requests[n%len(p.Requests)], n, "")
	if err := c.send(); err != nil {
		return err
	}
	for {
		events := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
		if k, err := unix.Poll(events, int(patience.Milliseconds())); k == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return errors.Join(errors.New("no answer"), err)
		}
		whole, err := c.receive()
		if err == nil && whole && c.answer.status != p.Status {
			err = fmt.Errorf("status %d", c.answer.status)
		}
		if err != nil || whole {
			c.in = nil
			return err
		}
	}
}

func (h *Held) failed(n int, err error) error {
	h.Release()
	return fmt.Errorf("connection %d: %w", n+1, err)
}

// Release closes them.
func (h *Held) Release() {
	for _, c := range h.conns {
		c.close()
	}
	h.conns = nil
}
