package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// front is a gateway reduced to its upstream half: every request is forwarded
// with the same assertion.
type front struct {
	*httptest.Server
	wordpress  *upstream.WordPress
	forwarding upstream.Forwarding
	errors     chan error
	registry   *prometheus.Registry
	log        *lockedBuffer
}

func newFront(t *testing.T, origin string, f upstream.Forwarding, more ...func(*upstream.Config)) *front {
	t.Helper()
	cfg := upstream.Config{URL: mustParse(t, origin), SiteURL: mustParse(t, upstreamtest.SiteURL), Secrets: []string{upstreamtest.Secret}}
	for _, change := range more {
		change(&cfg)
	}
	fr := &front{forwarding: f, errors: make(chan error, 64), registry: prometheus.NewRegistry(), log: &lockedBuffer{}}
	wp, err := upstream.New(cfg, fr.registry, slog.New(slog.NewTextHandler(fr.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	fr.wordpress = wp
	fr.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := fr.forwarding
		if r.Header.Get("Test-Kind") == "guest" {
			f.Assertion.Kind = upstream.Guest
		}
		f.Acts, f.Own = r.Header.Get("Test-Acts") != "", r.Header.Get("Test-Own") != ""
		if err := wp.Forward(w, r, &f); err != nil {
			fr.errors <- err
			w.WriteHeader(http.StatusTeapot) // proves that nothing was written before
		}
	}))
	t.Cleanup(func() { fr.Close(); wp.Close() })
	return fr
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func asSite() upstream.Forwarding {
	return upstream.Forwarding{
		Assertion:       upstream.Assertion{Kind: upstream.Site},
		Origin:          upstream.Origin{Client: netip.MustParseAddr("203.0.113.7"), Peer: netip.MustParseAddr("203.0.113.7"), Proto: "https"},
		KeepCredentials: true,
	}
}

// raw sends bytes that no HTTP library would, and returns the answer.
func raw(t *testing.T, server *httptest.Server, request string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestTargetArrivesByteForByte(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for _, target := range []string{
		"/", "/?", "/a%2Fb/%c3%a9", "/wp-json/cocart/v2/cart?x=é", "/?a;b=1&c=%", "/?rest.route=/x&rest[route=1", "//wp-json//x", "/a%20b?q=%zz", "/?" + strings.Repeat("a=1&", 2000),
	} {
		resp := raw(t, fr.Server, "GET "+target+" HTTP/1.1\nHost: shop.example\n\n")
		if resp.StatusCode != 200 {
			t.Errorf("%.60q: status %d", target, resp.StatusCode)
		}
		if got := wp.Last().Target; got != target {
			t.Errorf("sent %.80q, arrived %.80q", target, got)
		}
	}
}

// net/http calls the hooks of a request for early answers (103), which belong to its client and to no other.
func TestEachRequestHasItsOwnHooks(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer origin.Close()
	fr := newFront(t, origin.URL, asSite())
	var calls int
	hooks := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { calls++ }}
	for i := range 3 {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		if i == 0 {
			r = r.WithContext(httptrace.WithClientTrace(t.Context(), hooks))
		}
		if err := fr.wordpress.Forward(httptest.NewRecorder(), r, &fr.forwarding); err != nil {
			t.Fatal(err)
		}
	}
	if calls != 1 {
		t.Errorf("the hooks of the first request were called for %d requests", calls)
	}
}

func TestAssertionNamesTheRequest(t *testing.T) {
	wp := upstreamtest.Start(t)
	f := asSite()
	f.Assertion = upstream.Assertion{Kind: upstream.Customer, UserID: 2, Session: "s1", Fingerprint: "fp-alice-1"}
	fr := newFront(t, wp.URL, f)
	raw(t, fr.Server, "DELETE /wp-json/cocart/v2/cart?a=1 HTTP/1.1\nHost: Shop.Example\nX-CoCart-Gateway: forged\n\n")
	got := wp.Last().Claims
	got.IssuedAt, got.Expiry, got.Target = 0, 0, "" // checked by the fake WordPress
	want := upstreamtest.Claims{
		Issuer: "cocart-gateway", Audience: "shop.example", Kind: "customer", Subject: "2", Session: "s1", Fingerprint: "fp-alice-1",
		Client: "203.0.113.7", Proto: "https", Method: "DELETE", Host: "Shop.Example",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestHeadersThatPHPWouldTakeForOursAreDropped(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	for _, header := range []string{
		"X-CoCart-Gateway: evil", "x_cocart_gateway: evil", "X-Cocart_Gateway: evil", "X.CoCart.Gateway: evil", "X-CoCart-Gateway-Login: evil",
		"X_COCART_GATEWAY_ENDED: evil", "X-Cocart-Gateway-Anything: evil", "Proxy: evil", "X_Forwarded_For: evil", "Cf_Connecting_Ip: evil", "User_Agent: evil",
		"X-Forwarded-For: evil", "X-Forwarded-Port: evil", "X-Forwarded-Server: evil", "Forwarded: for=evil", "X-Real-IP: evil", "Client-IP: evil",
		"True-Client-IP: evil", "CF-Connecting-IP: evil", "X-Client-IP: evil", "X-Cluster-Client-IP: evil",
	} {
		raw(t, fr.Server, "GET /page HTTP/1.1\nHost: shop.example\n"+header+"\n\n")
		for name, values := range wp.Last().Header {
			if strings.Contains(strings.Join(values, " "), "evil") {
				t.Errorf("%q arrived as %s: %v", header, name, values)
			}
		}
	}
}

// PHP reads api_key as HTTP_API_KEY. Services send such names to the storefront.
func TestUnusualHeaderNamesReachTheStorefrontOnly(t *testing.T) {
	wp := upstreamtest.Start(t)
	const sent = "Api_key: shop\nX.sig.v2: shop\nX_signature: shop\n"
	for _, row := range []struct {
		kind  upstream.Kind
		lines string
		want  string
	}{
		{upstream.Site, sent, "Api_key X.sig.v2 X_signature"},
		{upstream.Guest, sent, ""},
		{upstream.Credentials, sent, ""},
		{upstream.Site, "X_Two: a\nX-Two: b\nX.two: c\n", ""},
		{upstream.Site, "X_WP_Nonce: a\nX_Http_Method_Override: DELETE\nContent_Type: text/plain\nX_Forwarded_Host: a\nCf_Visitor: a\nAuthorization_: a\nCookie_x: b\nHTTP_HOST: a\n", ""},
		{upstream.Site, "X!Sig: a\nX~y: b\n", ""},
	} {
		fr := newFront(t, wp.URL, upstream.Forwarding{Assertion: upstream.Assertion{Kind: row.kind}, KeepCredentials: true})
		raw(t, fr.Server, "GET /page HTTP/1.1\nHost: shop.example\n"+row.lines+"\n")
		var odd []string
		for name := range wp.Last().Header {
			if strings.ContainsAny(name, "_.!~") {
				odd = append(odd, name)
			}
		}
		slices.Sort(odd)
		if got := strings.Join(odd, " "); got != row.want {
			t.Errorf("%s: %q arrived as %q, want %q", row.kind, row.lines, got, row.want)
		}
	}
}

func TestARequestWithoutHostIsForTheSite(t *testing.T) {
	wp := upstreamtest.Start(t)
	resp := raw(t, newFront(t, wp.URL, asSite()).Server, "GET /page HTTP/1.0\n\n")
	if got := wp.Last(); resp.StatusCode != 200 || got.Host != "shop.example" || got.Claims.Host != "shop.example" || got.Header.Get("X-Forwarded-Host") != "shop.example" {
		t.Errorf("%d %+v", resp.StatusCode, got)
	}
}

func TestConnectionHeaderCannotTakeOursAway(t *testing.T) {
	wp := upstreamtest.Start(t) // refuses a request without its assertion
	fr := newFront(t, wp.URL, asSite())
	raw(t, fr.Server, "GET /page HTTP/1.1\nHost: shop.example\nConnection: close, x-cocart-gateway, X-Forwarded-For, x-real-ip\n\n")
	h := wp.Last().Header
	if got := [3]string{h.Get("X-Forwarded-For"), h.Get("X-Forwarded-Proto"), h.Get("X-Real-Ip")}; got != [3]string{"203.0.113.7", "https", "203.0.113.7"} {
		t.Errorf("arrived: %v", got)
	}
}

func TestForwardedHeadersOfATrustedProxyAreContinued(t *testing.T) {
	wp := upstreamtest.Start(t)
	f := asSite()
	f.Origin = upstream.Origin{Client: netip.MustParseAddr("198.51.100.9"), Peer: netip.MustParseAddr("10.0.0.1"), Proto: "https", Trusted: true}
	fr := newFront(t, wp.URL, f)
	raw(t, fr.Server, "GET /page HTTP/1.1\nHost: inner\nX-Forwarded-For: 198.51.100.9\nX-Forwarded-Host: shop.example\nX-Forwarded-Port: 444\nCF-Connecting-IP: 192.0.2.66\n\n")
	h := wp.Last().Header
	got := map[string]string{}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"} {
		got[name] = h.Get(name)
	}
	want := map[string]string{
		"X-Forwarded-For": "198.51.100.9, 10.0.0.1", "X-Forwarded-Host": "shop.example", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "",
		"X-Real-Ip": "198.51.100.9", "Cf-Connecting-Ip": "198.51.100.9", "True-Client-Ip": "",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// As one does that comes by a unix socket and adds nothing.
func TestAProxyThatForwardsNothingLeavesNothingEmpty(t *testing.T) {
	wp := upstreamtest.Start(t)
	f := asSite()
	f.Origin = upstream.Origin{Proto: "https", Trusted: true}
	raw(t, newFront(t, wp.URL, f).Server, "GET /page HTTP/1.1\nHost: shop.example\n\n")
	h := wp.Last().Header
	if got := fmt.Sprint(h["X-Forwarded-For"], h["X-Forwarded-Host"], h["X-Real-Ip"]); got != "[] [shop.example] []" {
		t.Errorf("got %s", got)
	}
}

func TestAuthorizationCrossesOnlyWhereItIsJudged(t *testing.T) {
	wp := upstreamtest.Start(t)
	for _, keep := range []bool{true, false} {
		f := asSite()
		f.KeepCredentials = keep
		fr := newFront(t, wp.URL, f)
		raw(t, fr.Server, "GET /page HTTP/1.1\nHost: shop.example\nAuthorization: Basic abc\n\n")
		if _, arrived := wp.Last().Header["Authorization"]; arrived != keep {
			t.Errorf("keep %v: arrived %v", keep, arrived)
		}
	}
}

func TestOurHeadersNeverReachTheClient(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header()["X-CoCart-Gateway-Plugin"] = []string{"1"}
		w.Header()["x_cocart_gateway_login"] = []string{"1"}
		w.Header().Set("X-Kept", "1")
		return false
	}
	resp := raw(t, newFront(t, wp.URL, asSite()).Server, "GET /page HTTP/1.1\nHost: shop.example\n\n")
	for name := range resp.Header {
		if strings.Contains(strings.ToLower(strings.ReplaceAll(name, "_", "-")), "cocart-gateway") {
			t.Errorf("the client sees %s", name)
		}
	}
	if resp.Header.Get("X-Kept") != "1" {
		t.Error("a header of the site was lost")
	}
}

func TestAnswersStream(t *testing.T) {
	wp := upstreamtest.Start(t)
	seen := make(chan struct{})
	wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		fmt.Fprintln(w, "first")
		_ = http.NewResponseController(w).Flush()
		select { // the second half waits until the client has the first
		case <-seen:
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, "second")
		return true
	}
	resp, err := http.Get(newFront(t, wp.URL, asSite()).URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan()
	first := lines.Text()
	close(seen)
	lines.Scan()
	if got := first + " " + lines.Text(); got != "first second" {
		t.Errorf("got %q", got)
	}
}

func TestWebSocketsPass(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		echoLine(t, w, r)
		return true
	}
	for _, kind := range []upstream.Kind{upstream.Site, upstream.Observed} {
		f := asSite()
		f.Assertion.Kind = kind
		talks(t, newFront(t, wp.URL, f))
	}
}

// echoLine switches to another protocol, in which one line is repeated.
func echoLine(t *testing.T, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", r.Header.Get("Upgrade"))
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	line, _ := rw.ReadString('\n')
	fmt.Fprintf(rw, "echo %s", line)
	_ = rw.Flush()
}

// talks asks for a WebSocket and says something.
func talks(t *testing.T, fr *front) {
	t.Helper()
	conn, err := net.Dial("tcp", fr.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("answer %v, %v", resp, err)
	}
	fmt.Fprint(conn, "hello\n")
	if got, _ := in.ReadString('\n'); got != "echo hello\n" {
		t.Errorf("got %q", got)
	}
}

func TestRangesAndRedirectsAreTheSites(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, r *http.Request, s upstreamtest.Seen) bool {
		if s.Target == "/old" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return true
		}
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("0123456789"))
		return true
	}
	fr := newFront(t, wp.URL, asSite())
	resp := raw(t, fr.Server, "GET /uploads/a.txt HTTP/1.1\nHost: shop.example\nRange: bytes=2-4\n\n")
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 206 || string(body) != "234" || resp.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("range: %d %q %v", resp.StatusCode, body, resp.Header)
	}
	resp = raw(t, fr.Server, "GET /old HTTP/1.1\nHost: shop.example\n\n")
	if resp.StatusCode != 301 || resp.Header.Get("Location") != "/new" {
		t.Errorf("redirect: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestCompressedAnswersPassAsTheyAre(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		w.Header().Set("Content-Encoding", "gzip")
		fmt.Fprint(w, "asked for "+s.Header.Get("Accept-Encoding"))
		return true
	}
	resp := raw(t, newFront(t, wp.URL, asSite()).Server, "GET / HTTP/1.1\nHost: shop.example\nAccept-Encoding: br\n\n")
	body, _ := io.ReadAll(resp.Body)
	if string(body) != "asked for br" || resp.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%q, %v", body, resp.Header)
	}
}

