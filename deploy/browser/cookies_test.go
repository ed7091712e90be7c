package browser

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// shopPage is a page of the shop itself. Its script, an image and a link ask CoCart with the login cookie.
const shopPage = `<!doctype html><title>A page of the shop</title><body><script type="module">
const cart = "/wp-json/cocart/v2/cart";
await fetch(cart + "?from=script");
await fetch(cart + "/add-item?from=script-that-posts", { method: "POST", body: new URLSearchParams({ id: "12" }) });
await fetch(cart + "?from=script-with-a-header", { headers: { "X-WP-Nonce": "1" } });
const loaded = (tag, address) => new Promise((done) => {
	const element = document.createElement(tag);
	element.onload = element.onerror = done;
	element.src = address;
	document.body.append(element);
});
await loaded("img", cart + "?from=image");
await loaded("iframe", cart + "?from=frame");
await loaded("iframe", cart + "?from=frame-with-a-nonce&_wpnonce=1");
await fetch(new URL(location).searchParams.get("report"), { method: "POST", mode: "no-cors", body: "{}" });
</script>`

// What a browser really sends with each of these: Fetch Metadata, Origin and cookies.
func TestALoginCookieCountsForScriptsOfTheShop(t *testing.T) {
	s := openShop(t, anyOrigin)
	s.wordpress.Lock()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		if r.URL.Path != "/page-of-the-shop/" {
			return false
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(shopPage))
		return true
	}
	s.wordpress.Unlock()
	s.visit("cookies")
	got := map[string]bool{}
	for _, seen := range s.wordpress.Seen() {
		target, err := url.Parse(seen.Target)
		s.must(err)
		if from := target.Query().Get("from"); from != "" {
			got[from] = strings.Contains(seen.Header.Get("Cookie"), "wordpress_logged_in_1=bob")
		}
	}
	want := map[string]bool{
		"script": true, "script-that-posts": true, "script-with-a-header": true, "frame-with-a-nonce": true,
		"image": false, "frame": false,
		"another-origin": false, "another-origin-with-a-nonce": false, "another-origin-posts": false,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
