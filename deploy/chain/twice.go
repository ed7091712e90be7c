package chain

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// Breaker stands in the place of a gateway. It answers a GET, and closes the connection when a POST has arrived, without an
// answer: as a gateway that is killed at that moment. A proxy that sends the POST again makes a second order.
type Breaker struct {
	Address string
	posts   atomic.Int32
}

// StartBreaker runs one until the test ends. Its probes answer 200.
func StartBreaker(t *testing.T) *Breaker {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &Breaker{Address: l.Addr().String()}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(conn)
		}
	}()
	return b
}

func (b *Breaker) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body) // an end that comes early is one of the proxy's
		if request.Method == http.MethodPost {
			b.posts.Add(1)
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

// Twice sends POSTs through a proxy in front of a [Breaker], on new connections and on ones that were used before, and fails
// if the proxy sends one of them again.
func Twice(t *testing.T, b *Breaker, address string) {
	t.Helper()
	for _, body := range []string{`{"id":"1"}`, ""} {
		client := browser(address)
		ask(t, client, http.MethodGet, cart, "", nil)
		before := b.posts.Load()
		// A body that cannot be read again: the client does not repeat the request if the proxy asks for that.
		once := struct{ io.Reader }{strings.NewReader(body)}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, upstreamtest.SiteURL+cart+"/add-item", once)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {"application/json"}}
		status := 0
		if got, err := client.Do(request); err == nil { // a closed connection is an answer, too
			status = got.StatusCode
			_ = got.Body.Close()
		}
		if sent := b.posts.Load() - before; sent != 1 || (status != 0 && status < http.StatusInternalServerError) {
			t.Errorf("a POST with the body %q was sent %d times, and the client got %d", body, sent, status)
		}
		client.CloseIdleConnections()
	}
}
