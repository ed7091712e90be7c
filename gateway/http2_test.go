package gateway_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"cocart-gateway/upstream/upstreamtest"
)

// wire2 speaks HTTP/2 by the frame, so that it can say what no library would.
type wire2 struct {
	t      *testing.T
	conn   *tls.Conn
	framer *http2.Framer
	header bytes.Buffer
	coder  *hpack.Encoder
}

// openWire2 connects to a shop by TLS, whose gateway sees what WordPress then gets.
func openWire2(t *testing.T, s *shop, change ...func(*http.Server)) *wire2 {
	t.Helper()
	server := httptest.NewUnstartedServer(s.Config.Handler)
	server.EnableHTTP2 = true
	for _, c := range change {
		c(server.Config)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	w := &wire2{t: t, conn: conn, framer: http2.NewFramer(conn, conn)}
	w.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.coder = hpack.NewEncoder(&w.header)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := w.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask sends one request; fields are names and values in turn. It returns the status, or how the stream ended.
func (w *wire2) ask(body string, fields ...string) string {
	w.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		_ = w.coder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	if err := w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.header.Bytes(), EndHeaders: true, EndStream: body == ""}); err != nil {
		w.t.Fatal(err)
	}
	if body != "" {
		if err := w.framer.WriteData(1, true, []byte(body)); err != nil {
			w.t.Fatal(err)
		}
	}
	for {
		frame, err := w.framer.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "reset " + f.ErrCode.String()
		case *http2.GoAwayFrame:
			return "goaway " + f.ErrCode.String()
		}
	}
}

