package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	addItem    = "/wp-json/cocart/v2/cart/add-item"
	logoutPath = "/wp-json/cocart/v2/logout"
	mug        = `{"id":"12","quantity":"1"}`
	asForm     = "Content-Type: application/x-www-form-urlencoded"
	elsewhere  = "Origin: https://elsewhere.example"
)

// bobsBrowser is a login of bob's with its cookie and the nonce that goes with it.
const bobsBrowser = `$id = get_user_by('login', 'bob')->ID; $e = time() + 3600;
	$t = WP_Session_Tokens::get_instance($id)->create($e);
	$_COOKIE[LOGGED_IN_COOKIE] = wp_generate_auth_cookie($id, $e, 'logged_in', $t);
	wp_set_current_user($id);
	echo LOGGED_IN_COOKIE, '=', rawurlencode($_COOKIE[LOGGED_IN_COOKIE]), ' ', wp_create_nonce('wp_rest');`

// browser returns the headers that bob's browser sends by itself, and the one that
// only a page of the shop can add.
func browser(t *testing.T) (cookie, nonce string) {
	t.Helper()
	value, made, _ := strings.Cut(php(t, bobsBrowser), " ")
	return "Cookie: " + value, "X-WP-Nonce: " + made
}

// Any page can have bob's browser send his cookie, also beside half a password or
// an API key that is none. Without the nonce of that login nobody is bob.
func TestACookieNeedsItsNonceByCoCartVersion(t *testing.T) {
	cookie, nonce := browser(t)
	guest5 := map[string]string{"5.0": asGuest5}
	asBob := strings.ReplaceAll(asAlice, "2", "3")
	bob5 := map[string]string{"5.0": strings.ReplaceAll(asBob, "true", "<nil>")} // which asks for no nonce over TLS; the plugin does
	get := func(target string, headers ...string) func(*gateway) reply {
		return anybodyGets(target, append(headers, cookie, elsewhere)...)
	}
	post := func(target, body, kind string) func(*gateway) reply {
		return func(g *gateway) reply { return g.send("POST", target, body, kind, cookie, elsewhere) }
	}
	own := func(target string, headers ...string) func(*gateway) reply {
		return anybodyGets(target, append(headers, cookie)...)
	}
	const script, link = "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate"
	parameter := "?_wpnonce=" + strings.TrimPrefix(nonce, "X-WP-Nonce: ")
	const noneOfCoCarts = "user 3 0 0, cart none, authentication true" // as on each route of WordPress
	const badNonce = "403 rest_cookie_invalid_nonce"
	rows := []identity{
		{"alone", get(whoami), asGuest, guest5},
		{"beside a name", get(whoami + "?username=x"), asGuest, guest5},
		{"beside a password", get(whoami + "?password=x"), asGuest, guest5},
		{"beside an API key", get(whoami + "?consumer_key=1"), asGuest, guest5},
		{"beside an API key and its secret", get(whoami + "?consumer_key=1&consumer_secret=2"), asGuest, guest5},
		{"beside an API key of OAuth", get(whoami + "?oauth_consumer_key=1"), asGuest, guest5},
		{"beside Basic and nothing", get(whoami, "Authorization: Basic"), asGuest, guest5},
		{"beside a name in a form", post(whoami, "username=x", asForm), asGuest, guest5},
		{"beside a name in JSON", post(whoami, `{"username":"x"}`, "Content-Type: application/json"), asGuest, guest5},
		{"beside a name, by _method", get(whoami + "?_method=POST&username=x"), asGuest, guest5},
		{"beside a name, by rest_route", get("/?rest_route=/cocart/v2/test/whoami&username=x"), asGuest, guest5},
		// Without the cookie the nonce is nobody's. WordPress says so where CoCart did not vouch for the guest already.
		{"beside a name and a nonce in the query", get(whoami + "?username=x&_wpnonce=1"), asGuest, map[string]string{"4.9.7": badNonce, "5.0": asGuest5}},
		{"beside CoCart in the query of another route", get("/wp-json/demo/v1/whoami?x=wp-json/cocart/"), noneOfCoCarts, nil},
		{"beside a right password", get(whoami, basicHeader("alice", "wonderland-1")), asAlice, nil},
		{"beside a wrong password", get(whoami, basicHeader("alice", "nope")), refused, nil},
		{"with its nonce", get(whoami, nonce), asBob, bob5},
		{"with its nonce, beside a name", get(whoami+"?username=x", nonce), asBob, bob5},
		{"with an invalid nonce", get(whoami, "X-WP-Nonce: 1"), badNonce, nil},
		{"with an invalid nonce, beside a name", get(whoami+"?username=x", "X-WP-Nonce: 1"), badNonce, nil},
		{"with its nonce in the query", own(whoami + parameter), asBob, bob5},
		{"with its nonce in a form", func(g *gateway) reply { return g.send("POST", whoami, parameter[1:], asForm, cookie) }, asBob, bob5},
		{"with an invalid nonce in the query", own(whoami + "?_wpnonce=1"), badNonce, nil},
		{"with its nonce in the query, from another site", get(whoami + parameter), asGuest, map[string]string{"4.9.7": badNonce, "5.0": asGuest5}},
		{"with its nonce in the query, by Fetch Metadata from another site", own(whoami+parameter, "Sec-Fetch-Site: cross-site"), asGuest, map[string]string{"4.9.7": badNonce, "5.0": asGuest5}},
		// What the cookie alone is worth, to a script of the shop's pages, is WordPress's decision: 4.9.7 lets it look.
		{"asked by a script of the shop", own(whoami, script), asBob, map[string]string{"4.9.7": "user 3 0 0, cart 3, authentication true", "5.0": bob5["5.0"]}},
		{"asked by a link in the shop", own(whoami, script, link), asGuest, guest5},
		// Only wp-admin's cookie would count before a password, and browsers keep that for wp-admin.
		{"with an invalid nonce, beside a password", get(whoami, "X-WP-Nonce: 1", basicHeader("alice", "wonderland-1")), asAlice, nil},
	}
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		for _, row := range rows {
			row.check(t, g, version)
		}
	})
}

