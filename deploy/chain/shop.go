package chain

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	cart    = "/wp-json/cocart/v2/cart"
	invents = "203.0.113.9" // the address that clients of these tests invent
)

// Shop logs in, shops, refreshes and logs out through a proxy, and sends what proxies differ in: header names with "_", headers
// that occur twice, long headers, large bodies and WebSockets.
func Shop(t *testing.T, wp *upstreamtest.WordPress, g Gateway, address string) {
	t.Helper()
	client := browser(address)
	defer client.CloseIdleConnections()
	pair := logIn(t, client)
	pair = refresh(t, client, pair)
	header := http.Header{"Authorization": {"Bearer " + pair.Access}}
	proto, _ := ask(t, client, http.MethodGet, cart, "", header)
	if seen := wp.Last(); proto != "HTTP/2.0" || seen.Claims.Kind != "customer" || seen.Claims.Client != visitor {
		t.Errorf("after the refresh WordPress sees %+v, the client speaks %s", seen.Claims, proto)
	}
	underscores(t, client, wp, pair)
	twoBearers(t, client, wp, pair)
	longHeader(t, client, wp)
	upload(t, client, wp)
	webSocket(t, wp, address)
	ask(t, client, http.MethodPost, "/wp-json/cocart/v2/logout", "", header)
	if status := statusOf(t, client, http.MethodGet, cart, header); status != http.StatusUnauthorized {
		t.Errorf("the cart after the logout: %d", status)
	}
	onlyVisitors(t, g)
}

type pair struct {
	Access  string `json:"token"`
	Refresh string `json:"refresh_token"`
}

func logIn(t *testing.T, client *http.Client) pair {
	t.Helper()
	_, answer := ask(t, client, http.MethodPost, "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`,
		http.Header{"Content-Type": {"application/json"}})
	var login struct {
		Extras struct {
			Token   string `json:"jwt_token"`
			Refresh string `json:"jwt_refresh"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &login); err != nil || login.Extras.Token == "" || login.Extras.Refresh == "" {
		t.Fatalf("no tokens: %v: %s", err, answer)
	}
	return pair{login.Extras.Token, login.Extras.Refresh}
}

func refresh(t *testing.T, client *http.Client, p pair) (next pair) {
	t.Helper()
	_, answer := ask(t, client, http.MethodPost, "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+p.Refresh+`"}`,
		http.Header{"Content-Type": {"application/json"}})
	if err := json.Unmarshal([]byte(answer), &next); err != nil || next.Access == "" || next.Refresh == p.Refresh {
		t.Fatalf("no new tokens: %v: %s", err, answer)
	}
	return next
}

// underscores: PHP reads X_Forwarded_For and X-Forwarded-For as one header, so such names must not arrive beside the real ones.
func underscores(t *testing.T, client *http.Client, wp *upstreamtest.WordPress, p pair) {
	t.Helper()
	ask(t, client, http.MethodGet, cart, "", http.Header{
		"Authorization": {"Bearer " + p.Access}, "X_Forwarded_For": {invents}, "X_Forwarded_Proto": {"http"}, "X_CoCart_Gateway": {"forged"},
		"True-Client-Ip": {invents}, "Cf-Connecting-Ip": {invents}, "X-Client-Ip": {invents},
	})
	seen := wp.Last()
	for name, values := range seen.Header {
		plain := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		if plain != name && len(seen.Header[plain]) > 0 {
			t.Errorf("PHP reads %s: %q in place of %s", name, values, plain)
		}
	}
	if seen.Claims.Client != visitor || seen.Claims.Proto != "https" {
		t.Errorf("the client invented %+v", seen.Claims)
	}
}

// twoBearers: a proxy may join the two, or pass both. The gateway must not choose one of them.
func twoBearers(t *testing.T, client *http.Client, wp *upstreamtest.WordPress, p pair) {
	t.Helper()
	before := len(wp.Seen())
	status := statusOf(t, client, http.MethodGet, cart, http.Header{"Authorization": {"Bearer " + p.Access, "Bearer another"}})
	if (status != http.StatusBadRequest && status != http.StatusUnauthorized) || len(wp.Seen()) != before {
		t.Errorf("two Authorization headers: %d, and WordPress was asked %d times", status, len(wp.Seen())-before)
	}
}

// longHeader: tokens with claims of the shop, and the cookies of a storefront, are long.
func longHeader(t *testing.T, client *http.Client, wp *upstreamtest.WordPress) {
	t.Helper()
	long := "choices=" + strings.Repeat("x", 20<<10)
	ask(t, client, http.MethodGet, "/shop/", "", http.Header{"Cookie": {long}})
	if got := wp.Last().Header.Get("Cookie"); got != long {
		t.Errorf("of a cookie of %d bytes %d arrived", len(long), len(got))
	}
}

// upload is what an administrator sends to the media library.
func upload(t *testing.T, client *http.Client, wp *upstreamtest.WordPress) {
	t.Helper()
	body := strings.Repeat("picture ", 5<<20/8)
	ask(t, client, http.MethodPost, "/wp-admin/async-upload.php", body, http.Header{"Content-Type": {"image/png"}})
	if got := len(wp.Last().Body); got != len(body) {
		t.Errorf("of %d bytes %d arrived", len(body), got)
	}
}

// webSocket speaks HTTP/1.1, as browsers do for WebSockets.
func webSocket(t *testing.T, wp *upstreamtest.WordPress, address string) {
	t.Helper()
	wp.Lock()
	wp.Answer = echo
	wp.Unlock()
	conn, err := (&tls.Dialer{NetDialer: visitorsDialer(), Config: &tls.Config{
		InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}, ServerName: "shop.example", //nolint:gosec // see Certificate
	}}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	got, err := http.ReadResponse(reader, nil)
	if err != nil || got.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("a WebSocket gets %v, %v", got, err)
	}
	_ = got.Body.Close() // empty, and the connection stays
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := reader.ReadString('\n'); line != "hello\n" || err != nil {
		t.Errorf("through the WebSocket came %q, %v", line, err)
	}
}

// echo switches protocols and returns what it gets.
func echo(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
	if r.URL.Path != "/socket" || r.Header.Get("Upgrade") != "websocket" {
		return false
	}
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return true // the client reports it
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	_, _ = io.Copy(conn, buffer)
	return true
}

func statusOf(t *testing.T, client *http.Client, method, target string, header http.Header) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, upstreamtest.SiteURL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	got, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if _, err := io.Copy(io.Discard, got.Body); err != nil {
		t.Fatal(err)
	}
	return got.StatusCode
}

// onlyVisitors reads the access log: the address that a client invented is in no line, and that of the visitor in each.
func onlyVisitors(t *testing.T, g Gateway) {
	t.Helper()
	// A line is written after the answer.
	tokenstest.Eventually(t, "the last line of the log", func() bool { return len(linesOf(t, g.Log)) >= 10 })
	for _, l := range linesOf(t, g.Log) {
		if l.Client != visitor {
			t.Errorf("the log says that %s sent %s", l.Client, l.Path)
		}
	}
}

type line struct{ Msg, Client, Path, Route string }

// linesOf are the lines of requests in a log.
func linesOf(t *testing.T, log string) (requests []line) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for one := range bytes.Lines(text) {
		var l line
		if json.Unmarshal(one, &l) == nil && l.Msg == "request" {
			requests = append(requests, l)
		}
	}
	return requests
}

// visitor is the address of clients. It is another one than that of the proxies, which all connect from 127.0.0.1.
const visitor = "127.0.0.7"

func visitorsDialer() *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}
}
