package server

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens/untrusted"
)

// Listen returns a listener that admits connections of l. address names it in metrics and in the log; limit is the number
// of connections that may be open at once, 0 for no limit.
func (c *Connections) Listen(l net.Listener, address string, limit int) net.Listener {
	if limit > 0 {
		c.metrics.limit.WithLabelValues(address).Set(float64(limit))
	}
	for _, why := range []string{closedIdle, closedAddress} {
		c.metrics.closed.WithLabelValues(address, why)
	}
	return &listener{Listener: l, c: c, address: address, pool: newPool(limit), gauge: c.metrics.open.WithLabelValues(address)}
}

type listener struct {
	net.Listener
	c       *Connections
	address string
	pool    *pool
	gauge   prometheus.Gauge

	full   atomic.Bool
	failed untrusted.Throttle

	mu     sync.Mutex // guards what follows
	queued []net.Conn // those that the kernel had accepted when the listener was closed
}

// Accept returns the next connection that has a place. It waits while all places are taken and no connection is idle. A
// connection that came before Close is returned after it, too: closing it would lose the request of its client.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.next()
		if err != nil {
			l.failedWith(err)
			return nil, err
		}
		held := &heldConn{Conn: conn, of: l}
		peer := addressOf(conn.RemoteAddr())
		if !l.c.enter(held, peer) {
			_ = conn.Close() // nothing was read or written
			continue
		}
		l.take(held)
		l.gauge.Inc()
		return held, nil
	}
}

// next returns a connection without a place.
func (l *listener) next() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if !errors.Is(err, net.ErrClosed) {
		return conn, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queued) == 0 {
		return nil, err
	}
	conn, l.queued = l.queued[0], l.queued[1:]
	return conn, nil
}

// failedWith logs an error, because net/http tries again and logs at the level of mistakes of clients.
func (l *listener) failedWith(err error) {
	if !errors.Is(err, net.ErrClosed) && l.failed.Allow(l.c.cfg.Now()) {
		l.c.cfg.Log.Error("new connections cannot be accepted; logged once a minute", "listener", l.address, "cause", err.Error())
	}
}

// take finds a place for a connection.
func (l *listener) take(held *heldConn) {
	for {
		idle, full := l.pool.take(held)
		if full && l.full.CompareAndSwap(false, true) {
			l.c.cfg.Log.Warn("as many connections are open as limits.connections allows: idle ones are closed, and new ones wait",
				"listener", l.address, "limit", l.pool.limit)
		}
		if idle == nil {
			return
		}
		l.c.metrics.closed.WithLabelValues(l.address, closedIdle).Inc()
		_ = idle.Close() // its client is between two requests, and opens another connection for the next one
	}
}

// Close closes the listener, and ends an Accept that waits for a place. What the kernel has accepted is left to Accept: it
// would be reset.
func (l *listener) Close() error {
	l.pool.close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued = append(l.queued, queued(l.Listener)...)
	return l.Listener.Close()
}

// heldConn is a connection from when it is accepted until it is closed. It may be closed for another one while the server
// waits for the next request and nothing of that has come. net/http calls a connection of HTTP/1 idle until it has the whole
// header.
type heldConn struct {
	net.Conn
	of      *listener
	counts  netip.Prefix // the client under which it is counted; guarded by of.c.addresses.mu
	closed  atomic.Bool
	idle    atomic.Bool  // no request is in flight
	since   atomic.Int64 // the number of idles of the pool when it became idle
	reading atomic.Bool  // in Read
	begun   atomic.Bool  // HTTP/1: a part of the next request has come
	bounds  atomic.Int32 // HTTP/1: how many read deadlines were set since it is idle

	protocol    sync.Once // sets what follows, before idle is true for the first time
	encrypted   bool
	multiplexed bool // HTTP/2, in which not only requests come, and which is busy before a header is complete
}

// follow notes a change of state.
func (h *heldConn) follow(conn net.Conn, state http.ConnState) {
	idle := state == http.StateIdle
	if idle {
		h.protocol.Do(func() { h.encrypted, h.multiplexed = protocolOf(conn) })
	}
	h.begun.Store(false)
	h.bounds.Store(0)
	h.setIdle(idle)
}

// SetReadDeadline notes that a request begins of which a part was read with the one before, or by TLS. net/http sets one deadline
// for the time between two requests, and the second when it has four bytes of the next.
func (h *heldConn) SetReadDeadline(t time.Time) error {
	if h.idle.Load() && !h.multiplexed && h.bounds.Add(1) == 2 {
		h.begun.Store(true)
	}
	return h.Conn.SetReadDeadline(t)
}

func (h *heldConn) setIdle(idle bool) {
	if idle {
		h.since.Store(h.of.pool.idles.Add(1))
	}
	h.idle.Store(idle)
	if h.mayClose() {
		h.of.pool.changed()
	}
}

// mayClose reports whether its client waits for nothing and has sent nothing, as far as the server has read. While Read
// waits, net/http has used everything that came before, or has set the second deadline.
func (h *heldConn) mayClose() bool { return h.idle.Load() && h.reading.Load() && !h.begun.Load() }

// Read notes that the server waits, and that a request begins. The rest of its header must come within HeaderTimeout, because
// the connection makes no room meanwhile; net/http sets that deadline with the fourth byte of the request only, which by TLS may
// be behind any number of bytes.
func (h *heldConn) Read(b []byte) (int, error) {
	h.reading.Store(true)
	if h.mayClose() {
		h.of.pool.changed()
	}
	n, err := h.Conn.Read(b)
	h.reading.Store(false)
	if n > 0 && h.idle.Load() && !h.multiplexed && h.begun.CompareAndSwap(false, true) && (n < 4 || h.encrypted) && h.of.c.cfg.HeaderTimeout > 0 {
		_ = h.Conn.SetReadDeadline(time.Now().Add(h.of.c.cfg.HeaderTimeout)) // fails if the connection is closed
	}
	return n, err
}

// Close closes the connection and frees its place. It may be called more than once, as net/http does.
func (h *heldConn) Close() error {
	err := h.Conn.Close()
	if h.closed.CompareAndSwap(false, true) {
		h.of.c.leave(h)
		h.of.gauge.Dec()
		if h.of.pool.release(h) {
			h.of.full.Store(false)
		}
	}
	return err
}

// CloseWrite closes one direction. net/http ends a connection so while its client may still be sending, so that the client
// reads the answer first.
func (h *heldConn) CloseWrite() error {
	if half, ok := h.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// addressOf returns the address of a peer; the zero Addr for a unix socket.
func addressOf(peer net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}
