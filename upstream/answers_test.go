package upstream_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// sayer is an origin that answers every request with the same bytes.
func sayer(t *testing.T, bytes string) *url.URL {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	say(t, listener, bytes)
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}

// say answers every request on a listener with the same bytes, until the test ends.
func say(t *testing.T, listener net.Listener, bytes string) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, bytes) // the gateway may hang up before the end
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
}

func TestWhatIsNoAnswerIsUnavailable(t *testing.T) {
	for name, answer := range map[string]string{
		"no HTTP":                  "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"nothing":                  "",
		"another protocol":         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: canary\r\n\r\n",
		"half a header":            "HTTP/1.1 200 OK\r\nContent-Ty",
		"two lengths":              "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"a header without end":     "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 300<<10),
		"a header larger than all": "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 300<<10) + "\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			fr := newFront(t, sayer(t, answer).String(), asSite())
			fr.send(t, "GET", "/", "")
			if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
}

// Browsers ignore such lines, and a shop's page has them by a plugin's mistake.
func TestAMalformedHeaderLineCostsNoPage(t *testing.T) {
	for _, line := range malformedLines {
		cleaned(t, line, newFront(t, sayer(t, withLine(line)).String(), asSite()))
	}
}

var malformedLines = []string{"X Powered By: shop", "Foo : bar", "no colon", "Prénom: 1", ": nothing", "X-Bytes: a\x01b"}

// withLine is an answer whose header has this line.
func withLine(line string) string {
	return "HTTP/1.1 200 OK\r\nX-Good: 1\r\n" + line + "\r\nContent-Length: 2\r\n\r\nok"
}

// cleaned fails the test unless that answer arrives, without its malformed line.
func cleaned(t *testing.T, line string, fr *front) {
	t.Helper()
	resp, err := http.Get(fr.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 || string(body) != "ok" || resp.Header.Get("X-Good") != "1" {
		t.Errorf("%q: %d %q %v", line, resp.StatusCode, body, resp.Header)
	}
	if n := fr.metric(t, "cocart_gateway_upstream_header_lines_dropped_total{}"); n != 1 {
		t.Errorf("%q: %v lines were counted", line, n)
	}
}

func TestALargerHeaderCanBeAllowed(t *testing.T) {
	origin := sayer(t, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 300<<10)+"\r\nContent-Length: 0\r\n\r\n")
	fr := newFront(t, origin.String(), asSite(), func(c *upstream.Config) { c.ResponseHeader = 512 << 10 })
	if status := fr.send(t, "GET", "/", ""); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestAnAnswerBeforeTheBodyWasReadArrives(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge) // having read nothing
	}))
	defer origin.Close()
	if status := newFront(t, origin.URL, asSite()).send(t, "POST", "/", strings.Repeat("x", 100_000)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", status)
	}
}

func TestHintsAndTrailersPass(t *testing.T) {
	origin := sayer(t, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"+
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n")
	conn, err := net.Dial("tcp", newFront(t, origin.String(), asSite()).Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	in := bufio.NewReader(conn)
	hint, err := http.ReadResponse(in, nil)
	if err != nil || hint.StatusCode != http.StatusEarlyHints || hint.Header.Get("Link") == "" {
		t.Fatalf("%v, %v", hint, err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hi" || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("%q, %v, trailer %v", body, err, resp.Trailer)
	}
}

func TestReservedTrailersAreRemoved(t *testing.T) {
	for name, announced := range map[string]string{"announced": "Trailer: X-Sum, X-Cocart-Gateway-Ended\r\n", "not announced": ""} {
		origin := sayer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"+announced+"\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\nX-Cocart-Gateway-Ended: evil\r\n\r\n")
		conn, err := net.Dial("tcp", newFront(t, origin.String(), asSite()).Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
		all, err := io.ReadAll(conn)
		if text := string(all); err != nil || !strings.HasSuffix(text, "\r\n0\r\nX-Sum: 42\r\n\r\n") || strings.Contains(text, "Gateway") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
}

// Half of a short body never reached the client: not even the header was sent.
func TestAShortAnswerThatBreaksOffIsUnavailable(t *testing.T) {
	for name, answer := range map[string]string{
		"half a body": "HTTP/1.1 200 OK\r\nContent-Length: 2048\r\n\r\nhi",
		"no body":     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
	} {
		fr := newFront(t, sayer(t, answer).String(), asSite())
		fr.send(t, "GET", "/", "")
		if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if status := newFront(t, sayer(t, "HTTP/1.1 200 OK\r\nContent-Length: 2048\r\n\r\n").String(), asSite()).send(t, "HEAD", "/", ""); status != 200 {
		t.Errorf("HEAD: %d", status)
	}
}

// The shop of TestABodyThatStandsStillIsGivenUp begins to answer and stops.
func TestABodyThatStandsStillIsGivenUp(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		if s.Target == "/stuck" {
			fmt.Fprint(w, "the beginning")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done() // the gateway hangs up
		}
		return false
	}
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}), func(c *upstream.Config) { c.BodyTimeout = 20 * time.Millisecond })
	if resp, err := http.Get(fr.URL + "/stuck"); err == nil { // else it was given up before its header had left
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("read %q as if it were whole", body)
		}
		resp.Body.Close()
	}
	fr.until(t, `cocart_gateway_upstream_in_flight{node="`+mustParse(t, wp.URL).Host+`"}`, 0)
	fr.hasRoom(t)
}

// hasRoom asks for a page. Where the timeout is short, a busy machine may
// be too slow for that one, too; but it has its place.
func (fr *front) hasRoom(t *testing.T) {
	t.Helper()
	resp, err := http.Get(fr.URL + "/page")
	if err != nil {
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("status %d: there is no place", resp.StatusCode)
	}
}

// The shop of TestAClientThatTakesNothingKeepsNoPlace sends more than fits into
// the buffers on the way, and no client reads.
func TestAClientThatTakesNothingKeepsNoPlace(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		if s.Target != "/large" {
			return false
		}
		for piece := make([]byte, 64<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return true
			}
		}
	}
	fr := newFront(t, wp.URL, asSite(), limited(pool.Concurrency{Limit: 1}), func(c *upstream.Config) { c.BodyTimeout = 20 * time.Millisecond })
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /large HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	inFlight := `cocart_gateway_upstream_in_flight{node="` + mustParse(t, wp.URL).Host + `"}`
	_, _ = http.ReadResponse(bufio.NewReader(conn), nil) // and no more than that, if there is that much
	fr.until(t, inFlight, 0)
	fr.hasRoom(t)
}

