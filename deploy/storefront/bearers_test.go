package storefront

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

//go:embed testdata/other-jwt.php
var otherJWT []byte

// withOtherJWT runs the other plugin until the test ends.
func withOtherJWT(t *testing.T) {
	t.Helper()
	if err := theShop.MustUse("zz-other-jwt.php", otherJWT); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theShop.MustUse("zz-other-jwt.php", nil); err != nil {
			t.Error(err)
		}
	})
}

// otherLogin is alice's at the other plugin, through the gateway.
func otherLogin(t *testing.T, g *gateway) string {
	t.Helper()
	a := ask(t, g.address, post("token", "/wp-json/jwt-auth/v1/token", jsonType, `{"username":"alice","password":"wonderland-1"}`))
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 200 || got.Token == "" {
		t.Fatalf("no token: %d %s", a.status, a.body)
	}
	return got.Token
}

func cart(token string, head ...string) request {
	return get("cart", "/wp-json/cocart/v2/cart", append([]string{"Authorization: Bearer " + token}, head...)...)
}

// isAlices reports whether an answer shows the cart of user 2.
func isAlices(a answer) bool { return a.status == 200 && strings.Contains(a.body, `"cart_key":"2"`) }

func TestAnAppOfAnotherJWTPluginShopsThroughTheGateway(t *testing.T) {
	withOtherJWT(t)
	g := startGateway(t, "compat: {other_bearers: pass}")
	token := otherLogin(t, g)
	parts := strings.Split(token, ".")
	forged := parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2]))
	for name, r := range map[string]request{
		"cart":              cart(token),
		"cart in the query": get("", "/?rest_route=/cocart/v2/cart", "Authorization: bearer "+token),
		"products":          get("", "/wp-json/cocart/v2/products", "Authorization: Bearer "+token),
		"adding":            post("", "/wp-json/cocart/v2/cart/add-item", jsonType, `{"id":"12","quantity":"1"}`, "Authorization: Bearer "+token),
		"login":             post("", "/wp-json/cocart/v2/login", jsonType, `{}`, "Authorization: Bearer "+token),
		"WordPress's own":   get("", "/wp-json/wp/v2/users/me", "Authorization: Bearer "+token),
		"a forged one":      cart(forged),
	} {
		past, through := ask(t, origin(), r), ask(t, g.address, r)
		if past.status != through.status {
			t.Errorf("%s: %d past the gateway, %d through it: %s", name, past.status, through.status, through.body)
		}
		if strings.Contains(through.body, "jwt_token") {
			t.Errorf("%s: a session began: %s", name, through.body)
		}
	}
	if a := ask(t, g.address, cart(token)); !isAlices(a) || a.value("cache-control") != "private, no-store" {
		t.Errorf("alice's cart: %d %v %s", a.status, a.lines, a.body)
	}
	if a := ask(t, g.address, cart(forged)); a.status != 403 || !strings.Contains(a.body, "jwt_auth_invalid_token") {
		t.Errorf("the plugin's own refusal: %d %s", a.status, a.body)
	}
	if n := strings.Count(g.logged(), `"event":"other_bearer"`); n != 1 || strings.Contains(g.logged(), "token_forged") {
		t.Errorf("%d lines in the log", n)
	}
}

// A page of another origin could have a browser add its cookies, and guess no nonce;
// but one that leaked must not count beside a bearer either.
func TestOnlyTheBearerCountsBesideAnotherPluginsToken(t *testing.T) {
	withOtherJWT(t)
	g := startGateway(t, "compat: {other_bearers: pass}")
	s := hire(t)
	token := otherLogin(t, g)
	for name, head := range map[string][]string{
		"cookie":                    {cookie(s.Cookie)},
		"cookie and nonce":          {cookie(s.Cookie), "X-WP-Nonce: " + s.Nonce},
		"cookie and another nonce":  {cookie(s.Cookie), "X-WP-Nonce: 0123456789"},
		"cookie in other spellings": {cookie(strings.ReplaceAll(s.Cookie, "wordpress", "word%70ress"))},
	} {
		if a := ask(t, g.address, cart(token, head...)); !isAlices(a) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestTokensOfTheGatewayWorkBesideAnotherJWTPlugin(t *testing.T) {
	withOtherJWT(t)
	for _, setting := range []string{"refuse", "pass"} {
		g := startGateway(t, fmt.Sprintf("compat: {other_bearers: %s}", setting))
		a := ask(t, g.address, post("login", "/wp-json/cocart/v2/login", jsonType, `{"username":"alice","password":"wonderland-1"}`))
		var got struct {
			Extras struct {
				Token string `json:"jwt_token"`
			}
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Extras.Token == "" {
			t.Fatalf("%s: login %d %s", setting, a.status, a.body)
		}
		if a := ask(t, g.address, cart(got.Extras.Token)); !isAlices(a) {
			t.Errorf("%s: %d %s", setting, a.status, a.body)
		}
		if a := ask(t, g.address, cart(got.Extras.Token[:len(got.Extras.Token)-6]+"AAAAAA")); a.status != 401 {
			t.Errorf("%s: a forged token of ours: %d %s", setting, a.status, a.body)
		}
		other := ask(t, g.address, cart(otherLogin(t, g)))
		if passed := isAlices(other); passed != (setting == "pass") || !passed && other.status != 401 {
			t.Errorf("%s: the other plugin's token: %d %s", setting, other.status, other.body)
		}
	}
}

// An attacker guesses passwords at the login route of the other plugin, and goes on at
// CoCart's: both are one account.
func TestPasswordsAtTheLoginOfAnotherJWTPluginAreCounted(t *testing.T) {
	withOtherJWT(t)
	g := startGateway(t, "limits: {login: {account: 4/15m}}")
	guess := func(password string) answer {
		return ask(t, g.address, post("token", "/wp-json/jwt-auth/v1/token", jsonType, asJSON(t, "bob", password)))
	}
	for n := range 4 {
		if a := guess(fmt.Sprint("wrong-", n)); a.status != 403 {
			t.Fatalf("guess %d: %d %s", n+1, a.status, a.body)
		}
	}
	if a := guess("builder-2-Strong"); a.status != 429 || strings.Contains(a.body, `"token"`) {
		t.Errorf("the right password after four wrong ones: %d %s", a.status, a.body)
	}
	if a := ask(t, g.address, post("login", loginTarget, jsonType, asJSON(t, "bob", "builder-2-Strong"))); accessIn(a) != "" {
		t.Errorf("CoCart's login: %d %s", a.status, a.body)
	}
	if accessIn(ask(t, g.address, post("login", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1")))) == "" {
		t.Error("another customer cannot log in")
	}
}
