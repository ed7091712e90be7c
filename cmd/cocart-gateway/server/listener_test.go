package server_test

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/server"
)

// exhausted is the socket of a process that has too many files open.
type exhausted struct {
	net.Listener
	err error
}

func (e exhausted) Accept() (net.Conn, error) { return nil, e.err }

func TestThatNoConnectionCanBeTakenIsSaid(t *testing.T) {
	for _, row := range []struct {
		err  error
		want int
	}{{errors.New("too many open files"), 1}, {net.ErrClosed, 0}} {
		var said strings.Builder
		all, err := server.NewConnections(server.ConnectionsConfig{Log: slog.New(slog.NewTextHandler(&said, nil)), Now: time.Now}, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		l := all.Listen(exhausted{err: row.err}, "127.0.0.1:8080", 0)
		for range 3 {
			if _, err := l.Accept(); !errors.Is(err, row.err) {
				t.Error(err)
			}
		}
		if n := strings.Count(said.String(), `level=ERROR msg="new connections cannot be accepted`); n != row.want {
			t.Errorf("%v: said %d times: %s", row.err, n, said.String())
		}
	}
}
