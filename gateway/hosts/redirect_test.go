package hosts_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway/hosts"
)

// The redirect never leads anywhere but to the shop, whatever is asked for.
func TestPlainHTTPLeadsToTheShopAndNowhereElse(t *testing.T) {
	for _, row := range []struct {
		name, site, request, location string
		status                        int
	}{
		{"a page with a query", "https://shop.example.com", "GET /cart?a=b%2Fc HTTP/1.1\r\nHost: shop.example.com", "https://shop.example.com/cart?a=b%2Fc", 308},
		{"a POST stays a POST", "https://shop.example.com", "POST /wp-json/cocart/v2/login HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 0", "https://shop.example.com/wp-json/cocart/v2/login", 308},
		{"the host in capitals and with a port", "https://shop.example.com", "GET / HTTP/1.1\r\nHost: SHOP.example.com:80", "https://shop.example.com/", 308},
		{"a shop on another port", "https://shop.example.com:8443", "GET /a HTTP/1.1\r\nHost: shop.example.com:8080", "https://shop.example.com:8443/a", 308},
		{"a path that looks like a host", "https://shop.example.com", "GET //evil.example/x HTTP/1.1\r\nHost: shop.example.com", "https://shop.example.com//evil.example/x", 308},
		{"the whole address as target", "https://shop.example.com", "GET http://shop.example.com/a HTTP/1.1\r\nHost: shop.example.com", "https://shop.example.com/a", 308},
		{"a foreign host", "https://shop.example.com", "GET / HTTP/1.1\r\nHost: evil.example", "", 421},
		{"a foreign host in the target", "https://shop.example.com", "GET http://evil.example/ HTTP/1.1\r\nHost: shop.example.com", "", 421},
		{"a host that begins like the shop's", "https://shop.example.com", "GET / HTTP/1.1\r\nHost: shop.example.com.evil.example", "", 421},
		{"a target that would lengthen the host", "https://shop.example.com", "GET x:.evil.example HTTP/1.1\r\nHost: shop.example.com", "", 421},
		{"no host", "https://shop.example.com", "GET / HTTP/1.0", "", 421},
		{"the first of two shops", "https://toys.example https://books.example:8443", "GET /a HTTP/1.1\r\nHost: toys.example", "https://toys.example/a", 308},
		{"the second of two shops", "https://toys.example https://books.example:8443", "GET /a HTTP/1.1\r\nHost: books.example.", "https://books.example:8443/a", 308},
		{"neither of two shops", "https://toys.example https://books.example", "GET /a HTTP/1.1\r\nHost: tea.example", "", 421},
	} {
		t.Run(row.name, func(t *testing.T) {
			var sites []*url.URL
			for text := range strings.FieldsSeq(row.site) {
				site, err := url.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				sites = append(sites, site)
			}
			server := httptest.NewServer(hosts.NewRedirect(sites...))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, row.request+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != row.status || resp.Header.Get("Location") != row.location {
				t.Errorf("%d to %q, want %d to %q", resp.StatusCode, resp.Header.Get("Location"), row.status, row.location)
			}
		})
	}
}
