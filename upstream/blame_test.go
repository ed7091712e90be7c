package upstream_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// net/http's client refuses to send trailers that its server took. A client must not take nodes down by that, and what
// WordPress would not read anyway is not a reason to refuse an order.
func TestTrailersOfAClientStayHere(t *testing.T) {
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	for name, limit := range map[string]int{"as a stream": 0, "read ahead": 5} {
		t.Run(name, func(t *testing.T) {
			fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)),
				func(c *upstream.Config) { c.Concurrency = pool.Concurrency{Limit: limit} })
			for range 5 {
				for _, trailer := range []string{"not a name", "X-CoCart-Gateway"} {
					got := raw(t, fr.Server, "POST /page HTTP/1.1\nHost: shop.example\nTransfer-Encoding: chunked\nTrailer: "+
						trailer+"\n\n2\nhi\n0\nX-CoCart-Gateway: forged\n\n")
					if got.StatusCode != http.StatusOK {
						t.Errorf("%s: %s", trailer, got.Status)
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
		func(c *upstream.Config) { c.Health = pool.Health{Path: "/health.php", Failures: 3} })
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

// What net/http makes of a broken answer holds the line that it could not read.
func TestABrokenAnswerIsNotLogged(t *testing.T) {
	for name, answer := range map[string]string{
		"a header without a colon": "HTTP/1.1 200 OK\r\nContent-Length s3cret\r\n\r\n",
		"a page without a header":  "token s3cret\r\n\r\n",
		"an invalid status":        "HTTP/1.1 s3cret\r\n\r\n",
		"an invalid length":        "HTTP/1.1 200 OK\r\nContent-Length: s3cret\r\n\r\n",
		"an odd transfer coding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: s3cret\r\n\r\n",
		"a version from tomorrow":  "HTTP/s3cret 200 OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			fr := newFront(t, sayer(t, answer).String(), asSite(), func(c *upstream.Config) { c.Health.Failures = 1 })
			if got := fr.send(t, "GET", "/", ""); got != http.StatusTeapot {
				t.Fatalf("status %d", got)
			}
			if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error is %v", err)
			}
			if fr.log.count("node is down") != 1 || fr.log.count("s3cret") != 0 {
				t.Errorf("the log is\n%s", fr.log)
			}
		})
	}
}
