package gateway_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func stalling(d time.Duration) func(*gateway.Config) {
	return func(c *gateway.Config) { c.Bounds.Stall = d }
}

// watched is a server of its own in front of a shop's gateway, which tells when a request is over, and which deadlines
// it sets where it is not to have any.
type watched struct {
	*httptest.Server
	over chan struct{} // one word for each request

	mu          sync.Mutex
	hold        bool // deadlines are noted and not set
	read, write []time.Time
}

func (s *shop) watch(http2, hold bool) *watched {
	w := &watched{over: make(chan struct{}, 10), hold: hold}
	handler := s.Config.Handler
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() { w.over <- struct{}{} }()
		if hold {
			rw = noting{rw, w}
		}
		handler.ServeHTTP(rw, r)
	}))
	if w.EnableHTTP2 = http2; http2 {
		w.StartTLS()
	} else {
		w.Start()
	}
	s.t.Cleanup(w.Close)
	return w
}

func (w *watched) await(t *testing.T, what string) {
	t.Helper()
	select {
	case <-w.over:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s: the request is never over", what)
	}
}

// noting is a writer that notes deadlines.
type noting struct {
	http.ResponseWriter
	of *watched
}

func (n noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

func (n noting) SetReadDeadline(at time.Time) error  { return n.of.note(&n.of.read, at) }
func (n noting) SetWriteDeadline(at time.Time) error { return n.of.note(&n.of.write, at) }

func (w *watched) note(all *[]time.Time, at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	*all = append(*all, at)
	return nil
}

func (w *watched) noted() (read, write []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.read, w.write
}

// endless is an answer that goes on for as long as the client takes it.
func endless(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
	piece := bytes.Repeat([]byte("more "), 10_000)
	for r.Context().Err() == nil {
		if _, err := w.Write(piece); err != nil {
			break
		}
	}
	return true
}

// A client that asks for a large page and reads none of it, or of a CoCart answer, is let go.
func TestAClientThatTakesNothingIsLetGo(t *testing.T) {
	for _, target := range []string{"/shop/", cartRoute} {
		for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			s := openShop(t, stalling(50*time.Millisecond))
			s.wordpress.Answer = endless
			w := s.watch(http2, false)
			resp, err := w.Client().Get(w.URL + target)
			s.must(err)
			w.await(t, name+" "+target)
			if _, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Errorf("%s %s: the answer looks whole", name, target)
			}
			resp.Body.Close()
		}
	}
}

// never is a body of which a byte comes and then nothing, until it is closed.
type never struct {
	sent   bool
	closed chan struct{}
	once   sync.Once
}

func (n *never) Read(p []byte) (int, error) {
	if !n.sent {
		n.sent = true
		return copy(p, "1"), nil
	}
	<-n.closed
	return 0, io.ErrUnexpectedEOF
}

func (n *never) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// A client that begins to send a body and stops is answered, on the storefront too, and released wherever its request is
// refused before anybody reads the body.
func TestAClientThatSendsNothingMoreIsLetGo(t *testing.T) {
	s := openShop(t, stalling(50*time.Millisecond), func(c *gateway.Config) { c.Hosts = []string{"shop.example"} })
	const half = "Content-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n1"
	got := map[string]int{
		"a page":          s.rawReply("POST /upload/ HTTP/1.1\r\nHost: shop.example\r\n" + half),
		"WordPress's API": s.rawReply("POST /?rest_route=/wp/v2/media HTTP/1.1\r\nHost: shop.example\r\n" + half),
		"another host":    s.rawReply("POST /upload/ HTTP/1.1\r\nHost: elsewhere.example\r\n" + half),
	}
	w := s.watch(true, false)
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+"/upload/", &never{closed: make(chan struct{})})
	s.must(err)
	req.ContentLength, req.Host = 1000, "shop.example"
	resp, err := w.Client().Do(req)
	s.must(err)
	resp.Body.Close()
	w.await(t, "by HTTP/2")
	got["a page by HTTP/2"] = resp.StatusCode
	if want := map[string]int{"a page": 408, "WordPress's API": 408, "another host": 421, "a page by HTTP/2": 408}; !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if log := s.log.String(); strings.Count(log, `"code":"cocart_gateway_body_timeout"`) != 3 {
		t.Error(log)
	}
}

// What moves is never cut off: each piece, in either direction, gets the whole time again, unless the whole is slower
// than it has to be. An upgraded connection has no deadline.
func TestDeadlinesMoveWithTheBody(t *testing.T) {
	for name, row := range map[string]struct {
		stall         time.Duration
		target        string
		reads, writes bool // more than one deadline
		none          bool
	}{
		"storefront":        {1, "/upload/", true, true, false},
		"a route of CoCart": {1, addItemRoute, true, true, false},
		"without a limit":   {-1, "/upload/", false, false, true},
	} {
		s := openShop(t, stalling(row.stall), func(c *gateway.Config) {
			if row.none {
				c.Bounds.UploadRate, c.Bounds.DownloadRate = -1, -1
			}
		})
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
			for _, piece := range []string{"one", "two", "three"} {
				_, _ = io.WriteString(w, piece)
				_ = http.NewResponseController(w).Flush()
			}
			return true
		}
		w := s.watch(false, true)
		body, sending := io.Pipe()
		go func() {
			for range 3 {
				_, _ = io.WriteString(sending, strings.Repeat("x", 40_000)) // more than is read at once
			}
			sending.Close()
		}()
		resp, err := w.Client().Post(w.URL+row.target, "application/octet-stream", body)
		s.must(err)
		_, err = io.Copy(io.Discard, resp.Body)
		s.must(err)
		resp.Body.Close()
		w.await(t, name)
		reads, writes := w.noted()
		if row.none {
			if len(reads)+len(writes) != 0 {
				t.Errorf("%s: %v, %v", name, reads, writes)
			}
			continue
		}
		if got := len(reads) > 2; got != row.reads {
			t.Errorf("%s: %d read deadlines", name, len(reads))
		}
		if got := len(writes) > 1; got != row.writes {
			t.Errorf("%s: %d write deadlines", name, len(writes))
		}
		for _, all := range [][]time.Time{reads, writes} {
			for i := 1; i < len(all)-1; i++ { // the first is later where net/http may have to read what is left of a body
				if !all[i+1].After(all[i]) {
					t.Errorf("%s: a deadline after a later one: %v", name, all)
				}
			}
		}
	}
}

func TestAnUpgradedConnectionMayBeSilent(t *testing.T) {
	s := openShop(t, stalling(1))
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		return true
	}
	w := s.watch(false, true)
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/live/", nil)
	s.must(err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	resp, err := w.Client().Do(req)
	s.must(err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("%d", resp.StatusCode)
	}
	resp.Body.Close()
	w.await(t, "upgraded")
	if reads, writes := w.noted(); len(reads)+len(writes) != 0 {
		t.Errorf("%v, %v", reads, writes)
	}
}

// The time is for moving a body. PHP may think for longer, once it has it all.
func TestABodyThatArrivedMayBeThoughtAbout(t *testing.T) {
	s := openShop(t, stalling(200*time.Millisecond))
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		<-time.After(500 * time.Millisecond)
		return false
	}
	const body = "x=1"
	if got := s.rawReply("POST /shop/ HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\n" + body); got != 200 {
		t.Errorf("%d", got)
	}
}
