package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// A browser app in cookie mode on the shop's own host, with the real PHP behind it.
func TestABrowserAppShopsByCookie(t *testing.T) {
	afterwards(t)
	g := startGateway(t, realRedis(t), "cookies: {enabled: true}\n")
	page := []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}
	login := g.post("/wp-json/cocart/v2/login", aliceLogin, append(page, "CoCart-Session: cookie")...)
	if login.Status != 200 || strings.Contains(login.Body, "jwt_token") {
		t.Fatalf("login: %d %s", login.Status, login.Body)
	}
	cookie := sessionCookie(t, login)
	with := func(cookie string) []string { return append(page, "Cookie: wp_lang=de; "+cookie) }
	added := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"`+firstProduct(t, g)+`","quantity":"2"}`, with(cookie)...)
	cart := g.send("GET", "/wp-json/cocart/v2/cart", "", with(cookie)...)
	if added.Status != 200 || cart.Status != 200 || !strings.Contains(cart.Body, `"cart_key":"2"`) || !strings.Contains(cart.Body, `"item_count":2`) {
		t.Errorf("add-item: %d %s, cart: %d %s", added.Status, added.Body, cart.Status, cart.Body)
	}
	renewed := g.post("/wp-json/cocart/jwt/refresh-token", "", with(cookie)...)
	if renewed.Status != 200 || sessionCookie(t, renewed) == cookie {
		t.Errorf("refresh: %d %s", renewed.Status, renewed.Body)
	}
	cookie = sessionCookie(t, renewed)
	logout := g.post("/wp-json/cocart/v2/logout", "", with(cookie)...)
	if logout.Status != 200 || sessionCookie(t, logout) != "__Host-cocart_session=" {
		t.Errorf("logout: %d %s %q", logout.Status, logout.Body, logout.Header["Set-Cookie"])
	}
	if after := g.send("GET", "/wp-json/cocart/v2/cart", "", with(cookie)...); after.Status != 401 {
		t.Errorf("after the logout: %d %s", after.Status, after.Body)
	}
}

func sessionCookie(t *testing.T, r reply) string {
	t.Helper()
	for _, line := range r.Header["Set-Cookie"] {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == "__Host-cocart_session" {
			return c.Name + "=" + c.Value
		}
	}
	t.Fatalf("no session cookie: %d %s %v", r.Status, r.Body, r.Header)
	return ""
}