func TestAnUnreachableWordPressIsUnavailable(t *testing.T) {
	fr := newFront(t, upstreamtest.Deaf(t).String(), asSite())
	resp := raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n")
	if err := <-fr.errors; !errors.Is(err, upstream.ErrUnavailable) || resp.StatusCode != http.StatusTeapot {
		t.Errorf("error %v, status %d", err, resp.StatusCode)
	}
}

func TestASilentWordPressIsATimeout(t *testing.T) {
	wp := upstreamtest.Start(t)
	release := make(chan struct{})
	wp.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { <-release; return true }
	defer close(release)
	fr := newFront(t, wp.URL, asSite(), func(c *upstream.Config) { c.ResponseTimeout = 20 * time.Millisecond })
	raw(t, fr.Server, "GET / HTTP/1.1\nHost: shop.example\n\n")
	if err := <-fr.errors; !errors.Is(err, upstream.ErrTimeout) {
		t.Errorf("error %v", err)
	}
}

func TestABrokenAnswerIsNeverAWholeOne(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Content-Length", "4096")
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	resp, err := http.Get(newFront(t, wp.URL, asSite()).URL)
	if err != nil {
		return // the connection was cut before the client had seen the header
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("read %q as if it were whole", body)
	}
}

func TestBeforeCanDropTheAnswer(t *testing.T) {
	wp := upstreamtest.Start(t)
	f := asSite()
	f.Assertion = upstream.Assertion{Kind: upstream.Customer, UserID: 2, Fingerprint: "fp-of-last-week"}
	refuse := errors.New("refused")
	ended := make(chan upstream.Ended, 1)
	f.Before = func(_ context.Context, a *upstream.Answer) error {
		ended <- a.Ended[0]
		return refuse
	}
	fr := newFront(t, wp.URL, f)
	resp := raw(t, fr.Server, "GET /wp-json/cocart/v2/cart HTTP/1.1\nHost: shop.example\n\n")
	if err := <-fr.errors; !errors.Is(err, refuse) || resp.StatusCode != http.StatusTeapot {
		t.Errorf("error %v, status %d", err, resp.StatusCode)
	}
	if got, want := <-ended, (upstream.Ended{UserID: 2, Fingerprint: "fp-of-last-week", Reason: "changed"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAForgedEndedHeaderEndsNoSession(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("X-CoCart-Gateway-Ended", wp.Sign("cocart-ended+jwt", "an assertion of another request", map[string]any{"sub": "2", "fp": "x", "reason": "changed"}))
		upstreamtest.JSON(w, 200, "{}")
		return true
	}
	f := asSite()
	f.Before = func(context.Context, *upstream.Answer) error { t.Error("it was believed"); return nil }
	fr := newFront(t, wp.URL, f)
	raw(t, fr.Server, "GET /page HTTP/1.1\nHost: shop.example\n\n")
	if err := <-fr.errors; !errors.Is(err, upstream.ErrBadReply) {
		t.Errorf("error %v", err)
	}
}

func TestPingSaysWhetherThePluginIsThere(t *testing.T) {
	wp := upstreamtest.Start(t)
	fr := newFront(t, wp.URL, asSite())
	got, err := fr.wordpress.Ping(t.Context())
	if err != nil || got.Plugin != "test" {
		t.Errorf("with plugin: %+v, %v", got, err)
	}
	wp.Lock()
	wp.NoPlugin = true
	wp.Unlock()
	if got, err = fr.wordpress.Ping(t.Context()); err != nil || got.Plugin != "" {
		t.Errorf("without plugin: %+v, %v", got, err)
	}
	wp.Lock()
	wp.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.WriteHeader(500)
		return true
	}
	wp.Unlock()
	if _, err = fr.wordpress.Ping(t.Context()); !errors.Is(err, upstream.ErrBadReply) {
		t.Errorf("a shop that fails: %v", err)
	}
}

// After a 101 no body follows that would end, and the timeout of a question does not end the connection.
func TestNoQuestionWaitsForWhoSwitchesProtocols(t *testing.T) {
	wp := upstreamtest.Start(t)
	wp.Lock()
	wp.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the gateway leaves
		return true
	}
	wp.Unlock()
	shop := newFront(t, wp.URL, asSite()).wordpress
	for name, ask := range map[string]func() error{
		"a ping": func() error { _, err := shop.Ping(t.Context()); return err },
		"a probe": func() error {
			_, err := shop.Nodes()[0].Probe(t.Context(), upstream.Assertion{Kind: upstream.Guest}, "")
			return err
		},
		"a user": func() error { _, err := shop.FindUsers(t.Context(), "anna"); return err },
	} {
		answered := make(chan error, 1)
		go func() { answered <- ask() }()
		select {
		case err := <-answered:
			if !errors.Is(err, upstream.ErrBadReply) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s waits", name)
		}
	}
}

