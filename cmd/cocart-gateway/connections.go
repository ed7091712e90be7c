package main

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// connections knows those that clients have open, and which of them have something to be answered.
type connections struct {
	connectionMetrics

	mu   sync.Mutex        // guards what follows
	busy map[net.Conn]bool // true: a request has begun on it
	calm chan struct{}     // closed when nothing is busy; nil: nobody waits
}

func newConnections(reg prometheus.Registerer) (*connections, error) {
	m, err := newConnectionMetrics(reg)
	return &connections{connectionMetrics: m, busy: map[net.Conn]bool{}}, err
}

// follow is an http.Server.ConnState. A new connection is busy: its client is about to send.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
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
