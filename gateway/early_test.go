package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

func TestAClientOfHTTP10GetsNoHints(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		return false
	}
	for version, want := range map[string]string{"1.0": "HTTP/1.0 200 OK\r\n", "1.1": "HTTP/1.1 103 Early Hints\r\n"} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		s.must(err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET /page HTTP/%s\r\nHost: shop.example\r\nConnection: close\r\n\r\n", version)
		s.must(err)
		in := bufio.NewReader(conn)
		got, err := in.ReadString('\n')
		s.must(err)
		if got != want {
			t.Errorf("HTTP/%s: %q", version, got)
		}
		_, err = io.Copy(io.Discard, in)
		s.must(err)
	}
}
