package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens/untrusted"
)

// ConnectionsConfig has the limits of connections. Its functions are called with each connection, so that a reload changes
// what they return.
type ConnectionsConfig struct {
	// PerAddress returns the number of connections that one address (IPv6: its /64) may have open on all public listeners
	// together; 0 means no limit.
	PerAddress func() int
	// Exempt reports whether an address has no limit: a trusted proxy has the connections of many clients.
	Exempt func(netip.Addr) bool
	// HeaderTimeout is how long a client may take to send the header of a request.
	HeaderTimeout time.Duration
	Log           *slog.Logger
	Now           func() time.Time
}

// Connections has the connections of all public listeners.
type Connections struct {
	cfg       ConnectionsConfig
	metrics   metrics
	addresses addresses
	refused   untrusted.Throttle

	mu   sync.Mutex        // guards what follows
	busy map[net.Conn]bool // true: a request has begun on it
	idle chan struct{}     // closed when no connection is busy; nil while AwaitIdle does not wait
}

// Reasons for closing a connection that its client still uses; the label of a metric.
const (
	closedIdle    = "idle"    // all places were taken, and it was the longest idle
	closedAddress = "address" // its address has too many connections
)

type metrics struct {
	open, limit *prometheus.GaugeVec
	closed      *prometheus.CounterVec
}

// NewConnections registers the metrics.
func NewConnections(cfg ConnectionsConfig, reg prometheus.Registerer) (*Connections, error) {
	listener := []string{"listener"}
	m := metrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_client_connections",
			Help: "Open connections of clients, including idle and upgraded ones (WebSocket), by public listener.",
		}, listener),
		limit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_client_connections_limit",
			Help: "Connections that each public listener accepts at once (limits.connections); absent without a limit.",
		}, listener),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_client_connections_closed_total",
			Help: "Connections that the gateway closed to protect other clients, by public listener and reason (idle: all places were taken, and it was the longest idle; address: its address has limits.connections_per_address connections already).",
		}, []string{"listener", "reason"}),
	}
	c := &Connections{cfg: cfg, metrics: m, addresses: addresses{open: map[netip.Prefix]int{}}, busy: map[net.Conn]bool{}}
	return c, errors.Join(reg.Register(m.open), reg.Register(m.limit), reg.Register(m.closed))
}

// Follow is called with each change of state, as http.Server.ConnState. A new connection is busy, because its client is
// about to send; an idle one may be closed for a new one. HTTP/2 is idle when no request is in flight.
func (c *Connections) Follow(conn net.Conn, state http.ConnState) {
	if held := heldBy(conn); held != nil {
		held.follow(conn, state)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		c.busy[conn] = state == http.StateActive
	case http.StateIdle, http.StateClosed, http.StateHijacked:
		delete(c.busy, conn)
	}
	if len(c.busy) == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// AwaitIdle returns when no connection is busy, or when ctx ends. Call it from one place at a time.
func (c *Connections) AwaitIdle(ctx context.Context) {
	c.mu.Lock()
	if len(c.busy) == 0 {
		c.mu.Unlock()
		return
	}
	idle := make(chan struct{})
	c.idle = idle
	c.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-idle:
	}
}

// Unanswered returns the number of connections on which clients wait for an answer; upgraded ones do not count.
func (c *Connections) Unanswered() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, begun := range c.busy {
		if begun {
			n++
		}
	}
	return n
}

// protocolOf reports whether a connection is TLS, and whether it carries HTTP/2.
func protocolOf(conn net.Conn) (encrypted, multiplexed bool) {
	c, encrypted := conn.(*tls.Conn)
	return encrypted, encrypted && c.ConnectionState().NegotiatedProtocol == "h2"
}

// Proxied returns the connection on which the PROXY protocol was read; nil if there is no such connection.
func Proxied(conn net.Conn) *proxyproto.Conn {
	for {
		switch at := conn.(type) {
		case *proxyproto.Conn:
			return at
		case interface{ NetConn() net.Conn }: // tls.Conn, and proxiedConn
			conn = at.NetConn()
		default:
			return nil
		}
	}
}

// heldBy returns the accepted connection below TLS and the PROXY protocol; nil if another listener accepted it.
func heldBy(conn net.Conn) *heldConn {
	for {
		switch at := conn.(type) {
		case *heldConn:
			return at
		case *proxyproto.Conn:
			conn = at.Raw()
		case interface{ NetConn() net.Conn }: // tls.Conn, and proxiedConn
			conn = at.NetConn()
		default:
			return nil
		}
	}
}
