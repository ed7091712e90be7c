package upstream_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/upstream"
)

// trusting lets the gateway accept the certificate of an origin.
func trusting(origin *httptest.Server) func(*upstream.Config) {
	return func(c *upstream.Config) { c.TLS = origin.Client().Transport.(*http.Transport).TLSClientConfig }
}

func TestAMalformedHeaderLineCostsNoPageByTLSEither(t *testing.T) {
	authority := httptest.NewTLSServer(nil)
	defer authority.Close()
	for name, protocols := range map[string][]string{"without ALPN": nil, "with ALPN": {"http/1.1"}} {
		t.Run(name, func(t *testing.T) {
			for _, line := range malformedLines {
				l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: authority.TLS.Certificates, NextProtos: protocols, MinVersion: tls.VersionTLS12})
				if err != nil {
					t.Fatal(err)
				}
				say(t, l, withLine(line))
				cleaned(t, line, newFront(t, "https://"+l.Addr().String(), asSite(), trusting(authority)))
			}
		})
	}
}

// The connection is used for two requests.
func TestEachAnswerOfAConnectionByTLSIsFiltered(t *testing.T) {
	var dialled atomic.Int64
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		dialled.Add(1)
		_, _ = io.WriteString(rw, withLine("X Y: 1"))
		_ = rw.Flush()
		if _, err := http.ReadRequest(rw.Reader); err == nil {
			_, _ = io.WriteString(rw, withLine("no colon"))
			_ = rw.Flush()
		}
	}))
	origin.StartTLS()
	defer origin.Close()
	fr := newFront(t, origin.URL, asSite(), trusting(origin))
	for range 2 {
		if status := fr.send(t, "GET", "/", ""); status != 200 {
			t.Errorf("status %d", status)
		}
	}
	if n := fr.metric(t, "cocart_gateway_upstream_header_lines_dropped_total{}"); n != 2 || dialled.Load() != 1 {
		t.Errorf("%v lines were counted on %d connections", n, dialled.Load())
	}
}

// An origin that speaks HTTP/2 is asked by HTTP/2 for pages and by HTTP/1.1 for
// WebSockets, which net/http cannot put into HTTP/2.
func TestTLSNegotiatesTheProtocolThatARequestNeeds(t *testing.T) {
	protocols := make(chan string, 3)
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols <- r.Proto
		if r.Header.Get("Upgrade") != "" {
			echoLine(t, w, r)
		}
	}))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	fr := newFront(t, origin.URL, asSite(), trusting(origin))
	fr.send(t, "GET", "/", "")
	talks(t, fr)
	fr.send(t, "GET", "/", "")
	if got := <-protocols + " " + <-protocols + " " + <-protocols; got != "HTTP/2.0 HTTP/1.1 HTTP/2.0" {
		t.Error(got)
	}
}

func TestTheCertificateMustNameTheOrigin(t *testing.T) {
	origin := httptest.NewTLSServer(http.NotFoundHandler())
	defer origin.Close()
	_, port, err := net.SplitHostPort(origin.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	fr := newFront(t, "https://localhost:"+port, asSite(), trusting(origin)) // it names 127.0.0.1 and example.com
	fr.send(t, "GET", "/", "")
	if err := <-fr.errors; !strings.Contains(err.Error(), "not localhost") {
		t.Error(err)
	}
}

// An upload holds a place while WordPress reads it. Attack, with a WordPress that stopped: uploads that keep all places.
func TestAnUploadThatWordPressDoesNotReadEnds(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){
		"http":             (*httptest.Server).Start,
		"https":            (*httptest.Server).StartTLS,
		"https and HTTP/2": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() },
	} {
		for _, nodes := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d nodes", name, nodes), func(t *testing.T) {
				over := make(chan struct{})
				origin := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
				start(origin)
				defer origin.Close()
				defer close(over)
				more := []func(*upstream.Config){func(c *upstream.Config) { c.BodyTimeout, c.DialTimeout = 50*time.Millisecond, time.Minute }}
				if origin.TLS != nil {
					more = append(more, trusting(origin))
				}
				if nodes == 2 {
					more = append(more, onNodes(mustParse(t, origin.URL), mustParse(t, origin.URL)))
				}
				fr := newFront(t, origin.URL, asSite(), more...)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fr.URL+"/upload", io.LimitReader(endless{}, 1<<30))
				if err != nil {
					t.Fatal(err)
				}
				req.ContentLength = 1 << 30
				if resp, err := fr.Client().Do(req); err == nil {
					_ = resp.Body.Close()
				}
				if err := <-fr.errors; !errors.Is(err, upstream.ErrTimeout) {
					t.Errorf("the error is %v", err)
				}
			})
		}
	}
}

// What WordPress has read it may work on for as long as its answer may take.
func TestAnUploadThatWasReadHasItsTime(t *testing.T) {
	for name, http2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			const pause = time.Second
			origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n, err := io.Copy(io.Discard, r.Body)
				if n != 1<<20 || err != nil {
					t.Errorf("%d bytes, %v", n, err)
				}
				<-time.After(pause + pause/4)
				w.WriteHeader(http.StatusCreated)
			}))
			origin.EnableHTTP2 = http2
			origin.StartTLS()
			defer origin.Close()
			fr := newFront(t, origin.URL, asSite(), trusting(origin), func(c *upstream.Config) { c.BodyTimeout = pause })
			if status := fr.send(t, "POST", "/upload", strings.Repeat("x", 1<<20)); status != http.StatusCreated {
				t.Errorf("status %d", status)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }
