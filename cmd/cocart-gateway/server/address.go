package server

import (
	"io"
	"net"
	"net/netip"
	"sync"
)

// addresses counts the open connections of each address.
type addresses struct {
	mu   sync.Mutex
	open map[netip.Prefix]int // has no zeros
}

// subscriber returns the addresses whose connections are counted together: an IPv4 address, or the /64 that a subscriber
// of IPv6 has at least (RFC 6177).
func subscriber(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // fails for the zero Addr only
	return p
}

// enter counts a connection and reports whether its address may have it.
func (c *Connections) enter(h *heldConn, a netip.Addr) bool {
	if !a.IsValid() || c.cfg.Exempt(a) {
		return true
	}
	limit, client := c.cfg.PerAddress(), subscriber(a)
	if c.addresses.add(h, client, limit) {
		return true
	}
	c.metrics.closed.WithLabelValues(h.of.address, closedAddress).Inc()
	if c.refused.Allow(c.cfg.Now()) {
		c.cfg.Log.Warn("connection refused: its address has limits.connections_per_address connections already; logged once a minute",
			"listener", h.of.address, "address", client.String(), "limit", limit)
	}
	return false
}

// add counts a connection under a client, and no longer under the one before: a load balancer that a reload made a trusted
// proxy may be counted itself until its header was read. A connection that was closed meanwhile has left for good.
func (s *addresses) add(h *heldConn, client netip.Prefix, limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
	if h.closed.Load() {
		return true
	}
	if limit > 0 && s.open[client] >= limit {
		return false
	}
	s.open[client]++
	h.counts = client
	return true
}

// leave takes a connection from the count of its address.
func (c *Connections) leave(h *heldConn) {
	s := &c.addresses
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(h)
}

// drop takes a connection from the count that it is in. The caller holds mu.
func (s *addresses) drop(h *heldConn) {
	if !h.counts.IsValid() {
		return
	}
	if s.open[h.counts]--; s.open[h.counts] == 0 {
		delete(s.open, h.counts)
	}
	h.counts = netip.Prefix{}
}

// Proxied counts the connections of l, which reads the PROXY protocol, by the address in its header, because the peer is a
// load balancer. The header is read when the connection is first used and not in Accept, where a connection without a
// header would delay all others.
func (c *Connections) Proxied(l net.Listener) net.Listener { return proxiedListener{l, c} }

type proxiedListener struct {
	net.Listener
	c *Connections
}

func (l proxiedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &proxiedConn{Conn: conn, c: l.c}, nil
}

type proxiedConn struct {
	net.Conn
	c       *Connections
	once    sync.Once
	refused bool
}

// enter reads the header, once. A peer whose header names its own address is counted already.
func (p *proxiedConn) enter() {
	p.once.Do(func() {
		client := addressOf(p.Conn.RemoteAddr())
		if h := heldBy(p.Conn); h != nil && client != addressOf(h.RemoteAddr()) {
			p.refused = !p.c.enter(h, client)
		}
	})
}

// RemoteAddr returns the address of the client.
func (p *proxiedConn) RemoteAddr() net.Addr {
	p.enter()
	return p.Conn.RemoteAddr()
}

// Read returns the end of a connection that is not admitted; net/http closes it without an answer and without a log line.
func (p *proxiedConn) Read(b []byte) (int, error) {
	if p.enter(); p.refused {
		return 0, io.EOF
	}
	return p.Conn.Read(b)
}

// NetConn returns the connection below, as that of tls.Conn does.
func (p *proxiedConn) NetConn() net.Conn { return p.Conn }

// CloseWrite does what heldConn.CloseWrite does.
func (p *proxiedConn) CloseWrite() error {
	if h := heldBy(p.Conn); h != nil {
		return h.CloseWrite()
	}
	return nil
}
