package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// What a browser and a cache get to see of the real WordPress, whose own filter
// reflects every origin, with cookies.
func TestBrowsersAndCachesOfTheRealWordPress(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	const origin = "Origin: https://app.example"
	r := g.post("/wp-json/cocart/v2/login", aliceLogin, origin)
	access, _ := g.tokens(r)
	bearer := "Authorization: Bearer " + access
	for name, r := range map[string]reply{
		"login":               r,
		"login refused":       g.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong"}`, origin),
		"customer's cart":     g.cart(access, origin),
		"customer's products": g.send("GET", "/wp-json/cocart/v2/products", "", origin, bearer),
		"guest's cart":        g.send("GET", "/wp-json/cocart/v2/cart", "", origin),
		"unknown route":       g.send("GET", "/wp-json/cocart/v2/nothing", "", origin),
		"preflight":           g.send("OPTIONS", "/wp-json/cocart/v2/cart", "", origin, "Access-Control-Request-Method: GET"),
	} {
		h := r.Header
		if sharing(h) != "* " || h.Get("Cache-Control") != "private, no-store" || h.Get("CDN-Cache-Control") != "no-store" || h.Get("Expires") != "" {
			t.Errorf("%s: %d %v", name, r.Status, h)
		}
		if v := h["Vary"]; len(v) != 1 || strings.Count(v[0], "Origin") != 1 {
			t.Errorf("%s: Vary %q", name, v)
		}
	}
	if h := g.send("GET", "/wp-json/cocart/v2/cart", "", origin).Header; !strings.HasPrefix(h.Get("Cart-Key"), "t_") || h.Get("Cart-Key") != h.Get("CoCart-API-Cart-Key") {
		t.Errorf("a guest's cart key: %v", h)
	}
	products := g.send("GET", "/wp-json/cocart/v2/products", "", origin)
	if h := products.Header; products.Status != 200 || sharing(h) != "* " || h.Get("CDN-Cache-Control") != "" || !strings.Contains(h.Get("Vary"), "Authorization") {
		t.Errorf("public products: %d %v", products.Status, h)
	}
	posts := g.send("GET", "/wp-json/wp/v2/posts", "", origin)
	if got := sharing(posts.Header); got != "https://app.example true" {
		t.Errorf("WordPress's own routes: %s, %v", got, posts.Header)
	}
}

func sharing(h http.Header) string {
	return strings.Join(h["Access-Control-Allow-Origin"], " & ") + " " + strings.Join(h["Access-Control-Allow-Credentials"], " & ")
}

// A form of more fields than PHP takes does not reach it.
func TestParametersBeyondPHPsLimitAreRefused(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	limit := strings.TrimSpace(php(t, `echo ini_get("max_input_vars");`))
	if limit != "1000" {
		t.Errorf("PHP takes %s parameters", limit)
	}
	form := func(n int) int {
		return g.send("POST", "/wp-json/cocart/v2/cart/add-item", strings.Repeat("a[]=1&", n-2)+"id="+firstProduct(t, g)+"&quantity=1", "Content-Type: application/x-www-form-urlencoded").Status
	}
	if got := [2]int{form(1000), form(1001)}; got != [2]int{200, 400} {
		t.Errorf("1000 and 1001 parameters: %v", got)
	}
}
