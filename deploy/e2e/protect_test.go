package e2e

import (
	"strings"
	"testing"
)

// A token counts on the routes that site.protect lists, as WordPress dispatches them, and nowhere else.
func TestATokenCountsOnTheRoutesOfSiteProtect(t *testing.T) {
	g := startGateway(t, "embedded", "site: {url: "+siteURL+", protect: [wc/store, wp/v2/users/me]}\n")
	access, _ := g.login("alice", "wonderland-1")
	bearer := "Authorization: Bearer " + access
	for _, target := range []string{"/wp-json/wc/store/v1/cart", "/?rest_route=/wc/store/v1/cart", "/wp-json/WC/Store/v1/cart"} {
		if r := g.send("GET", target, "", bearer); r.Status != 200 || r.Header.Get("User-ID") != "2" {
			t.Errorf("%s: %d, user %q: %s", target, r.Status, r.Header.Get("User-ID"), r.Body)
		}
		if r := g.send("GET", target, ""); r.Status != 200 || r.Header.Get("User-ID") != "0" {
			t.Errorf("%s as a guest: %d, user %q", target, r.Status, r.Header.Get("User-ID"))
		}
		if r := g.send("GET", target, "", "Authorization: Bearer a.b.c"); r.Status != 401 {
			t.Errorf("%s with a bad token: %d", target, r.Status)
		}
	}
	if r := g.send("GET", "/wp-json/wp/v2/users/me", "", bearer); r.Status != 200 || !strings.Contains(r.Body, `"id":2`) {
		t.Errorf("users/me: %d %s", r.Status, r.Body)
	}
	for _, target := range []string{"/wp-json/wp/v2/users/me/application-passwords", "/wp-json/wp/v2/users/2?context=edit", "/wp-json/wc/v3/orders"} {
		if r := g.send("GET", target, "", bearer); r.Status != 401 {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
	}
	if r := g.post("/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/wp/v2/users/me"}]}`, bearer); strings.Contains(r.Body, `"id":2`) {
		t.Errorf("in a batch: %d %s", r.Status, r.Body)
	}
}
