package gateway_test

import (
	"net/netip"
	"testing"

	"cocart-gateway/gateway"
)

func TestOtherHostsThanTheShopsAreRefusedWhereTheyAreListed(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Hosts = []string{"shop.example.org", "*.outlet.example"} })
	for _, row := range []struct {
		host string
		want int
	}{
		{"shop.example", 200}, {"SHOP.example:8443", 200}, {"shop.example.org", 200}, {"a.outlet.example", 200}, {"a.b.OUTLET.example", 200},
		{"evil.example", 421}, {"outlet.example", 421}, {"evil-outlet.example", 421}, {".outlet.example", 421},
		{"shop.example.evil.example", 421}, {"127.0.0.1", 421}, {"[::1]:80", 421},
	} {
		for _, target := range []string{"/", "/wp-json/cocart/v2/cart"} {
			before := len(s.wordpress.Seen())
			if got := s.do("GET", target, "", "Host: "+row.host); got.Status != row.want {
				// what net/http refuses before us is refused, too
				if row.want != 421 || got.Status != 400 {
					t.Errorf("%s of %s: %d %s", target, row.host, got.Status, got.Body)
				}
			}
			if row.want != 200 && len(s.wordpress.Seen()) != before {
				t.Errorf("%s of %s reached WordPress", target, row.host)
			}
		}
	}
	got := s.do("POST", "/wp-json/cocart/v2/login", "", "Host: evil.example")
	if want := failure(421, "cocart_gateway_unknown_host", "This host is not served here."); got.failure() != want {
		t.Errorf("got %s", got.failure())
	}
}

func TestAnyHostIsTheShopsWhereNoneIsListed(t *testing.T) {
	s := openShop(t)
	if got := s.do("GET", "/", "", "Host: evil.example"); got.Status != 200 || s.wordpress.Last().Host != "evil.example" {
		t.Errorf("%d, arrived for %s", got.Status, s.wordpress.Last().Host)
	}
}

func TestAForwardedHostMustBeTheShopsToo(t *testing.T) {
	listed := func(c *gateway.Config) { c.Hosts = []string{"shop.example"} }
	trusting := openShop(t, listed, func(c *gateway.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	for _, row := range []struct {
		forwarded string
		want      int
	}{{"shop.example", 200}, {"evil.example", 421}, {"shop.example, evil.example", 421}, {"shop.example:443", 200},
		{"shop.example:x@evil.example", 421}, {"shop.example:", 200}, {"shop.example:x", 421}} {
		if got := trusting.do("GET", "/", "", "X-Forwarded-Host: "+row.forwarded); got.Status != row.want {
			t.Errorf("%s from a trusted proxy: %d", row.forwarded, got.Status)
		}
	}
	s := openShop(t, listed) // from anybody else it is thrown away
	if got := s.do("GET", "/", "", "X-Forwarded-Host: evil.example"); got.Status != 200 || s.wordpress.Last().Header.Get("X-Forwarded-Host") != "shop.example" {
		t.Errorf("from a client: %d, arrived as %s", got.Status, s.wordpress.Last().Header.Get("X-Forwarded-Host"))
	}
}
