package e2e

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestTheStorefrontIsAsWithoutUs(t *testing.T) {
	g := startGateway(t, "embedded", "")
	if r := g.send("GET", "/", ""); r.Status != 200 || !strings.Contains(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("front page: %d %v", r.Status, r.Header)
	}
	for _, target := range []string{"/?demo_whoami=1", "/any-page/?demo_whoami=1&x=wp-json/cocart/", "/wp-json/demo/v1/whoami?a.b=1&c[]=2"} {
		f := factsOf(t, g.send("GET", target, "", "X-Real-IP: 6.6.6.6", "CF-Connecting-IP: 6.6.6.6", "X_Forwarded_For: 6.6.6.6"))
		if f.RemoteAddr != "203.0.113.7" || !f.TLS || f.URI != target {
			t.Errorf("%s: %+v", target, f)
		}
		for name, value := range f.Server {
			if strings.Contains(value, "6.6.6.6") || strings.Contains(name, "GATEWAY") {
				t.Errorf("%s: %s reached PHP: %s", target, name, value)
			}
		}
	}
	if r := g.send("GET", "/no/such/page/", ""); r.Status != 404 || !strings.Contains(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("missing page: %d %v", r.Status, r.Header)
	}
}

func TestAnAdministratorWorksThroughUs(t *testing.T) {
	g := startGateway(t, "embedded", "")
	r := g.send("GET", "/wp-admin/", "")
	if r.Status != 302 || !strings.HasPrefix(r.Header.Get("Location"), siteURL+"/wp-login.php") {
		t.Fatalf("not logged in: %d %v", r.Status, r.Header)
	}
	password, err := theShop.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"log": {"admin"}, "pwd": {password}, "testcookie": {"1"}}.Encode()
	r = g.send("POST", "/wp-login.php", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
	if r.Status != 302 {
		t.Fatalf("login: %d %s", r.Status, r.Body)
	}
	var cookies []string
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if !c.Secure && strings.HasPrefix(c.Name, "wordpress_sec") {
			t.Errorf("%s is not for TLS only, though the client speaks TLS", c.Name)
		}
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if r = g.send("GET", "/wp-admin/profile.php", "", "Cookie: "+strings.Join(cookies, "; ")); r.Status != 200 || !strings.Contains(r.Body, "user-profile") {
		t.Errorf("wp-admin: %d", r.Status)
	}
}

// They are for WordPress's own routes, and WordPress judges them there.
func TestApplicationPasswordsWorkThroughUs(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	password := php(t, `list( $password ) = WP_Application_Passwords::create_new_application_password( 2, array( 'name' => 'test' ) ); echo $password;`)
	const me = "/wp-json/wp/v2/users/me"
	if r := g.send("GET", me, "", basicHeader("alice", password)); r.Status != 200 || !strings.Contains(r.Body, `"id":2,`) {
		t.Errorf("alice's: %d %s", r.Status, r.Body)
	}
	for name, header := range map[string]string{
		"another password": basicHeader("alice", strings.Repeat("x", 24)), "another user": basicHeader("bob", password), "her own password": basicHeader("alice", "wonderland-1"),
	} {
		if r := g.send("GET", me, "", header); r.Status != 401 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := g.post(loginPath, "", basicHeader("alice", password)); r.Status != 401 || strings.Contains(r.Body, "jwt_token") {
		t.Errorf("a login of CoCart: %d %s", r.Status, r.Body)
	}
}

func TestFilesAndRanges(t *testing.T) {
	g := startGateway(t, "embedded", "")
	const file = "/wp-includes/css/dashicons.min.css"
	whole := g.send("GET", file, "")
	part := g.send("GET", file, "", "Range: bytes=3-9")
	if whole.Status != 200 || part.Status != 206 || part.Body != whole.Body[3:10] {
		t.Errorf("%d, %d %q", whole.Status, part.Status, part.Body)
	}
	if r := g.send("GET", file, "", "If-None-Match: "+whole.Header.Get("Etag")); r.Status != 304 || r.Body != "" {
		t.Errorf("revalidated: %d", r.Status)
	}
}

func TestPagesStreamThroughUs(t *testing.T) {
	g := startGateway(t, "embedded", "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/?demo_stream=through-us", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "shop.example"
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	pieces := bufio.NewScanner(resp.Body)
	pieces.Scan()
	first := pieces.Text()
	// The rest is sent only when somebody asks for it: had the first piece been
	// held back, we would not be here.
	if r := g.send("POST", "/wp-json/cocart/v2/test/stream?name=through-us", ""); r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	var rest []string
	for pieces.Scan() {
		if pieces.Text() != "" { // between events
			rest = append(rest, pieces.Text())
		}
	}
	if got := first + " " + strings.Join(rest, " "); got != "data: one data: two data: three" {
		t.Errorf("got %q", got)
	}
}
