package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

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

// A client that asks for 100 Continue sends no body before it has that, or an answer (RFC 9110 section 10.1.1).
func TestARefusalDoesNotWaitForABodyThatItsClientHoldsBack(t *testing.T) {
	s := openShop(t)
	const json = "Content-Type: application/json\r\n"
	for name, c := range map[string]struct {
		request string
		length  int
		want    int
	}{
		"a token that is none":      {"POST " + addItemRoute + " HTTP/1.1\r\nAuthorization: Bearer x.y.z\r\n" + json, 50, 401},
		"the same, a large body":    {"POST " + addItemRoute + " HTTP/1.1\r\nAuthorization: Bearer x.y.z\r\n" + json, 100_000, 401},
		"a body that is too large":  {"POST " + addItemRoute + " HTTP/1.1\r\n" + json, 1 << 30, 413},
		"a login that is too large": {"POST " + loginRoute + " HTTP/1.1\r\n" + json, 1 << 30, 413},
	} {
		conn := s.dials()
		_, err := fmt.Fprintf(conn, "%sHost: shop.example\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", c.request, c.length)
		s.must(err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != c.want || !resp.Close {
			t.Errorf("%s: status %d, the connection ends: %t", name, resp.StatusCode, resp.Close)
		}
	}
}

// dials connects to the gateway. What waits for an answer does not wait for ever.
func (s *shop) dials() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	s.t.Cleanup(func() { conn.Close() })
	s.must(conn.SetDeadline(time.Now().Add(patience)))
	return conn
}
