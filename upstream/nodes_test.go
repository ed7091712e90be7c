package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) count(text string) int {
	b.Lock()
	defer b.Unlock()
	return strings.Count(b.String(), text)
}

// metric is the value of a series, as in name{label="value"}; 0 if there is none.
func (fr *front) metric(t *testing.T, series string) float64 {
	t.Helper()
	name, rest, _ := strings.Cut(series, "{")
	families, err := fr.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			if family.GetName() == name && strings.Join(labels, ",")+"}" == rest {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

func onNodes(nodes ...*url.URL) func(*upstream.Config) {
	return func(c *upstream.Config) { c.Nodes = nodes }
}

func (fr *front) send(t *testing.T, method, target, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, fr.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestARequestGoesToTheNodeWithLessToDo(t *testing.T) {
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	entered, release := make(chan string, 1), make(chan struct{})
	for name, wp := range map[string]*upstreamtest.WordPress{"one": one, "two": two} {
		wp.Answer = func(_ http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
			if s.Target == "/slow" {
				entered <- name
				<-release
			}
			return false
		}
	}
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)))
	slow := make(chan struct{})
	go func() { defer close(slow); fr.send(t, "GET", "/slow", "") }()
	busy, idle := one, two
	if <-entered == "two" {
		busy, idle = two, one
	}
	for range 10 {
		fr.send(t, "GET", "/page", "")
	}
	close(release)
	<-slow
	if got := [2]int{len(busy.Seen()), len(idle.Seen())}; got != [2]int{1, 10} {
		t.Errorf("the busy node got %d, the idle one %d", got[0], got[1])
	}
}

func TestIdleNodesShareTheWork(t *testing.T) {
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)))
	for range 200 { // that one of them gets none is as likely as 200 heads in a row
		fr.send(t, "GET", "/page", "")
	}
	if len(one.Seen()) == 0 || len(two.Seen()) == 0 {
		t.Errorf("%d and %d", len(one.Seen()), len(two.Seen()))
	}
}

