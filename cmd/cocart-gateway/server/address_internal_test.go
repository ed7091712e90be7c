package server

import (
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A load balancer becomes a trusted proxy by a reload, while the header of a connection of it was not read yet. Or the
// connection is closed meanwhile.
func TestNoCountOfAnAddressOutlivesItsConnections(t *testing.T) {
	for name, closed := range map[string]bool{"the header is read late": false, "the header is read after the end": true} {
		t.Run(name, func(t *testing.T) {
			balancer, client := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7")
			trusted := false
			c, err := NewConnections(ConnectionsConfig{PerAddress: func() int { return 1 }, Log: slog.New(slog.DiscardHandler), Now: time.Now,
				Exempt: func(a netip.Addr) bool { return trusted && a == balancer }}, prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			raw, other := net.Pipe()
			defer other.Close()
			l := &listener{c: c, pool: newPool(1), gauge: c.metrics.open.WithLabelValues("test")}
			h := &heldConn{Conn: raw, of: l}
			l.pool.take(h)
			if !c.enter(h, balancer) {
				t.Fatal("the load balancer has no connection")
			}
			trusted = true
			if closed {
				h.Close()
			}
			if !c.enter(h, client) {
				t.Error("the client has no connection")
			}
			h.Close()
			if n := len(c.addresses.open); n != 0 {
				t.Errorf("without connections, %d addresses are counted: %v", n, c.addresses.open)
			}
		})
	}
}