func TestAnEndlessBodyTimeoutNeverGivesUp(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.BodyTimeout = -1 })
	if status := fr.send(t, "GET", "/page", ""); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestALoginWhoseAnswerStandsStillIsATimeout(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		fmt.Fprint(w, `{"user_id":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return true
	}
	fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.BodyTimeout = 20 * time.Millisecond })
	if _, err := login(t, fr.wordpress); !errors.Is(err, upstream.ErrTimeout) {
		t.Error(err)
	}
}

func TestEachKindOfRequestHasItsOwnTimeout(t *testing.T) {
	wp := upstreamtest.Start(t)
	release := make(chan struct{})
	defer close(release)
	wp.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { <-release; return true }
	for _, impatient := range []string{"login", "cocart", "site"} {
		var timeouts upstream.Timeouts
		switch impatient {
		case "login":
			timeouts.Login = 10 * time.Millisecond
		case "cocart":
			timeouts.CoCart = 10 * time.Millisecond
		case "site":
			timeouts.Site = 10 * time.Millisecond
		}
		fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.ResponseTimeout, c.Timeouts = time.Minute, timeouts })
		switch impatient {
		case "login":
			if _, err := login(t, fr.wordpress); !errors.Is(err, upstream.ErrTimeout) {
				t.Errorf("login: %v", err)
			}
			continue
		case "cocart":
			<-fr.start(t.Context(), "/wp-json/cocart/v2/cart", "Test-Kind: guest")
		case "site":
			<-fr.start(t.Context(), "/page")
		}
		if err := <-fr.errors; !errors.Is(err, upstream.ErrTimeout) {
			t.Errorf("%s: %v", impatient, err)
		}
	}
}

func TestTheHostPolicy(t *testing.T) {
	wp := upstreamtest.Start(t) // compares h in the assertion with the Host it gets
	for _, row := range []struct{ name, policy, sent, want string }{
		{"passed as the client sent it", "", "Shop.Example:8443", "Shop.Example:8443"},
		{"passed where it is another one", "", "evil.example", "evil.example"},
		{"fixed", "wp.internal", "evil.example", "wp.internal"},
	} {
		t.Run(row.name, func(t *testing.T) {
			fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.Host = row.policy })
			raw(t, fr.Server, "GET / HTTP/1.1\nHost: "+row.sent+"\n\n")
			got := wp.Last()
			if got.Host != row.want || got.Claims.Host != row.want {
				t.Errorf("arrived with host %q, asserted %q", got.Host, got.Claims.Host)
			}
			if got.Header.Get("X-Forwarded-Host") != row.sent {
				t.Errorf("X-Forwarded-Host: %q", got.Header.Get("X-Forwarded-Host"))
			}
			if _, err := login(t, fr.wordpress); err != nil {
				t.Error(err)
			}
			if want := map[bool]string{true: row.policy, false: "shop.example"}[row.policy != ""]; wp.Last().Host != want {
				t.Errorf("the login arrived with host %q", wp.Last().Host)
			}
		})
	}
}

// TestTraceContextPasses covers W3C Trace Context, also invalid values. It is not ours
// to judge, and never ours to begin.
func TestTraceContextPasses(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for _, row := range [][]string{
		{"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate: congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"},
		{"traceparent: ff-nonsense", "tracestate: ,,=,"},
		{"tracestate: a=1", "tracestate: b=2"},
		{"baggage: userId=alice"},
		{},
	} {
		raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n"+strings.Join(append(row, ""), "\n")+"\n")
		var got []string
		for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
			for _, value := range wp.Last().Header[name] {
				got = append(got, strings.ToLower(name)+": "+value)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(row) {
			t.Errorf("sent %v, arrived %v", row, got)
		}
	}
}

// What is no answer to a request is a failure of WordPress.
func TestAnAnswerThatNoClientMayGetIsUnavailable(t *testing.T) {
	for name, answer := range map[string]string{
		"a switch to no protocol": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"a switch unasked for":    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"a status below 100":      "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
		"a status of zeros":       "HTTP/1.1 000\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			fr := newFront(t, sayer(t, answer).String(), asSite())
			if got := fr.send(t, "GET", "/", ""); got != http.StatusTeapot {
				t.Fatalf("status %d", got)
			}
			if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
