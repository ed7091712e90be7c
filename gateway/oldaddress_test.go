package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/upstream/upstreamtest"
)

// oldAccessAt is an access token that the old plugin bound to an address.
func (s *shop) oldAccessAt(address string) string {
	return s.oldAccess(func(c jwt.MapClaims) {
		c["data"] = map[string]any{"user": map[string]any{"id": 2, "username": "alice", "ip": address, "device": "App/1.0", "pat": alicesPAT}}
	})
}

// behind is a dry run behind two proxies; the customer is 203.0.113.7.
func behind(t *testing.T, whose migration.Address) *shop {
	return lookingOn(t, func(c *gateway.Config) {
		c.Migration.Address = whose
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	})
}

var onTheWay = []string{"X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.1.1", "User-Agent: App/1.0"}

// The plugin refuses a token that comes from another address than it was issued to: no customer may be logged out by a
// gateway that only looks on, whatever WordPress saw before.
func TestTheDryRunKeepsTheAddressOfAToken(t *testing.T) {
	for name, row := range map[string]struct {
		whose            migration.Address
		bound, seen      string
		verdict, refresh string
	}{
		"to the customer's":                                {"client", "203.0.113.7", "203.0.113.7", "same", "203.0.113.7"},
		"to the customer's, by default":                    {"", "203.0.113.7", "203.0.113.7", "same", "203.0.113.7"},
		"to the load balancer's":                           {"peer", "127.0.0.1", "127.0.0.1", "same", "127.0.0.1"},
		"to the load balancer's, against the setting":      {"client", "127.0.0.1", "127.0.0.1", "address", "203.0.113.7"},
		"to the customer's, where the balancer's was said": {"peer", "203.0.113.7", "203.0.113.7", "address", "127.0.0.1"},
		"to that of a proxy between":                       {"client", "10.1.1.1", "10.1.1.1", "address", "203.0.113.7"},
		"to one in a spelling of its own":                  {"client", "::ffff:203.0.113.7", "::ffff:203.0.113.7", "same", "203.0.113.7"},
		"to one that is not on the way":                    {"client", "198.51.100.1", "203.0.113.7", "same", "203.0.113.7"},
		"to one that the client only claims":               {"client", "6.6.6.6", "203.0.113.7", "same", "203.0.113.7"},
		"to none":                                          {"peer", "", "127.0.0.1", "same", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := behind(t, row.whose)
			bearer := "Authorization: Bearer " + s.oldAccessAt(row.bound)
			s.do("GET", "/wp-json/cocart/v2/cart", "", append([]string{bearer}, onTheWay...)...)
			if seen := s.wordpress.Last().Claims.Client; seen != row.seen {
				t.Errorf("WordPress saw %s, want %s", seen, row.seen)
			}
			if s.seen("cocart", row.verdict) != 1 {
				t.Errorf("no verdict %s; the log: %s", row.verdict, s.log.String())
			}
			if said := strings.Contains(s.log.String(), "another address than compat.plugin_address says"); said != (row.verdict == "address") {
				t.Errorf("the log: %s", s.log.String())
			}
			s.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+oldRefresh(1)+`"}`, append([]string{bearer}, onTheWay...)...)
			if seen := s.wordpress.Last().Claims.Client; seen != row.seen {
				t.Errorf("at a refresh beside that token WordPress saw %s, want %s", seen, row.seen)
			}
			s.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+oldRefresh(1)+`"}`, onTheWay...)
			if seen := s.wordpress.Last().Claims.Client; seen != row.refresh {
				t.Errorf("at a refresh alone WordPress saw %s, want %s", seen, row.refresh)
			}
		})
	}
}

func TestARefusedTokenSaysNothingAboutAddresses(t *testing.T) {
	s := behind(t, "client")
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 403, `{"code":"cocart_authentication_error"}`)
		return true
	}
	s.do("GET", "/wp-json/cocart/v2/cart", "", append([]string{"Authorization: Bearer " + s.oldAccessAt("127.0.0.1")}, onTheWay...)...)
	if s.seen("cocart", "admit") != 1 || s.seen("cocart", "address") != 0 {
		t.Errorf("the log: %s", s.log.String())
	}
}

// A client that is not a proxy has one address, whatever its token says.
func TestTheDryRunShowsAClientsOwnAddress(t *testing.T) {
	s := lookingOn(t)
	s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+s.oldAccessAt("203.0.113.7"), "X-Forwarded-For: 203.0.113.7")
	if seen := s.wordpress.Last().Claims.Client; seen != "127.0.0.1" {
		t.Errorf("WordPress saw %s", seen)
	}
}