func TestANodeThatCannotBeConnectedIsStoodInForWhateverTheMethod(t *testing.T) {
	wp := upstreamtest.Start(t)
	gone := upstreamtest.Deaf(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(gone, mustParse(t, wp.URL)))
	for i := range 64 { // until chance has sent three of them the wrong way
		if status := fr.send(t, "POST", "/checkout", fmt.Sprint("order ", i)); status != 200 {
			t.Fatalf("order %d: status %d, %v", i, status, <-fr.errors)
		}
		if got := wp.Last().Body; got != fmt.Sprint("order ", i) {
			t.Fatalf("order %d arrived as %q", i, got)
		}
	}
	if n := len(wp.Seen()); n != 64 {
		t.Errorf("64 orders arrived as %d", n)
	}
	if up := fr.metric(t, `cocart_gateway_upstream_node_up{node="`+gone.Host+`"}`); up != 0 {
		t.Error("the node that is gone is still said to be up")
	}
	if n := fr.metric(t, `cocart_gateway_upstream_retries_total{reason="connect"}`); n != 3 {
		t.Errorf("%v requests had to move, then the node should have been left alone", n)
	}
	if n := fr.log.count("node is down"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// cut breaks every connection before an answer.
func cut(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { panic(http.ErrAbortHandler) }

func TestWhatBrokeOffGoesToOneOtherNodeOnlyIfItReads(t *testing.T) {
	for _, row := range []struct {
		name, method, body string
		repeatable         bool
		want               int // times that the shop was asked
	}{
		{"a page that reads is asked for once more", "GET", "", true, 2},
		{"its HEAD too", "HEAD", "", true, 2},
		{"a GET that does something is not", "GET", "", false, 1},
		{"a POST is not", "POST", "buy", false, 1},
		{"a GET with a body is not", "GET", "buy", true, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := asSite()
			f.Repeatable = row.repeatable
			var nodes []*url.URL
			var shops []*upstreamtest.WordPress
			for range 3 {
				wp := upstreamtest.Start(t)
				wp.Answer = cut
				nodes, shops = append(nodes, mustParse(t, wp.URL)), append(shops, wp)
			}
			fr := newFront(t, "http://unused", f, onNodes(nodes...))
			fr.send(t, row.method, "/", row.body)
			asked := 0
			for _, wp := range shops {
				asked += len(wp.Seen())
			}
			if err := <-fr.errors; asked != row.want || !errors.Is(err, upstream.ErrUnavailable) {
				t.Errorf("asked %d times, want %d; %v", asked, row.want, err)
			}
		})
	}
}

// A connection that was used before is where net/http sends a request again by itself.
func TestWhatActsIsNotSentAgainWhereAKeptConnectionBreaks(t *testing.T) {
	for _, row := range []struct {
		name, method, body, key string
		repeatable              bool
		want                    int // times that the shop was asked
	}{
		{"a page that reads is", "GET", "", "", true, 2},
		{"a GET that does something is not", "GET", "", "", false, 1},
		{"its HEAD neither", "HEAD", "", "", false, 1},
		{"a POST is not", "POST", "", "", false, 1},
		{"whatever the client says of it", "POST", "", "Idempotency-Key", false, 1},
		{"in either way", "DELETE", "", "X-Idempotency-Key", false, 1},
	} {
		for nodes := 1; nodes <= 2; nodes++ {
			t.Run(fmt.Sprint(row.name, ", nodes: ", nodes), func(t *testing.T) {
				f := asSite()
				f.Repeatable = row.repeatable
				var all []*url.URL
				var shops []*upstreamtest.WordPress
				for range nodes {
					wp := upstreamtest.Start(t)
					wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
						if s.Target != "/last" {
							return false
						}
						if r.ContentLength != 0 || r.TransferEncoding != nil || s.Header.Get(row.key) == "" && row.key != "" {
							t.Errorf("it arrived with %d bytes %v and %v", r.ContentLength, r.TransferEncoding, s.Header)
						}
						if nodes > 1 { // as of a process that was killed: no connection succeeds any more
							wp.Listener.Close()
						}
						return cut(w, r, s)
					}
					all, shops = append(all, mustParse(t, wp.URL)), append(shops, wp)
				}
				fr := newFront(t, "http://unused", f, onNodes(all...))
				for _, wp := range shops { // until there is a kept connection to each
					for len(wp.Seen()) == 0 {
						fr.send(t, "GET", "/first", "")
					}
				}
				req, err := http.NewRequestWithContext(t.Context(), row.method, fr.URL+"/last", nil)
				if err != nil {
					t.Fatal(err)
				}
				if row.key != "" {
					req.Header.Set(row.key, "one of its own")
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				asked := 0
				for _, wp := range shops {
					for _, s := range wp.Seen() {
						if s.Target == "/last" && s.Method == row.method {
							asked++
						}
					}
				}
				if asked != row.want {
					t.Errorf("asked %d times, want %d", asked, row.want)
				}
			})
		}
	}
}

// Web application firewalls refuse a GET that says it has a body.
func TestAGETHasNoBodyByHTTP2Either(t *testing.T) {
	seen := make(chan *http.Request, 2)
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	fr := newFront(t, origin.URL, asSite(), trusting(origin))
	for range 2 {
		fr.send(t, "GET", "/?add-to-cart=17", "")
		if r := <-seen; r.ProtoMajor != 2 || r.ContentLength != 0 {
			t.Errorf("%s, %d bytes", r.Proto, r.ContentLength)
		}
	}
}

func TestATimeoutIsNeverRepeated(t *testing.T) {
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	release := make(chan struct{})
	defer close(release)
	stuck := func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { <-release; return true }
	one.Answer, two.Answer = stuck, stuck
	f := asSite()
	f.Repeatable = true
	fr := newFront(t, "http://unused", f, onNodes(mustParse(t, one.URL), mustParse(t, two.URL)), func(c *upstream.Config) { c.ResponseTimeout = 20 * time.Millisecond })
	fr.send(t, "GET", "/", "")
	timedOut := 0.0 // what arrived is another question: neither shop may have had the time to look
	for _, shop := range []*upstreamtest.WordPress{one, two} {
		timedOut += fr.metric(t, `cocart_gateway_upstream_node_failures_total{node="`+mustParse(t, shop.URL).Host+`",reason="timeout"}`)
	}
	if err := <-fr.errors; !errors.Is(err, upstream.ErrTimeout) || timedOut != 1 {
		t.Errorf("%v, it ran into %v timeouts", err, timedOut)
	}
}

func login(t *testing.T, wp *upstream.WordPress) (*upstream.LoginAnswer, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "http://shop.example/wp-json/cocart/v2/login", nil)
	return wp.Login(r, &upstream.LoginCall{
		Forwarding: upstream.Forwarding{Assertion: upstream.Assertion{Kind: upstream.Login}},
		Target:     "/wp-json/cocart/v2/login", Body: []byte(`{}`), ContentType: "application/json", Username: "alice", Password: "wonderland-1",
	})
}

func TestALoginMovesBeforeItIsSentAndNeverAfter(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, "http://unused", asSite(), onNodes(upstreamtest.Deaf(t), mustParse(t, wp.URL)))
	for range 20 {
		if answer, err := login(t, fr.wordpress); err != nil || answer.Account == nil {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	one, two := upstreamtest.Start(t), upstreamtest.Start(t)
	one.Answer, two.Answer = cut, cut
	fr = newFront(t, "http://unused", asSite(), onNodes(mustParse(t, one.URL), mustParse(t, two.URL)))
	if _, err := login(t, fr.wordpress); !errors.Is(err, upstream.ErrUnavailable) || len(one.Seen())+len(two.Seen()) != 1 {
		t.Errorf("%v, a password was sent %d times", err, len(one.Seen())+len(two.Seen()))
	}
}

func TestOneRequestIsPutToThreeNodesAtMost(t *testing.T) {
	var gone []*url.URL
	for range 5 {
		gone = append(gone, upstreamtest.Deaf(t))
	}
	fr := newFront(t, "http://unused", asSite(), onNodes(gone...))
	fr.send(t, "GET", "/", "")
	if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) {
		t.Error(err)
	}
	if n := fr.metric(t, `cocart_gateway_upstream_retries_total{reason="connect"}`); n != 2 {
		t.Errorf("moved %v times", n)
	}
}

func TestASocketIsAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	hosts := make(chan string, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host })}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fr := newFront(t, "http://unused", asSite(), onNodes(&url.URL{Scheme: "unix", Path: path}))
	raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n")
	if got := <-hosts; got != "shop.example" {
		t.Errorf("host %q", got)
	}
	if n := fr.metric(t, `cocart_gateway_upstream_node_up{node="`+path+`"}`); n != 1 {
		t.Errorf("the node is not named after its socket")
	}
	if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func newUpstream(change func(*upstream.Config)) (*upstream.WordPress, error) {
	cfg := upstream.Config{SiteURL: &url.URL{Scheme: "https", Host: "shop.example"}, Secrets: []string{upstreamtest.Secret}}
	change(&cfg)
	return upstream.New(cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
}
