package gateway_test

import (
	"net/netip"
	"testing"

	"cocart-gateway/gateway"
)

// Jetpack, WooPayments and PayPal sign the port that the client used.
func TestWordPressLearnsThePortThatTheClientUsed(t *testing.T) {
	trusting := func(c *gateway.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	assuming := func(c *gateway.Config) { c.AssumeHTTPS = true }
	for name, row := range map[string]struct {
		change  func(*gateway.Config)
		headers []string
		port    int
		assumed bool
	}{
		"https by a proxy":                  {trusting, []string{"X-Forwarded-Proto: https"}, 443, false},
		"the proxy says the port":           {trusting, []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 8443"}, 8443, false},
		"the port of its inner side":        {trusting, []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 80"}, 443, false},
		"port 443 is no sign of TLS":        {trusting, []string{"X-Forwarded-Port: 443"}, 80, true},
		"a port in the forwarded host":      {trusting, []string{"X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example:8444"}, 8444, false},
		"no port":                           {trusting, []string{"X-Forwarded-Proto: http", "X-Forwarded-Port: 99999"}, 80, false},
		"a stranger says one":               {func(*gateway.Config) {}, []string{"X-Forwarded-Port: 8443", "X-Forwarded-Host: x:8444"}, 80, true},
		"https is assumed":                  {assuming, nil, 443, true},
		"https is assumed, a proxy says no": {func(c *gateway.Config) { trusting(c); assuming(c) }, []string{"X-Forwarded-Proto: http"}, 80, false},
	} {
		for _, target := range []string{"/wp-json/cocart/v2/cart", "/a-page/"} {
			s := openShop(t, row.change)
			s.do("GET", target, "", append(row.headers, "Host: shop.example")...)
			got := s.wordpress.Last()
			if c := got.Claims; c.Port != itoa(row.port) || c.Assumed != (row.assumed && c.Proto == "http") {
				t.Errorf("%s, %s: %+v", name, target, c)
			}
			if sent := got.Header.Get("X-Forwarded-Port"); sent != itoa(row.port) {
				t.Errorf("%s, %s: X-Forwarded-Port %q", name, target, sent)
			}
		}
	}
}
