package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

func passOthers(c *gateway.Config) { c.PassOtherBearers = true }

// otherToken is an access token as JWT Authentication for WP REST API writes it:
// its issuer is the home address of WordPress, like ours.
func (s *shop) otherToken(header, claims map[string]any) string {
	s.t.Helper()
	now := s.clock.Now().Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": upstreamtest.SiteURL, "iat": now, "nbf": now, "exp": now + 604800,
		"data": map[string]any{"user": map[string]any{"id": "2"}}})
	for name, value := range header {
		token.Header[name] = value
	}
	for name, value := range claims {
		token.Claims.(jwt.MapClaims)[name] = value
	}
	text, err := token.SignedString([]byte("the secret of another plugin, long enough"))
	s.must(err)
	return text
}

func bearer(token string) string { return "Authorization: Bearer " + token }

func TestWordPressVerifiesTheBearersOfOtherPlugins(t *testing.T) {
	s := openShop(t, passOthers)
	for name, token := range map[string]string{
		"JWT Authentication for WP REST API": s.otherToken(nil, nil),
		"Simple JWT Login":                   s.otherToken(nil, map[string]any{"data": nil, "id": 2, "email": "alice@example.com", "username": "alice"}),
		"another issuer":                     s.otherToken(nil, map[string]any{"iss": "https://login.example", "sub": "auth0|2", "aud": []string{"a", "b"}}),
		"a key of its own":                   s.otherToken(map[string]any{"kid": "NzQ2"}, nil),
		"more in the header":                 s.otherToken(map[string]any{"typ": "at+jwt", "x5t": "abc"}, nil),
	} {
		for _, asked := range [][2]string{{"GET", "/wp-json/cocart/v2/cart"}, {"POST", "/wp-json/cocart/v1/add-item"}, {"GET", "/?rest_route=/cocart/v2/products"}} {
			r := s.do(asked[0], asked[1], "", bearer(token), "Cookie: wordpress_logged_in_x=1; cart=2", "X-WP-Nonce: 3")
			seen := s.wordpress.Last()
			if r.Status != 200 || seen.Claims.Kind != "credentials" || seen.Claims.Subject != "0" || seen.Header.Get("Authorization") != "Bearer "+token {
				t.Errorf("%s: %v: %d %s, arrived %+v", name, asked, r.Status, r.Body, seen)
			}
			if seen.Header.Get("Cookie") != "cart=2" || seen.Header.Get("X-WP-Nonce") != "" {
				t.Errorf("%s: %v: cookie %q, nonce %q", name, asked, seen.Header.Get("Cookie"), seen.Header.Get("X-WP-Nonce"))
			}
			if got := r.Header.Get("Cache-Control"); got != "private, no-store" {
				t.Errorf("%s: %v: Cache-Control %q", name, asked, got)
			}
		}
	}
}

