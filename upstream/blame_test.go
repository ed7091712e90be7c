package upstream_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// speak sends bytes as they are, and returns the first line of the answer.
func (fr *front) speak(t *testing.T, raw string) string {
	t.Helper()
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

// net/http's client refuses to send trailers that its server took. Nobody may take nodes down by that, and what
// WordPress would not read anyway is not a reason to refuse an order.
func TestTrailersOfAClientStayHere(t *testing.T) {
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	for name, limit := range map[string]int{"as a stream": 0, "read ahead": 5} {
		t.Run(name, func(t *testing.T) {
			fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)),
				func(c *upstream.Config) { c.Concurrency = upstream.Concurrency{Limit: limit} })
			for range 5 {
				for _, trailer := range []string{"not a name", "X-CoCart-Gateway"} {
					got := fr.speak(t, "POST /page HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: "+
						trailer+"\r\n\r\n2\r\nhi\r\n0\r\nX-CoCart-Gateway: forged\r\n\r\n")
					if got != "HTTP/1.1 200 OK" {
						t.Errorf("%s: %s", trailer, got)
					}
				}
			}
			if n := fr.log.count("node is down"); n != 0 {
				t.Errorf("%d nodes went down", n)
			}
			for _, s := range append(one.Seen(), two.Seen()...) {
				if len(s.Trailer) > 0 {
					t.Errorf("WordPress got trailers: %v", s.Trailer)
				}
			}
		})
	}
}

// A file that an operator takes away to lead customers elsewhere, or that a script answers once the disk is full, says
// more than pages that are served nevertheless.
func TestPagesDoNotMakeUpForChecksThatFail(t *testing.T) {
	bad, good := upstreamtest.Start(t), upstreamtest.Start(t)
	bad.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		if s.Target == "/health.php" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, bad.URL), mustParse(t, good.URL)),
		func(c *upstream.Config) { c.Health = upstream.Health{Path: "/health.php", Failures: 3} })
	for range 3 {
		fr.wordpress.Check(t.Context())
		before := pages(bad)
		for i := 0; i < 100 && pages(bad) == before; i++ {
			fr.send(t, "GET", "/page", "")
		}
	}
	if up := fr.metric(t, `cocart_gateway_upstream_node_up{node="`+mustParse(t, bad.URL).Host+`"}`); up != 0 {
		t.Error("three checks in a row failed, and the node is up")
	}
}
