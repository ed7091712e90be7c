package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// bugs is a place in the gateway where a test throws something.
func bugs(thrown func()) func(*gateway.Config) {
	return func(c *gateway.Config) {
		c.Passwords.Now = func() time.Time { // asked for each password
			thrown()
			return time.Now()
		}
	}
}

const wrongPassword = `{"username":"alice","password":"canary-wrong"}`

func TestABugIsSaidInTheLogAndAnswered500(t *testing.T) {
	for name, row := range map[string]struct {
		thrown func()
		said   string
	}{
		"Go's own error is logged":            {func() { _ = []int{}[len(wrongPassword)] }, "runtime error: index out of range [46] with length 0"},
		"a text that may quote a client":      {func() { panic("no such password: canary-wrong") }, "string"},
		"an error that may quote a client":    {func() { panic(&http.MaxBytesError{Limit: 1}) }, "*http.MaxBytesError"},
		"nothing at all, which Go objects to": {func() { panic(nil) }, "panic called with nil argument"},
	} {
		s := openShop(t, bugs(row.thrown))
		got := s.post("/wp-json/cocart/v2/login", wrongPassword, "Origin: https://app.example")
		if want := failure(500, "cocart_gateway_error", "Something went wrong on our side."); got.failure() != want {
			t.Errorf("%s: %s", name, got.failure())
		}
		if got.Header.Get("Access-Control-Allow-Origin") == "" || got.Header.Get("X-Request-Id") == "" || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %v", name, got.Header)
		}
		record, told := s.lastRecord(), s.lines("a bug ended a request")
		if record["status"] != 500.0 || record["level"] != "ERROR" || record["code"] != "cocart_gateway_error" || record["cause"] != "a bug in the gateway" {
			t.Errorf("%s: %v", name, record)
		}
		if len(told) != 1 || told[0]["level"] != "ERROR" || told[0]["request_id"] != record["request_id"] || told[0]["route"] != "login" || told[0]["panic"] != row.said {
			t.Fatalf("%s: %v", name, told)
		}
		stack := strings.Split(told[0]["stack"].(string), "\n")
		where := slices.IndexFunc(stack, func(line string) bool {
			return strings.HasPrefix(line, "cocart-gateway/gateway.(*Gateway).ServeHTTP gateway.go:")
		})
		if where < 0 || !strings.Contains(stack[0]+stack[1]+stack[2], "gateway_test.TestABugIsSaid") {
			t.Errorf("%s: the stack is %q", name, stack)
		}
		if strings.Contains(s.log.String(), "canary") {
			t.Errorf("%s: the log quotes the client: %s", name, s.log)
		}
	}
}

// brokenWriter meets a bug in the middle of an answer, or before it.
type brokenWriter struct {
	http.ResponseWriter
	at string
}

func (w brokenWriter) WriteHeader(status int) {
	if w.at == "header" {
		panic("canary")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w brokenWriter) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	if w.at == "body" {
		_ = http.NewResponseController(w.ResponseWriter).Flush()
		panic("canary")
	}
	return n, err
}

// What the client has read cannot be taken back; that it is not all must be seen. The record says 500 nevertheless.
func TestABugInTheMiddleOfAnAnswerCutsTheConnection(t *testing.T) {
	for _, at := range []string{"header", "body"} {
		s := openShop(t)
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
			_, _ = io.WriteString(w, strings.Repeat("all of it", 10_000)) // more than is copied at once
			return true
		}
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.Config.Handler.ServeHTTP(brokenWriter{w, at}, r)
		}))
		resp, err := http.Get(broken.URL + "/shop/")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: the answer looks whole", at)
		}
		broken.Close()
		if got := s.lastRecord(); got["status"] != 500.0 || got["level"] != "ERROR" || len(s.lines("a bug ended a request")) != 1 {
			t.Errorf("%s: %v", at, got)
		}
		if n := s.metric("cocart_gateway_http_requests_total", "500"); n != 1 {
			t.Errorf("%s: %v requests are counted as 500", at, n)
		}
	}
}

// To cut a connection on purpose is no bug.
func TestAnAbortedAnswerIsNoBug(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { panic(http.ErrAbortHandler) }
	s.do("GET", "/wp-json/cocart/v2/cart", "")
	if got := s.lastRecord(); got["status"] != 502.0 || len(s.lines("a bug ended a request")) != 0 {
		t.Errorf("%v", got)
	}
}
