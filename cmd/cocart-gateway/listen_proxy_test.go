package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

const plainRequest = "GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n"

// exchangeRaw sends text and returns the body of the answer; "" if there was none.
func exchangeRaw(t *testing.T, network, address, text string) string {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // the other side may have hung up already
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

func proxyV2(t *testing.T) string {
	t.Helper()
	text, err := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 4711},
		&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 443}).Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The first word of each answer is the protocol that WordPress is told, the second the client's address.
func TestThePROXYHeaderIsBelievedFromTrustedPeersOnly(t *testing.T) {
	const v1 = "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n"
	v2 := proxyV2(t)
	for _, row := range []struct{ name, mode, trusted, sent, want string }{
		{"off, no header", "off", "192.0.2.0/24", plainRequest, "http 127.0.0.1 shop.example.com"},
		{"off, a header is no request", "off", "127.0.0.1", v1 + plainRequest, "400 Bad Request"},
		{"accept, version 1 from a trusted peer", "accept", "127.0.0.1", v1 + plainRequest, "http 192.0.2.9 shop.example.com"},
		{"accept, version 2 from a trusted peer", "accept", "127.0.0.1", v2 + plainRequest, "http 2001:db8::7 shop.example.com"},
		{"accept, none from a trusted peer", "accept", "127.0.0.1", plainRequest, "http 192.0.2.66, 127.0.0.1 shop.example.com"},
		{"accept, a header from a stranger", "accept", "192.0.2.0/24", v1 + plainRequest, ""},
		{"accept, none from a stranger", "accept", "192.0.2.0/24", plainRequest, "http 127.0.0.1 shop.example.com"},
		{"require, version 1 from a trusted peer", "require", "127.0.0.1", v1 + plainRequest, "http 192.0.2.9 shop.example.com"},
		{"require, none from a trusted peer", "require", "127.0.0.1", plainRequest, ""},
		{"require, a header from a stranger", "require", "192.0.2.0/24", v1 + plainRequest, ""},
		{"require, none from a stranger", "require", "192.0.2.0/24", plainRequest, ""},
		{"a health check of the proxy itself", "require", "127.0.0.1", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" + plainRequest, "http 192.0.2.66, 127.0.0.1 shop.example.com"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, "listen: \"127.0.0.1:0\"\nproxy_protocol: "+row.mode+"\ntrusted_proxies: ["+row.trusted+"]\n", nil)
			if got := exchangeRaw(t, "tcp", d.address("listen"), row.sent); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// A load balancer that sends the PROXY header to the public listener may send it with its health checks as well.
func TestProbesMayBeginWithThePROXYHeader(t *testing.T) {
	const probe = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
	const local = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" // version 2 without the address of a client
	for _, row := range []struct {
		name, mode, trusted, sent string
		answered                  bool
	}{
		{"the header of a trusted peer", "require", "127.0.0.1", local + probe, true},
		{"a trusted peer without the header", "require", "127.0.0.1", probe, true},
		{"another peer without the header", "require", "192.0.2.0/24", probe, true},
		{"the header of another peer", "require", "192.0.2.0/24", local + probe, false},
		{"the header where the protocol is off", "off", "127.0.0.1", local + probe, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, "listen: \"127.0.0.1:0\"\nproxy_protocol: "+row.mode+"\ntrusted_proxies: ["+row.trusted+"]\n", nil)
			if got := exchangeRaw(t, "tcp", d.address("admin"), row.sent); strings.Contains(got, `"alive":true`) != row.answered {
				t.Errorf("the probe gets %q", got)
			}
		})
	}
}

// A load balancer that ends TLS and passes TCP on says so in the PP2_TYPE_SSL TLV.
func TestThePROXYHeaderSaysWhetherTheClientUsedTLS(t *testing.T) {
	for want, client := range map[string]uint8{"https": 1, "http": 0} {
		header := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("192.0.2.9"), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 443})
		ssl := proxyproto.TLV{Type: proxyproto.PP2_TYPE_SSL, Value: append([]byte{client, 0, 0, 0, 0}, map[uint8]string{1: "\x21\x00\x07TLSv1.3"}[client]...)}
		if err := header.SetTLVs([]proxyproto.TLV{ssl}); err != nil {
			t.Fatal(err)
		}
		text, err := header.Format()
		if err != nil {
			t.Fatal(err)
		}
		d := openDoor(t, "listen: \"127.0.0.1:0\"\nproxy_protocol: require\ntrusted_proxies: [127.0.0.1]\n", nil)
		if got := exchangeRaw(t, "tcp", d.address("listen"), string(text)+plainRequest); got != want+" 192.0.2.9 shop.example.com" {
			t.Errorf("%s: got %q", want, got)
		}
	}
}

func TestAUnixSocketMaySendThePROXYHeader(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	openDoor(t, "listen: \"unix:"+socket+"\"\nproxy_protocol: require\n", nil)
	got := exchangeRaw(t, "unix", socket, "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\n"+plainRequest)
	if got != "http 192.0.2.9 shop.example.com" {
		t.Errorf("got %q", got)
	}
}

// Half a header costs a connection only as long as half a request would.
func TestHalfAPROXYHeaderIsHungUpOn(t *testing.T) {
	d := openDoor(t, "listen: \"127.0.0.1:0\"\nproxy_protocol: require\ntrusted_proxies: [127.0.0.1]\nserver: {read_header_timeout: 50ms}\n", nil)
	conn, err := net.Dial("tcp", d.address("listen"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PROXY TCP4 192.0"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("%q, %v", rest, err)
	}
}

// A load balancer is added or taken away without a restart, for the PROXY protocol too.
func TestWhoMaySendThePROXYHeaderGoesByTheConfigurationInForce(t *testing.T) {
	r := start(t, settings{"proxy_protocol": "require", "trusted_proxies": "[192.0.2.7]"})
	text := "PROXY TCP4 192.0.2.9 192.0.2.1 4711 443\r\nGET " + cart + " HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
	ask := func() bool { return exchangeRaw(t, "tcp", r.public, text) != "" }
	for range 2 {
		if ask() {
			t.Error("a stranger's header was believed")
		}
	}
	if n := strings.Count(r.logged(), "level=WARN msg=\"connection refused: proxy_protocol is require, and its peer is not in trusted_proxies"); n != 1 {
		t.Errorf("of two refused connections the log says %d: %s", n, r.said)
	}
	r.write(settings{"trusted_proxies": "[127.0.0.1]"})
	if r.reload(); !ask() {
		t.Error("the header of a new load balancer is refused")
	} else if got := r.wordpress.Last().Claims.Client; got != "192.0.2.9" {
		t.Errorf("WordPress is told %s", got)
	}
	r.write(settings{"trusted_proxies": "[192.0.2.7]"})
	if r.reload(); ask() {
		t.Error("the header of a load balancer that was taken away is believed")
	}
}
