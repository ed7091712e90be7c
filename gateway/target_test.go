package gateway_test

import (
	"net/http"
	"testing"

	"cocart-gateway/gateway"
)

func TestARequestTargetIsAPathOrTheShopsOwnAddress(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Hosts = []string{"shop.example", "*.shop.example"} })
	for _, row := range []struct {
		target, arrives string // "": it does not
	}{
		{"/shop/?a=1", "/shop/?a=1"},
		{"//shop/", "//shop/"},
		{"/wp-content/uploads/m%C3%BCg.jpg", "/wp-content/uploads/m%C3%BCg.jpg"},
		{"http://shop.example/shop/?a=1", "/shop/?a=1"},
		{"https://SHOP.example:443/shop/", "/shop/"},
		{"http://en.shop.example", "/"},
		{"http://evil.example/", ""},
		{"http://shop.example@evil.example/", ""},
		{"http://evil.example@shop.example/", ""},
		{"ftp://shop.example/", ""},
		{"shop.example:80", ""},
		{"foo:bar", ""},
		{"http:/shop/", ""},
		{"shop/", ""},
		{"*", ""},
		{"?a=1", ""},
		{"/shop\x01/", ""},
		{"/shop\x7f/", ""},
		{"/shop\t/", ""},
	} {
		before := len(s.wordpress.Seen())
		status := s.rawReply("GET " + row.target + " HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
		seen := s.wordpress.Seen()[before:]
		switch {
		case row.arrives == "" && (status != http.StatusBadRequest || len(seen) > 0):
			t.Errorf("%q: %d, %v", row.target, status, seen)
		case row.arrives != "" && (status != http.StatusOK || len(seen) != 1 || seen[0].Target != row.arrives):
			t.Errorf("%q: %d, %v", row.target, status, seen)
		}
	}
}

// By HTTP/2 net/http takes a :path that HTTP/1 could not even write.
func TestAnHTTP2PathIsAPath(t *testing.T) {
	for path, want := range map[string]string{
		"/shop/": "200", "//shop/": "200", "/shop/ HTTP/1.1\r\nX: 1": "reset PROTOCOL_ERROR", "/shop/ x": "400", "/a b": "400", "/ ": "400",
		"http://shop.example/": "400", "https://shop.example/shop/": "400", "foo:bar": "400", "shop": "reset PROTOCOL_ERROR", "": "reset PROTOCOL_ERROR",
	} {
		s := openShop(t)
		got := openWire2(t, s).ask("", ":method", "GET", ":scheme", "https", ":authority", "shop.example", ":path", path)
		if arrived := len(s.wordpress.Seen()) > 0; got != want || arrived != (want == "200") {
			t.Errorf(":path %q: %s, arrived: %t; want %s", path, got, arrived, want)
		}
	}
}
