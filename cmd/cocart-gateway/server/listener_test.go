package server_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
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

// The kernel accepts connections before the gateway does, and resets those that still wait in its queue when the listener is
// closed. Their clients may have sent a request already.
func TestAConnectionInTheQueueOfTheKernelIsServed(t *testing.T) {
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": t.TempDir() + "/s"} {
		t.Run(network, func(t *testing.T) {
			socket, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			all, err := server.NewConnections(server.ConnectionsConfig{PerAddress: func() int { return 3 }, Exempt: func(netip.Addr) bool { return false }, Log: slog.New(slog.DiscardHandler), Now: time.Now}, prometheus.NewRegistry())
			if err != nil {
				t.Fatal(err)
			}
			l := all.Listen(socket, "public", 1)
			for range 3 {
				client, err := net.Dial(network, socket.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				if _, err := io.WriteString(client, "GET"); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				got, err := l.Accept()
				if err != nil {
					t.Fatalf("connection %d: %v", i, err)
				}
				defer got.Close()
				text := make([]byte, 3)
				if _, err := io.ReadFull(got, text); err != nil || string(text) != "GET" || got.RemoteAddr().Network() != network {
					t.Errorf("%q from %s, %v", text, got.RemoteAddr(), err)
				}
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a listener that is closed: %v", err)
			}
		})
	}
}

// closing is a listener that is closed just when a client has connected.
type closing struct {
	net.Listener
	close func()
}

func (c closing) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	c.close()
	return conn, err
}

// A client that connected before the listener was closed may have sent a request already, and would lose it. No place was free
// for the second one.
func TestAConnectionThatCameBeforeTheEndIsServed(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	all, err := server.NewConnections(server.ConnectionsConfig{PerAddress: func() int { return 0 }, Exempt: func(netip.Addr) bool { return true }, Log: slog.New(slog.DiscardHandler), Now: time.Now}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	var l net.Listener
	accepted := 0
	l = all.Listen(closing{socket, func() {
		if accepted++; accepted == 2 {
			_ = l.Close()
		}
	}}, "127.0.0.1:8080", 1)
	for range 2 {
		client, err := net.Dial("tcp", socket.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		got, err := l.Accept()
		if err != nil {
			t.Fatalf("after %d connections: %v", accepted, err)
		}
		defer got.Close()
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a listener that is closed: %v", err)
	}
}