// What the gateway reads of an HTTP/2 request is what WordPress gets by HTTP/1.1: an attack that lives in the
// difference of the two finds none.
func TestHTTP2IsReadAsWordPressReceivesIt(t *testing.T) {
	get := func(more ...string) []string {
		return append([]string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", "/wp-json/cocart/v2/cart"}, more...)
	}
	for _, row := range []struct {
		name   string
		body   string
		fields []string
		want   string // the answer
		sees   string // in what WordPress got; "-": WordPress got nothing
	}{
		{"a plain request", "", get(), "200", "GET /wp-json/cocart/v2/cart"},
		{"of a Host beside another :authority the latter counts, for both", "", get("host", "evil.example"), "200", "host=shop.example.com"},
		{"a Host beside the same :authority", "", get("host", "shop.example.com"), "200", "host=shop.example.com"},
		{"cookies in pieces are one header", "", get("cookie", "a=1", "cookie", "b=2"), "200", "Cookie=a=1; b=2"},
		{"a header name with an underscore goes", "", get("x_cocart_gateway", "forged"), "200", "underscore=none"},
		{"our own header goes", "", get("x-cocart-gateway", "forged"), "200", "forged=none"},
		{"a header name in capitals", "", get("X-Odd", "1"), "reset PROTOCOL_ERROR", "-"},
		{"Transfer-Encoding", "", get("transfer-encoding", "chunked"), "400", "-"},
		{"Connection", "", get("connection", "keep-alive"), "400", "-"},
		{"Upgrade to h2c", "", get("upgrade", "h2c"), "400", "-"},
		{"a line break in a value", "", get("x-odd", "1\r\nx-cocart-gateway: forged"), "reset PROTOCOL_ERROR", "-"},
		{"a pseudo header after the others", "", get("x-odd", "1", ":path", "/"), "reset PROTOCOL_ERROR", "-"},
		{"two paths", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", "/", ":path", "/wp-json/cocart/v2/cart"}, "reset PROTOCOL_ERROR", "-"},
		{"a whole address as path", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", "http://evil.example/a"}, "400", "-"},
		{"no path", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", ""}, "reset PROTOCOL_ERROR", "-"},
		{"CONNECT", "", []string{":method", "CONNECT", ":authority", "shop.example.com"}, "405", "-"},
		{"a method that is no token", "", []string{":method", "G T", ":scheme", "https", ":authority", "shop.example.com", ":path", "/"}, "400", "-"},
		{"a line break in the method", "", []string{":method", "GET / HTTP/1.1\r\nX-Odd: 1", ":scheme", "https", ":authority", "shop.example.com", ":path", "/"}, "reset PROTOCOL_ERROR", "-"},
		{"a host beyond ASCII", "", []string{":method", "GET", ":scheme", "https", ":authority", "sh\u00f6p.example.com", ":path", "/"}, "400", "-"},
		{"a host of no port", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com:x", ":path", "/"}, "200", ""},
		{"a host with a blank", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop example.com", ":path", "/"}, "400", "-"},
		{"a host with a slash", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com/x", ":path", "/"}, "400", "-"},
		{"a body longer than Content-Length", "12345678", append([]string{":method", "POST"}, get("content-length", "3")[2:]...), "reset PROTOCOL_ERROR", ""},
		{"a body shorter than Content-Length ends in an error", "1", append([]string{":method", "POST"}, get("content-length", "9")[2:]...), "400", ""},
		{"two Authorization headers", "", get("authorization", "Bearer a", "authorization", "Bearer b"), "400", "-"},
		{"a bad bearer", "", get("authorization", "Bearer a.b.c"), "401", "-"},
		{"a route in the query", "", []string{":method", "GET", ":scheme", "https", ":authority", "shop.example.com", ":path", "/wp-json/cocart/v2/cart?rest_route=/wp/v2/users/me"}, "400", "-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := openShop(t)
			if got := openWire2(t, s).ask(row.body, row.fields...); got != row.want {
				t.Errorf("answered with %s, want %s", got, row.want)
			}
			seen := "-"
			for _, got := range s.wordpress.Seen() {
				seen = sight(got)
			}
			// What of a broken request reaches WordPress is a matter of timing.
			if row.sees == "-" && seen != "-" || !strings.Contains(seen, row.sees) {
				t.Errorf("WordPress got %q, want %q", seen, row.sees)
			}
		})
	}
}

// sight is what matters of a request, in one line.
func sight(r upstreamtest.Seen) string {
	has := func(claim bool) string {
		if claim {
			return "there"
		}
		return "none"
	}
	_, underscore := r.Header["X_cocart_gateway"]
	return r.Method + " " + r.Target + " host=" + r.Host + " Cookie=" + strings.Join(r.Header["Cookie"], "|") +
		" underscore=" + has(underscore) + " forged=" + has(strings.Contains(strings.Join(r.Header["X-Cocart-Gateway"], ""), "forged"))
}

func TestTheHeaderLimitHoldsOnHTTP2(t *testing.T) {
	for size, want := range map[int]string{1 << 10: "200", 3 << 10: "431"} {
		w := openWire2(t, openShop(t), func(s *http.Server) { s.MaxHeaderBytes = 4 << 10 })
		if got := w.ask("", ":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/", "x-long", strings.Repeat("a", size), "x-longer", strings.Repeat("a", size)); got != want {
			t.Errorf("two of %d bytes: %s, want %s", size, got, want)
		}
	}
}

// Half a header, the slow loris of HTTP/2, lasts no longer than an idle connection.
func TestHalfAHeaderOnHTTP2IsHungUpOn(t *testing.T) {
	w := openWire2(t, openShop(t), func(s *http.Server) { s.IdleTimeout = 50 * time.Millisecond })
	_ = w.coder.WriteField(hpack.HeaderField{Name: ":method", Value: "GET"})
	if err := w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.header.Bytes()}); err != nil {
		return // on a busy machine before we came to say half of it
	}
	for {
		if frame, err := w.framer.ReadFrame(); err != nil {
			if strings.Contains(err.Error(), "timeout") {
				t.Errorf("the connection stays open: %v", err)
			}
			return
		} else if _, leaving := frame.(*http2.GoAwayFrame); leaving {
			return
		}
	}
}