// An attacker presents what looks like a token of this gateway, or nearly.
func TestOurOwnTokensAreNeverLeftToWordPress(t *testing.T) {
	s := openShop(t, passOthers)
	access, _ := s.login()
	claims := func(more map[string]any) string { return s.otherToken(nil, more) }
	parts := strings.Split(access, ".")
	other := strings.Split(s.otherToken(nil, nil), ".")
	arrived := len(s.wordpress.Seen())
	for name, token := range map[string]string{
		"our key":                      s.otherToken(map[string]any{"kid": "k1"}, nil),
		"a session of ours":            claims(map[string]any{"sid": "0123456789abcdef0123456789abcdef"}),
		"a generation of ours":         claims(map[string]any{"gen": 1}),
		"a fingerprint":                claims(map[string]any{"fp": nil}),
		"a token of the old plugin":    claims(map[string]any{"data": map[string]any{"user": map[string]any{"id": 2, "pat": alicesPAT}}}),
		"our claims, another header":   other[0] + "." + parts[1] + "." + parts[2],
		"our header, other claims":     parts[0] + "." + other[1] + "." + other[2],
		"another signature":            parts[0] + "." + parts[1] + "." + other[2],
		"unsigned":                     "eyJhbGciOiJub25lIn0." + other[1] + ".AAAA",
		"unsigned in capitals":         "eyJhbGciOiJOT05FIn0." + other[1] + ".AAAA",
		"no algorithm":                 "eyJ0eXAiOiJKV1QifQ." + other[1] + ".AAAA",
		"two key ids":                  "eyJhbGciOiJIUzI1NiIsImtpZCI6ImEiLCJraWQiOiJrMSJ9." + other[1] + ".AAAA",
		"no JSON":                      "AAAA." + other[1] + ".AAAA",
		"no token":                     "0123456789abcdef",
		"an encrypted one":             "eyJhbGciOiJkaXIifQ..a.b.c",
		"longer than anybody's tokens": claims(map[string]any{"pad": strings.Repeat("a", 9000)}),
	} {
		if r := s.do("GET", "/wp-json/cocart/v2/cart", "", bearer(token)); r.Status != 401 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	s.clock.step(11 * 24 * time.Hour)
	if r := s.cart(access); r.Status != 401 {
		t.Errorf("an expired one: %d", r.Status)
	}
	if got := len(s.wordpress.Seen()) - arrived; got != 0 {
		t.Errorf("%d requests reached WordPress", got)
	}
}

func TestOtherBearersAreRefusedByDefault(t *testing.T) {
	s := openShop(t)
	if r := s.do("GET", "/wp-json/cocart/v2/cart", "", bearer(s.otherToken(nil, nil))); r.Status != 401 || r.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	if line := s.events(); line["other_bearer"] != 1 || line["token_forged"] != 0 {
		t.Errorf("events %v", line)
	}
}

// A warning with each request would hide the ones that matter.
func TestOtherBearersAreLoggedOnceAnHour(t *testing.T) {
	for _, change := range []func(*gateway.Config){passOthers, func(*gateway.Config) {}} {
		s := openShop(t, change)
		token := s.otherToken(nil, nil)
		logged := func() (n int) { return strings.Count(s.log.String(), `"event":"other_bearer"`) }
		for range 20 {
			s.do("GET", "/wp-json/cocart/v2/cart", "", bearer(token))
		}
		if logged() != 1 || strings.Contains(s.log.String(), "token_forged") || strings.Contains(s.log.String(), token) {
			t.Errorf("%d lines: %s", logged(), s.log.String())
		}
		if got := s.events()["other_bearer"]; got != 20 {
			t.Errorf("%v were counted", got)
		}
		s.clock.step(time.Hour)
		s.do("GET", "/wp-json/cocart/v2/cart", "", bearer(token))
		if logged() != 2 {
			t.Errorf("%d lines an hour later", logged())
		}
	}
}

func TestNoSessionBeginsByAnotherPluginsToken(t *testing.T) {
	s := openShop(t, passOthers)
	token := s.otherToken(nil, nil)
	for name, r := range map[string]reply{
		"login":              s.post(loginRoute, `{"device":"x"}`, bearer(token)),
		"login without body": s.do("POST", loginRoute, "", bearer(token)),
	} {
		if seen := s.wordpress.Last(); strings.Contains(r.Body, "jwt_") || seen.Claims.Kind != "credentials" {
			t.Errorf("%s: %d %s, arrived %+v", name, r.Status, r.Body, seen)
		}
	}
	s.post(loginRoute, `{"device":"x"}`, bearer(token))
	if seen := s.wordpress.Last(); seen.Body != `{"device":"x"}` {
		t.Errorf("the body arrived as %q", seen.Body)
	}
	if r := s.do("POST", "/wp-json/cocart/jwt/validate-token", "", bearer(token)); r.Status != 401 {
		t.Errorf("validation: %d %s", r.Status, r.Body)
	}
	s.post(loginRoute, `{"username":"alice","password":"wonderland-1"}`, bearer(token)).tokens(t)
	if seen := s.wordpress.Last(); seen.Claims.Kind != "login" || strings.Contains(seen.Header.Get("Authorization"), token) {
		t.Errorf("a login by password: %+v", seen)
	}
	if r := s.do("POST", "/wp-json/cocart/v2/logout", "", bearer(token)); r.Status != 200 || s.wordpress.Last().Claims.Kind != "credentials" {
		t.Errorf("logout: %d, arrived %+v", r.Status, s.wordpress.Last())
	}
}

// CoCart looks for a password beside a bearer, too.
func TestPasswordsBesideAnotherPluginsTokenAreCounted(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { passOthers(c) })
	token := s.otherToken(nil, nil)
	for i := range 30 {
		r := s.do("GET", fmt.Sprintf("/wp-json/cocart/v2/cart?username=alice&password=guess%d", i), "", bearer(token))
		if r.Status == 429 {
			return
		}
	}
	t.Error("30 passwords were tried")
}

func TestGuestsAreDeniedBesideAnotherPluginsToken(t *testing.T) {
	s := openShop(t, passOthers, denyGuests)
	s.do("GET", "/wp-json/cocart/v2/cart", "", bearer(s.otherToken(nil, nil)))
	if seen := s.wordpress.Last(); seen.Claims.Kind != "credentials" || seen.Claims.Guests != "deny" {
		t.Errorf("arrived %+v", seen.Claims)
	}
}
