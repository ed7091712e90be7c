package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/server"
)

// connections knows those that clients have open, and which of them have something to be answered.
type connections struct {
	*server.Connections

	mu   sync.Mutex        // guards what follows
	busy map[net.Conn]bool // true: a request has begun on it
	calm chan struct{}     // closed when nothing is busy; nil: nobody waits
}

func newConnections(p *program, reg prometheus.Registerer) (*connections, error) {
	all, err := server.New(server.Config{
		PerAddress: func() int { return p.inForce().Sockets.PerAddress },
		Exempt:     func(a netip.Addr) bool { return trusted(a, p.inForce().TrustedProxies) },
		Log:        p.log, Now: now,
	}, reg)
	return &connections{Connections: all, busy: map[net.Conn]bool{}}, err
}

// follow is an http.Server.ConnState. A new connection is busy: its client is about to send.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.Follow(conn, state)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		c.busy[conn] = state == http.StateActive
	case http.StateIdle, http.StateClosed, http.StateHijacked:
		delete(c.busy, conn)
	}
	if len(c.busy) == 0 && c.calm != nil {
		close(c.calm)
		c.calm = nil
	}
}

// quiet returns when no connection is busy, or when ctx ends. Call it from one place at a time.
func (c *connections) quiet(ctx context.Context) {
	c.mu.Lock()
	if len(c.busy) == 0 {
		c.mu.Unlock()
		return
	}
	calm := make(chan struct{})
	c.calm = calm
	c.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-calm:
	}
}

// unanswered is on how many connections clients wait for an answer, upgraded ones aside.
func (c *connections) unanswered() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.busy {
		if asked {
			n++
		}
	}
	return n
}
