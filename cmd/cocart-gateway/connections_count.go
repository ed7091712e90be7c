package main

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// connectionMetrics are of each public listener, by its address: each has limits.connections places of its own, and
// one that is full is full however empty another is.
type connectionMetrics struct{ open, limit *prometheus.GaugeVec }

func newConnectionMetrics(reg prometheus.Registerer) (connectionMetrics, error) {
	m := connectionMetrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_client_connections",
			Help: "Connections that clients have open, idle and upgraded ones (WebSocket) among them, by public listener.",
		}, []string{"listener"}),
		limit: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_client_connections_limit",
			Help: "How many connections each public listener takes at once (limits.connections); absent where there is no limit.",
		}, []string{"listener"}),
	}
	return m, errors.Join(reg.Register(m.open), reg.Register(m.limit))
}

// counting counts the connections of a listener, from before anything was read of them until they are closed, whoever
// has them by then. At its limit, of which 0 is none, it says so once, and again only if there was room in between.
func (m connectionMetrics) counting(l net.Listener, address string, limit int, log *slog.Logger) net.Listener {
	if limit > 0 {
		m.limit.WithLabelValues(address).Set(float64(limit))
	}
	return &countingListener{Listener: l, address: address, limit: int64(limit), log: log, gauge: m.open.WithLabelValues(address)}
}

type countingListener struct {
	net.Listener
	address string
	limit   int64
	log     *slog.Logger
	gauge   prometheus.Gauge

	open   atomic.Int64
	full   atomic.Bool
	failed seldom
}

// Accept waits, where the limit is reached, for a connection to be closed.
func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if !errors.Is(err, net.ErrClosed) && l.failed.due(now()) { // net/http tries again, and says so where clients' mistakes are
			l.log.Error("new connections cannot be taken; said once a minute", "listener", l.address, "cause", err.Error())
		}
		return nil, err
	}
	l.gauge.Inc()
	if l.open.Add(1) == l.limit && l.full.CompareAndSwap(false, true) {
		l.log.Warn("as many connections are open as limits.connections allows, so new ones wait", "listener", l.address, "limit", l.limit)
	}
	return &countedConn{Conn: conn, of: l}, nil
}

func (l *countingListener) left() {
	l.gauge.Dec()
	if open := l.open.Add(-1); open < l.limit-l.limit/10 {
		l.full.Store(false)
	}
}

type countedConn struct {
	net.Conn
	of     *countingListener
	closed atomic.Bool
}

// Close may be called more than once, as net/http does.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	if c.closed.CompareAndSwap(false, true) {
		c.of.left()
	}
	return err
}

// CloseWrite is how net/http ends a connection whose client may still be sending, so that it reads the answer first. Where
// limits.connections is not 0 netutil's connection has none; net/http then only waits half a second before it closes.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
