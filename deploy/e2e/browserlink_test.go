package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// A customer of an app goes on in a browser: WordPress logs the browser in by its own cookie, once.
func TestALinkLogsABrowserInToWordPress(t *testing.T) {
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	r := g.post("/wp-json/cocart/jwt/browser", `{"redirect": "/wp-json/wp/v2/posts"}`, "Authorization: Bearer "+access)
	var link struct{ URL string }
	if err := json.Unmarshal([]byte(r.Body), &link); err != nil || r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	target := strings.TrimPrefix(link.URL, siteURL)
	if r := g.send("HEAD", target, ""); r.Status != 405 {
		t.Errorf("HEAD: %d", r.Status)
	}
	r = g.send("GET", target, "", "Accept: text/html", "Sec-Fetch-Site: none", "Sec-Fetch-Dest: document", "Cookie: wp_woocommerce_session_5f2a=t_guest%7C%7C1")
	if r.Status != 303 || r.Header.Get("Location") != siteURL+"/wp-json/wp/v2/posts" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Fatalf("%d %s %v\n%s", r.Status, r.Body, r.Header, g.logged())
	}
	var jar []string
	forgotten := false
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		forgotten = forgotten || c.Name == "wp_woocommerce_session_5f2a" && c.MaxAge < 0
		if strings.HasPrefix(c.Name, "wordpress_logged_in_") && c.HttpOnly {
			jar = append(jar, c.Name+"="+c.Value)
		}
	}
	if len(jar) != 1 || !forgotten {
		t.Fatalf("cookies: %q", r.Header["Set-Cookie"])
	}
	browser := "Cookie: " + strings.Join(jar, "; ")
	if r := g.send("GET", "/", "", browser); r.Status != 200 || !strings.Contains(r.Body, "logged-in") {
		t.Errorf("the browser is not logged in: %d %s", r.Status, r.Body)
	}
	if r := g.send("GET", target, "", "Accept: text/html"); r.Status != 410 || len(r.Header["Set-Cookie"]) > 0 {
		t.Errorf("again: %d %v", r.Status, r.Header)
	}
	if r := g.send("GET", "/?rest_route=/cocart-gateway/v1/browser", ""); r.Status != 404 || len(r.Header["Set-Cookie"]) > 0 {
		t.Errorf("past the link: %d %s", r.Status, r.Body)
	}

	bob, _ := g.login("bob", "builder-2-Strong")
	r = g.post("/wp-json/cocart/jwt/browser", "", "Authorization: Bearer "+bob)
	if err := json.Unmarshal([]byte(r.Body), &link); err != nil {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if r := g.send("GET", strings.TrimPrefix(link.URL, siteURL), "", browser); r.Status != 409 {
		t.Errorf("in the browser of alice: %d %s", r.Status, r.Body)
	}
}
