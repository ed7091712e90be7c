package gateway_test

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// hourglass is a listener for whose connections time passes when the test says so:
// a read that has until later waits, until then.
type hourglass struct {
	net.Listener
	mu    sync.Mutex
	conns []*timedConn
}

type timedConn struct {
	net.Conn
	mu    sync.Mutex
	until time.Time
}

// timed has the shop served by an hourglass.
func (s *shop) timed() *hourglass {
	front := httptest.NewUnstartedServer(s.Config.Handler)
	h := &hourglass{Listener: front.Listener}
	front.Listener = h
	front.Start()
	s.Close()
	s.Server = front
	return h
}

func (h *hourglass) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &timedConn{Conn: conn}
	h.conns = append(h.conns, c)
	return c, nil
}

func (c *timedConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.until = t; t.After(time.Now()) {
		t = time.Time{}
	}
	return c.Conn.SetReadDeadline(t)
}

// running is until when the newest deadline is that is not over yet; zero if there
// is none.
func (h *hourglass) running() (until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.mu.Lock()
		if c.until.After(time.Now()) && c.until.After(until) {
			until = c.until
		}
		c.mu.Unlock()
	}
	return until
}

// pass lets the time of all reads be over.
func (h *hourglass) pass() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.mu.Lock()
		if c.until.After(time.Now()) {
			c.until = time.Unix(1, 0)
			_ = c.Conn.SetReadDeadline(c.until) // a closed connection is not read
		}
		c.mu.Unlock()
	}
}

func TestBodiesMustArriveInTime(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Bounds.BodyTime = time.Hour })
	h := s.timed()
	access, _ := s.login()
	const half = "Host: shop.example\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
	got := map[string]int{}
	for name, request := range map[string]string{
		"login":    "POST " + loginRoute + " HTTP/1.1\r\n" + half + "\r\n{",
		"guest":    "POST " + addItemRoute + " HTTP/1.1\r\n" + half + "\r\n{",
		"customer": "POST " + addItemRoute + " HTTP/1.1\r\n" + half + "Authorization: Bearer " + access + "\r\n\r\n{",
	} {
		got[name] = s.late(h, request)
	}
	if want := map[string]int{"login": 408, "guest": 408, "customer": 408}; !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if log := s.log.String(); strings.Count(log, `"code":"cocart_gateway_body_timeout"`) != 3 {
		t.Error(log)
	}
}

// late sends half a request, lets its time pass, and returns the status.
func (s *shop) late(h *hourglass, request string) int {
	s.t.Helper()
	earliest := time.Now().Add(time.Hour)
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	s.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	s.must(err)
	tokenstest.Eventually(s.t, "the time of the body runs", func() bool { return !h.running().IsZero() })
	if until, latest := h.running(), time.Now().Add(time.Hour); until.Before(earliest) || until.After(latest) {
		s.t.Errorf("the body has until %s, want an hour: %s at the earliest", until, earliest)
	}
	h.pass()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	s.must(err)
	defer resp.Body.Close()
	return resp.StatusCode
}

// The time a client has is for its body. PHP may think for longer.
func TestBodyInTimeIsForgotten(t *testing.T) {
	s := openShop(t)
	h := s.timed()
	access, _ := s.login()
	thinking, thought := make(chan struct{}), make(chan struct{})
	defer close(thought)
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		thinking <- struct{}{}
		<-thought
		return false
	}
	for name, headers := range map[string][]string{"guest": nil, "customer": {"Authorization: Bearer " + access}} {
		answered := make(chan reply, 1)
		go func() { answered <- s.post(addItemRoute, "{}", headers...) }()
		<-thinking
		tokenstest.Eventually(t, "no request waits for a body", func() bool { return h.running().IsZero() })
		h.pass()
		thought <- struct{}{}
		if r := <-answered; r.Status != 200 {
			t.Errorf("%s: %s", name, r.failure())
		}
	}
}
