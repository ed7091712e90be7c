package upstream_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// call puts a login to a fake shop and returns its answer.
func call(t *testing.T, wp *upstreamtest.WordPress, change func(*http.Request, *upstream.LoginCall)) (*upstream.LoginAnswer, error) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/wp-json/cocart/v2/login", nil)
	r.Host = "shop.example"
	c := aLogin()
	if change != nil {
		change(r, c)
	}
	return newFront(t, wp.URL, asSite()).wordpress.Login(r, c)
}

func aLogin() *upstream.LoginCall {
	return &upstream.LoginCall{
		Forwarding: upstream.Forwarding{Assertion: upstream.Assertion{Kind: upstream.Login}, Origin: asSite().Origin},
		Target:     "/wp-json/cocart/v2/login", ContentType: "application/json", Body: []byte(`{"a":1}`),
		Username: "alice", Password: "wonderland-1",
	}
}

func TestLoginIsTheAccountThePluginSigned(t *testing.T) {
	wp := upstreamtest.Start(t)
	answer, err := call(t, wp, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(answer.Status, *answer.Account, string(answer.Body) == upstreamtest.LoginAnswer(wp.Users[0]))
	if want := "200 {2 alice fp-alice-1 map[]} true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s := wp.Last(); s.Body != `{"a":1}` || s.Header.Get("Content-Type") != "application/json" || s.Claims.Kind != "login" {
		t.Errorf("arrived: %+v", s)
	}
	for name := range answer.Header {
		if strings.HasPrefix(name, "X-Cocart-Gateway") {
			t.Errorf("%s is left in the answer", name)
		}
	}
}

func TestARefusalIsAnAnswer(t *testing.T) {
	answer, err := call(t, upstreamtest.Start(t), func(_ *http.Request, c *upstream.LoginCall) { c.Password = "wrong" })
	if err != nil || answer.Status != 401 || answer.Account != nil || !strings.Contains(string(answer.Body), "incorrect") {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestALoginThatThePluginDidNotSignFails(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.NoPlugin = true
	if answer, err := call(t, wp, nil); !errors.Is(err, upstream.ErrNoPlugin) {
		t.Errorf("got %+v, %v", answer, err)
	}
}

func TestWhatSkipsAChecksDoesNotTravelWithALogin(t *testing.T) {
	wp := upstreamtest.Start(t)
	_, err := call(t, wp, func(r *http.Request, _ *upstream.LoginCall) {
		r.Header.Set("Cookie", "wordpress_logged_in_x=1")
		r.Header.Set("Authorization", "Bearer stale.or.foreign")
		r.Header.Set("Connection", "keep-alive, X-Hop")
		r.Header.Set("X-Hop", "1")
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("User-Agent", "shop-app/1")
		r.Header.Set("X-Custom", "kept")
	})
	if err != nil {
		t.Fatal(err)
	}
	h := wp.Last().Header
	for _, name := range []string{"Cookie", "X-Hop", "Accept-Encoding", "Connection"} {
		if v := h.Get(name); v != "" {
			t.Errorf("%s arrived: %q", name, v)
		}
	}
	if got := h.Get("Authorization") + " " + h.Get("User-Agent") + " " + h.Get("X-Custom"); got != "Basic YWxpY2U6d29uZGVybGFuZC0x shop-app/1 kept" {
		t.Errorf("arrived: %s", got)
	}
}

func TestCredentialsThatBasicCannotCarryTravelInTheBodyAlone(t *testing.T) {
	for name, change := range map[string]func(*upstream.LoginCall){
		"colon in the name": func(c *upstream.LoginCall) { c.Username = "a:b" },
		"no password":       func(c *upstream.LoginCall) { c.Password = "" },
		"no name":           func(c *upstream.LoginCall) { c.Username = "" },
	} {
		wp := upstreamtest.Start(t)
		if _, err := call(t, wp, func(_ *http.Request, c *upstream.LoginCall) { change(c) }); err != nil {
			t.Fatal(err)
		}
		if v, sent := wp.Last().Header["Authorization"]; sent {
			t.Errorf("%s: sent %v", name, v)
		}
	}
}

func TestAnEndlessLoginAnswerIsRefused(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		chunk := strings.Repeat("x", 64<<10)
		for {
			if _, err := fmt.Fprint(w, chunk); err != nil {
				return true // the gateway hung up
			}
		}
	}
	if _, err := call(t, wp, nil); !errors.Is(err, upstream.ErrBadReply) {
		t.Errorf("got %v", err)
	}
}

func TestALoginReplyThatLacksSomethingOpensNoSession(t *testing.T) {
	good := map[string]any{"sub": "2", "login": "alice", "fp": "f", "claims": map[string]any{}}
	for name, row := range map[string]map[string]any{
		"nothing":       {},
		"the user":      {"sub": "0"},
		"one user":      {"sub": "02"},
		"the login":     {"login": ""},
		"a fingerprint": {"fp": ""},
		"an object":     {"claims": []string{"a"}},
	} {
		wp := upstreamtest.Start(t)
		wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
			said := maps.Clone(good)
			maps.Copy(said, row)
			w.Header().Set("X-CoCart-Gateway-Login", wp.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"), said))
			upstreamtest.JSON(w, 200, "{}")
			return true
		}
		if answer, err := call(t, wp, nil); (err == nil) != (len(row) == 0) || err != nil && !errors.Is(err, upstream.ErrBadReply) {
			t.Errorf("%s: %+v, %v", name, answer, err)
		}
	}
}

func TestALoginReplyCannotBePlayedBack(t *testing.T) {
	wp := upstreamtest.Start(t)
	var recorded string
	wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		wp.Lock()
		defer wp.Unlock()
		if recorded == "" {
			recorded = wp.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"), map[string]any{"sub": "1", "login": "admin", "fp": "f"})
		}
		w.Header().Set("X-CoCart-Gateway-Login", recorded)
		upstreamtest.JSON(w, 200, "{}")
		return true
	}
	if answer, err := call(t, wp, nil); err != nil || answer.Account.UserID != 1 {
		t.Fatalf("the original: %+v, %v", answer, err)
	}
	_, err := call(t, wp, func(_ *http.Request, c *upstream.LoginCall) { c.Target += "?again" })
	if !errors.Is(err, upstream.ErrBadReply) {
		t.Errorf("the copy: %v", err)
	}
}

// Half an answer, or one that a login cannot have, is no login.
func TestAnAnswerThatBreaksOffOrSwitchesProtocolsIsUnusable(t *testing.T) {
	for name, answer := range map[string]string{
		"half of it":       "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
		"half a chunk":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
		"another protocol": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}))
		_, err := newFront(t, server.URL, asSite()).wordpress.Login(httptest.NewRequest(http.MethodPost, "/wp-json/cocart/v2/login", nil), aLogin())
		if !errors.Is(err, upstream.ErrUnavailable) && !errors.Is(err, upstream.ErrBadReply) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

// One byte in each pause would hold a place at WordPress, and the client, for ever.
func TestAnAnswerToALoginThatTricklesEnds(t *testing.T) {
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(time.Millisecond):
			}
		}
	}))
	defer server.Close()
	f := newFront(t, server.URL, asSite(), func(c *upstream.Config) { c.Timeouts.Login = 50 * time.Millisecond })
	_, err := f.wordpress.Login(httptest.NewRequest(http.MethodPost, "/wp-json/cocart/v2/login", nil), aLogin())
	if !errors.Is(err, upstream.ErrTimeout) {
		t.Errorf("%v", err)
	}
	<-ended
}