// What another page can have bob's browser do, as a form or a mere link does it:
// his cart stays as it is, and his app logged in.
func TestNoOtherPageActsAsTheCustomerByCoCartVersion(t *testing.T) {
	versions(t, "", func(t *testing.T, g *gateway, _ string) {
		afterwards(t)
		cookie, nonce := browser(t)
		app, _ := g.login("bob", "builder-2-Strong")
		forged := func(method, target, body, kind string) {
			g.send(method, target, body, cookie, elsewhere, kind)
		}
		forged("POST", addItem, mug, "Content-Type: application/json")
		forged("POST", addItem+"?username=x", mug, "Content-Type: text/plain")
		forged("POST", addItem+"?username=x", "id=12&quantity=1", asForm)
		forged("POST", addItem, "id=12&quantity=1&username=x", asForm)
		forged("GET", addItem+"?_method=POST&id=12&quantity=1&username=x", "", "Accept: */*")
		forged("GET", addItem+"?_method=POST&id=12&quantity=1&consumer_key=1", "", "Accept: */*")
		forged("POST", "/wp-json/batch/v1?username=x", `{"requests":[{"method":"POST","path":"/cocart/v2/cart/add-item","body":{"id":"12","quantity":"1"}}]}`, "Content-Type: text/plain")
		if got := readCart(t, g.cart(app)); got.Count != 0 {
			t.Errorf("bob's cart holds %d", got.Count)
		}
		forged("POST", logoutPath, "", "Accept: */*")
		forged("GET", logoutPath+"?_method=POST&username=x", "", "Accept: */*")
		forged("GET", logoutPath+"?_method=POST&consumer_key=1", "", "Accept: */*")
		if r := g.cart(app); r.Status != http.StatusOK {
			t.Errorf("bob's app: %d %s", r.Status, r.Body)
		}
		pageOfTheShop(t, g, app, cookie, nonce)
	})
}

// pageOfTheShop does the same with the nonce, and then it counts.
func pageOfTheShop(t *testing.T, g *gateway, app, cookie, nonce string) {
	t.Helper()
	added := g.post(addItem, mug, cookie, nonce)
	count := readCart(t, g.cart(app)).Count
	left := g.post(logoutPath, "", cookie, nonce)
	if got := fmt.Sprint(added.Status, count, left.Status, g.cart(app).Status); got != "200 1 200 401" {
		t.Errorf("added, items, logged out, bob's app: %s", got)
	}
}