func TestMetricsAreCleanAndClosed(t *testing.T) {
	registry := prometheus.NewRegistry()
	wp := upstreamtest.Start(t)
	w, err := upstream.New(upstream.Config{URL: mustParse(t, wp.URL), SiteURL: mustParse(t, upstreamtest.SiteURL), Secrets: []string{upstreamtest.Secret}}, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registry, "cocart_gateway_upstream_request_duration_seconds"); err != nil || n != 1 {
		t.Errorf("%d series, %v", n, err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := upstream.Config{URL: mustParse(t, "http://127.0.0.1:1"), SiteURL: mustParse(t, upstreamtest.SiteURL), Secrets: []string{upstreamtest.Secret}}
	for name, spoil := range map[string]func(*upstream.Config){
		"no URL":        func(c *upstream.Config) { c.URL = nil },
		"no site":       func(c *upstream.Config) { c.SiteURL = nil },
		"site no host":  func(c *upstream.Config) { c.SiteURL = &url.URL{Path: "/shop"} },
		"no secret":     func(c *upstream.Config) { c.Secrets = nil },
		"short secret":  func(c *upstream.Config) { c.Secrets = []string{"short"} },
		"second one so": func(c *upstream.Config) { c.Secrets = slices.Concat(c.Secrets, []string{"short"}) },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := upstream.New(cfg, prometheus.NewRegistry(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
