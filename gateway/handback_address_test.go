package gateway_test

import (
	"net/netip"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/migration"
)

// What the old plugin issues must be good once the gateway is gone, so it is
// bound to the address that WordPress will see then.
func TestTokensOnTheWayBackAreBoundToTheLaterAddress(t *testing.T) {
	for whose, seen := range map[migration.Address]string{"": "203.0.113.7", "client": "203.0.113.7", "peer": "127.0.0.1"} {
		s := openShopGoingBack(t, func(c *gateway.Config) {
			c.Migration.Address, c.TrustedProxies = whose, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		_, ours := s.fromBefore()
		for _, r := range []struct{ target, body string }{
			{"/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`},
			{"/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"` + ours + `"}`},
			{"/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"` + oldRefresh(1) + `"}`},
		} {
			if got := s.post(r.target, r.body, "X-Forwarded-For: 203.0.113.7"); got.Status != 200 {
				t.Errorf("%d %s", got.Status, got.Body)
			}
			if c := s.wordpress.Last().Claims; c.Client != seen {
				t.Errorf("%q: WordPress saw %s at a %s, want %s", whose, c.Client, c.Kind, seen)
			}
		}
	}
}
