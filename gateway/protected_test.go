package gateway_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

func plugin403(c *gateway.Config)  { c.InvalidTokenStatus = 403 }
func denyGuests(c *gateway.Config) { c.DenyGuests = true }

// metric sums a counter's series that have a label of the given value.
func (s *shop) metric(name, label string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	s.must(err)
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == label {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

// RFC 9110 section 15.5.2. The scheme is never Basic: browsers would open a dialog.
func TestEvery401OnCoCartsRoutesHasAChallenge(t *testing.T) {
	s := openShop(t)
	asked := map[string]reply{
		"a login with a wrong password": s.post(loginRoute, `{"username":"alice","password":"wrong"}`),
		"a login without a password":    s.post(loginRoute, `{}`),
		"a login by Basic":              s.post(loginRoute, "", "Authorization: Basic YWxpY2U6eA=="),
		"a refresh with garbage":        s.refresh("x"),
		"a refresh with a spent token":  s.refresh(strings.Repeat("0f", 64)),
		"a validation without a token":  s.post("/wp-json/cocart/jwt/validate-token", ""),
	}
	s.answering(401)
	asked["a guest whom WordPress refuses"] = s.do("GET", cartRoute, "")
	for name, r := range asked {
		if got := r.Header.Values("WWW-Authenticate"); r.Status != 401 || len(got) != 1 || !strings.HasPrefix(got[0], `Bearer realm="CoCart"`) {
			t.Errorf("%s: %d %q", name, r.Status, got)
		}
	}
	if got := s.do("GET", "/wp-json/wp/v2/users/me", "").Header.Values("WWW-Authenticate"); len(got) != 0 {
		t.Errorf("a route of WordPress: %q", got)
	}
	s.answering(401, `WWW-Authenticate: Bearer realm="Shop"`)
	if got := s.do("GET", cartRoute, "").Header.Values("WWW-Authenticate"); len(got) != 1 || got[0] != `Bearer realm="Shop"` {
		t.Errorf("WordPress's own challenge: %q", got)
	}
}

func TestBearerInEverySpellingIsTheCustomer(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for _, header := range []string{"Bearer " + access, "bearer " + access, "BEARER   " + access, "Bearer\t" + access, " Bearer " + access + " "} {
		r := s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: "+header)
		got := s.wordpress.Last()
		if r.Status != 200 || got.Claims.Kind != "customer" || got.Claims.Subject != "2" || got.Claims.Fingerprint != "fp-alice-1" || got.Claims.Session == "" {
			t.Errorf("%.12q: %d %+v", header, r.Status, got.Claims)
		}
		if _, leaked := got.Header["Authorization"]; leaked {
			t.Error("the token reached WordPress")
		}
		if r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("cacheable: %v", r.Header)
		}
	}
}

func TestNoBearerIsAGuest(t *testing.T) {
	s := openShop(t)
	for _, headers := range [][]string{nil, {"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer  "}, {"Authorization: Token x"},
		{"Authorization: Bearerx.y.z"}, {"Cookie: wordpress_logged_in_1=alice"}, {"X-WP-Nonce: 1"}} {
		r := s.do("GET", "/wp-json/cocart/v2/cart?cart_key=t_1", "", headers...)
		got := s.wordpress.Last()
		if r.Status != 200 || got.Claims.Kind != "guest" || got.Claims.Subject != "0" || got.Target != "/wp-json/cocart/v2/cart?cart_key=t_1" {
			t.Errorf("%v: %d %+v", headers, r.Status, got.Claims)
		}
		if _, leaked := got.Header["Authorization"]; leaked {
			t.Errorf("%v: Authorization reached WordPress", headers)
		}
	}
}

func TestBadBearerIsRefusedBeforePHPWakesUp(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	for _, token := range []string{"garbage", "a.b.c", access + "x", access[:len(access)-1], "x" + access, access + " junk", access + ", Bearer " + access, "..", access + "="} {
		r := s.cart(token)
		if got, want := r.failure(), failure(401, "cocart_authentication_error", "Authentication failed."); got != want {
			t.Errorf("%.10q…: %s", token, got)
		}
		want := `Bearer realm="CoCart", error="invalid_token", error_description="The access token is invalid or expired"`
		if r.Header.Get("WWW-Authenticate") != want || r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("headers: %v", r.Header)
		}
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times", n-asked)
	}
}

func TestExpiredBearerIsRefused(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	s.clock.step(10*24*time.Hour + time.Minute)
	if got := s.cart(access).Status; got != 401 {
		t.Errorf("status %d", got)
	}
	if got := s.metric("cocart_gateway_token_rejections_total", "expired"); got != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestTwoAuthorizationHeadersAreRefused(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	r := s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access, "Authorization: Bearer "+access)
	if got, want := r.failure(), failure(400, "cocart_gateway_ambiguous_request", "The request can be read in more than one way: the request holds two Authorization headers."); got != want {
		t.Errorf("got %s", got)
	}
}

func TestCredentialsOnAnyRouteAreWordPresssToJudge(t *testing.T) {
	const formType = "Content-Type: application/x-www-form-urlencoded"
	s := openShop(t)
	for name, send := range map[string]struct {
		method, query, body string
		headers             []string
	}{
		"Basic":             {"GET", "", "", []string{"Authorization: Basic YWxpY2U6eA=="}},
		"Basic, odd":        {"GET", "", "", []string{"Authorization: basic nonsense"}},
		"query":             {"GET", "?username=alice&password=x", "", nil},
		"half of it":        {"GET", "?username=alice", "", nil},
		"form":              {"POST", "", "username=alice&password=x", []string{formType}},
		"JSON":              {"POST", "", `{"username":"alice","password":"x"}`, []string{"Content-Type: application/json"}},
		"API key":           {"GET", "?consumer_key=ck_1&consumer_secret=cs_1", "", nil},
		"cookie with nonce": {"GET", "", "", []string{"Cookie: a=b; wordpress_logged_in_1=alice", "X-WP-Nonce: 1"}},
	} {
		s.do(send.method, "/wp-json/cocart/v2/cart"+send.query, send.body, send.headers...)
		got := s.wordpress.Last()
		if got.Claims.Kind != "credentials" || got.Body != send.body {
			t.Errorf("%s: %s, body %q", name, got.Claims.Kind, got.Body)
		}
	}
}

func TestThePasswordOfTheWebServerIsNoCustomers(t *testing.T) {
	const servers = "Basic c3RhZ2luZzpsZXRtZWlu" // staging:letmein
	s := openShopBehind(t, nil, func(cfg *upstream.Config) { cfg.Headers = http.Header{"Authorization": {servers}} },
		func(cfg *gateway.Config) { cfg.OriginAuthorization = servers })
	for header, want := range map[string]string{
		"Authorization: " + servers:                  "guest",
		"Authorization: basic  c3RhZ2luZzpsZXRtZWlu": "guest",
		"Authorization: Basic c3RhZ2luZzpvdGhlcg==":  "credentials", // staging:other
		"Authorization: Basic YWxpY2U6bGV0bWVpbg==":  "credentials", // alice:letmein
		"Accept: */*": "guest",
	} {
		s.do("GET", "/wp-json/cocart/v2/cart", "", header)
		got := s.wordpress.Last()
		if got.Claims.Kind != want || got.Header.Get("Authorization") != servers || got.Claims.Carried == "" {
			t.Errorf("%s: %s, %q", header, got.Claims.Kind, got.Header)
		}
	}
	r := s.do("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, "Content-Type: application/json", "Authorization: "+servers)
	if got := s.wordpress.Last(); r.Status != 200 || got.Header.Get("X-CoCart-Gateway-Authorization") != "Basic YWxpY2U6d29uZGVybGFuZC0x" {
		t.Errorf("login: %d, %q", r.Status, got.Header)
	}
}

const browserCookies = "Cookie: a=b; wordpress_logged_in_1=bob; wp_cocart_session_1=t_1; wordpress_sec_1=bob"

// A request with part of a password goes to WordPress as it came, but a browser's
// login goes with it only beside the header that no other page can have it send.
func TestALoginCookieGoesToCoCartBesideItsNonceOnly(t *testing.T) {
	const cart, nonce, bare = "/wp-json/cocart/v2/cart", "X-WP-Nonce: 1", "a=b; wp_cocart_session_1=t_1"
	all := strings.TrimPrefix(browserCookies, "Cookie: ")
	s := openShop(t)
	access, _ := s.login()
	for name, row := range map[string]struct {
		method, target string
		headers        []string
		want           string
	}{
		"alone":                         {"GET", cart, nil, bare},
		"beside a name":                 {"GET", cart + "?username=x", nil, bare},
		"beside a password":             {"GET", cart + "?password=x", nil, bare},
		"beside an API key":             {"GET", cart + "?consumer_key=1", nil, bare},
		"beside an OAuth key":           {"GET", cart + "?oauth_consumer_key=1", nil, bare},
		"beside Basic":                  {"GET", cart, []string{"Authorization: Basic YTpi"}, bare},
		"beside a name, by _method":     {"GET", cart + "/add-item?_method=POST&id=12&username=x", nil, bare},
		"beside a name, on logout":      {"GET", "/wp-json/cocart/v2/logout?_method=POST&username=x", nil, bare},
		"beside a nonce in the query":   {"GET", cart + "?username=x&_wpnonce=1", nil, all},
		"beside an empty nonce":         {"GET", cart + "?username=x", []string{"X-WP-Nonce: "}, bare},
		"beside a token":                {"GET", cart, []string{"Authorization: Bearer " + access, nonce}, bare},
		"with its nonce":                {"GET", cart, []string{nonce}, all},
		"with its nonce, beside a name": {"GET", cart + "?username=x", []string{nonce}, all},
		"on the storefront":             {"GET", "/shop/?username=x", nil, all},
	} {
		s.do(row.method, row.target, "", append(row.headers, browserCookies)...)
		if got := s.wordpress.Last(); got.Target != row.target || got.Header.Get("Cookie") != row.want {
			t.Errorf("%s: %s with %q, want %q", name, got.Claims.Kind, got.Header.Get("Cookie"), row.want)
		}
	}
}

// A nonce may also stand where rest_cookie_check_errors finds it in $_REQUEST, and scripts of the shop need none. Neither
// helps another site: browsers name it.
func TestLoginCookiesPassFromTheShopsOwnScripts(t *testing.T) {
	const cart, item, form = "/wp-json/cocart/v2/cart", "/wp-json/cocart/v2/cart/add-item", "Content-Type: application/x-www-form-urlencoded"
	script := []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}
	s := openShop(t, trustingLoopback)
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
		counts               bool
	}{
		"a script":                               {"GET", cart, "", script, true},
		"a script that posts":                    {"POST", item, `{"id":"12"}`, append(script, "Origin: https://shop.example", "Content-Type: application/json"), true},
		"a script, mode same-origin":             {"GET", cart, "", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: same-origin"}, true},
		"Fetch Metadata without a mode":          {"GET", cart, "", []string{"Sec-Fetch-Site: same-origin"}, true},
		"an older browser":                       {"POST", item, "", []string{"Origin: https://shop.example"}, true},
		"an older browser, with a port":          {"POST", item, "", []string{"Origin: https://shop.example:443"}, true},
		"an even older one":                      {"GET", cart, "", []string{"Referer: https://shop.example/wp-admin/admin.php?page=cocart"}, true},
		"an even older one that posts":           {"POST", item, "", []string{"Referer: https://shop.example/cart/"}, true},
		"a nonce in the query":                   {"GET", cart + "?_wpnonce=1", "", nil, true},
		"a nonce in a form":                      {"POST", item, "id=12&_wpnonce=1", []string{form}, true},
		"a nonce in a form with fields":          {"POST", item, "--b\r\nContent-Disposition: form-data; name=\"_wpnonce\"\r\n\r\n1\r\n--b--\r\n", []string{"Content-Type: multipart/form-data; boundary=b"}, true},
		"a nonce, from the address bar":          {"GET", cart + "?_wpnonce=1", "", []string{"Sec-Fetch-Site: none"}, true},
		"a nonce in a link of the shop":          {"GET", cart + "?_wpnonce=1", "", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate"}, true},
		"nothing":                                {"GET", cart, "", nil, false},
		"a link of the shop":                     {"GET", cart, "", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Referer: https://shop.example/"}, false},
		"an image of the shop":                   {"GET", item + "?_method=POST&id=12", "", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, false},
		"a link's ping":                          {"POST", item, "", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"}, false},
		"a link with _method":                    {"GET", item + "?_method=POST&id=12", "", []string{"Referer: https://shop.example/"}, false},
		"the address bar":                        {"GET", cart, "", []string{"Sec-Fetch-Site: none"}, false},
		"a nonce in JSON":                        {"POST", item, `{"_wpnonce":"1"}`, []string{"Content-Type: application/json"}, false},
		"another site":                           {"GET", cart, "", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, false},
		"another site with a nonce":              {"GET", cart + "?_wpnonce=1", "", []string{"Sec-Fetch-Site: cross-site"}, false},
		"another site with a nonce in a form":    {"POST", item, "_wpnonce=1", []string{form, "Origin: https://evil.example"}, false},
		"a subdomain":                            {"GET", cart + "?_wpnonce=1", "", []string{"Sec-Fetch-Site: same-site"}, false},
		"another site, older browser":            {"POST", item, "", []string{"Origin: https://evil.example"}, false},
		"a site whose name begins like the shop": {"POST", item, "", []string{"Origin: https://shop.example.evil.example"}, false},
		"another port":                           {"POST", item, "", []string{"Origin: https://shop.example:8443"}, false},
		"another scheme":                         {"POST", item, "", []string{"Origin: http://shop.example"}, false},
		"a sandbox":                              {"POST", item, "", []string{"Origin: null", "Referer: https://shop.example/"}, false},
		"another site with a nonce, even older":  {"GET", cart + "?_wpnonce=1", "", []string{"Referer: https://evil.example/https://shop.example/"}, false},
		"two that contradict each other":         {"POST", item, "", append(script, "Origin: https://evil.example"), false},

		"behind a proxy with a Host of its own":            {"POST", item, "", []string{"Host: backend.internal", "X-Forwarded-Host: shop.example", "Origin: https://shop.example"}, true},
		"behind such a proxy, even older":                  {"GET", cart, "", []string{"Host: backend.internal", "X-Forwarded-Host: shop.example", "Referer: https://shop.example/cart/"}, true},
		"behind such a proxy, which appends":               {"POST", item, "", []string{"Host: backend.internal", "X-Forwarded-Host: evil.example, shop.example", "Origin: https://shop.example"}, true},
		"behind such a proxy, another site":                {"POST", item, "", []string{"Host: backend.internal", "X-Forwarded-Host: shop.example", "Origin: https://evil.example"}, false},
		"behind such a proxy, a page of its own host":      {"POST", item, "", []string{"Host: backend.internal", "X-Forwarded-Host: shop.example", "Origin: https://backend.internal"}, false},
		"behind a proxy that appends, another site's name": {"POST", item, "", []string{"X-Forwarded-Host: evil.example, shop.example", "Origin: https://evil.example"}, false},
	} {
		s.do(row.method, row.target, row.body, append(slices.Clip(row.headers), browserCookies, "X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7")...)
		got := s.wordpress.Last()
		if counts := strings.Contains(got.Header.Get("Cookie"), "wordpress_logged_in_1=bob"); counts != row.counts || counts != (got.Claims.Kind == "credentials") || got.Target != row.target {
			t.Errorf("%s: %s with %q", name, got.Claims.Kind, got.Header.Get("Cookie"))
		}
	}
}

func TestLoginCookiesAreFoundInEachSpelling(t *testing.T) {
	s := openShop(t)
	for _, cookie := range []string{
		"wordpress_logged_in_1=bob", " wordpress_sec_1=bob", "wordpress_1=bob", "wordpress.logged_in_1=bob", "wordpress logged_in_1=bob",
		"wordpress[logged_in_1=bob", "%77ordpress_logged_in_1=bob", "wordpress_logged_in_1=bob;\twordpress_sec_1=bob", "wordpress_logged_in_1[]=bob",
	} {
		s.do("GET", "/wp-json/cocart/v2/cart?username=x", "", "Cookie: "+cookie)
		if got, there := s.wordpress.Last().Header["Cookie"]; there {
			t.Errorf("%q: WordPress got %q", cookie, got)
		}
	}
	for _, cookie := range []string{"a=wordpress_logged_in_1", "my_wordpress_1=x; b=%20", "Wordpress_1=x", "wordpress=x"} {
		s.do("GET", "/wp-json/cocart/v2/cart?username=x", "", "Cookie: "+cookie)
		if got := s.wordpress.Last().Header.Get("Cookie"); got != cookie {
			t.Errorf("%q: WordPress got %q", cookie, got)
		}
	}
}

func TestLongBodiesPassWhole(t *testing.T) {
	s := openShop(t)
	form := "note=" + strings.Repeat("a", 300<<10) + "&username=alice&password=x"
	s.do("POST", "/wp-json/cocart/v2/cart/add-item", form, "Content-Type: application/x-www-form-urlencoded")
	if got := s.wordpress.Last(); got.Body != form || got.Claims.Kind != "credentials" {
		t.Errorf("form: %d bytes of %d, %s", len(got.Body), len(form), got.Claims.Kind)
	}
	object := `{"note":"` + strings.Repeat("a", 300<<10) + `","username":"alice","password":"x"}`
	s.post("/wp-json/cocart/v2/cart/add-item", object)
	if got := s.wordpress.Last(); got.Body != object || got.Claims.Kind != "credentials" {
		t.Errorf("JSON: %d bytes of %d, %s", len(got.Body), len(object), got.Claims.Kind)
	}
}

func TestNoPasswordHidesInALongJSONBody(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/v2/cart/add-item", `{"note":"`+strings.Repeat("a", 1<<20)+`","username":"alice","password":"x"}`)
	if got, want := r.failure(), failure(413, "cocart_gateway_body_too_large", "The request body is larger than 1048576 bytes (limits.json)."); got != want || len(s.wordpress.Seen()) != 0 {
		t.Errorf("got %s", got)
	}
}

func TestGuestsCanBeTurnedAway(t *testing.T) {
	s := openShop(t, denyGuests)
	r := s.do("GET", "/wp-json/cocart/v2/products", "")
	if got, want := r.failure(), failure(401, "cocart_rest_not_authorized", "Sorry, you are not authorized."); got != want || r.Header.Get("WWW-Authenticate") != `Bearer realm="CoCart"` {
		t.Errorf("got %s, %v", got, r.Header)
	}
	if got := s.do("GET", "/wp-json/cocart/v2/products", "", "Cookie: wordpress_logged_in_1=a", "X-WP-Nonce: 1").Status; got != 401 {
		t.Errorf("cookie: %d", got)
	}
	access, _ := s.login()
	for name, status := range map[string]int{
		"customer":   s.cart(access).Status,
		"Basic":      s.do("GET", "/wp-json/cocart/v2/products", "", "Authorization: Basic YTpi").Status,
		"preflight":  s.do("OPTIONS", "/wp-json/cocart/v2/products", "", "Origin: https://app.example").Status,
		"storefront": s.do("GET", "/", "").Status,
		"other API":  s.do("GET", "/wp-json/wp/v2/posts", "").Status,
	} {
		if status != 200 {
			t.Errorf("%s: %d", name, status)
		}
	}
}

// Part of a password, or of an API key, identifies no user: CoCart would serve a
// guest.
func TestGuestsAreTurnedAwayWhateverTheySend(t *testing.T) {
	const cart, form = "/wp-json/cocart/v2/cart", "Content-Type: application/x-www-form-urlencoded"
	s := openShop(t, denyGuests)
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
	}{
		"a name":                            {"GET", cart + "?username=x", "", nil},
		"a password":                        {"GET", cart + "?password=x", "", nil},
		"a name and an empty password":      {"GET", cart + "?username=x&password=", "", nil},
		"a name and a blank password":       {"GET", cart + "?username=x&password=+", "", nil},
		"an API key":                        {"GET", cart + "?consumer_key=x", "", nil},
		"an API key's secret":               {"GET", cart + "?consumer_secret=x", "", nil},
		"an OAuth key":                      {"GET", cart + "?oauth_consumer_key=x", "", nil},
		"Basic and nothing":                 {"GET", cart, "", []string{"Authorization: Basic"}},
		"Basic and a name":                  {"GET", cart, "", []string{"Authorization: Basic YWxpY2U6"}},
		"Basic and a password":              {"GET", cart, "", []string{"Authorization: Basic OndvbmRlcmxhbmQ="}},
		"Basic and nonsense":                {"GET", cart, "", []string{"Authorization: Basic !"}},
		"a name in a form":                  {"POST", cart + "/add-item", "id=12&username=x", []string{form}},
		"a name in JSON":                    {"POST", cart + "/add-item", `{"id":"12","username":"x"}`, []string{"Content-Type: application/json"}},
		"a name in the query, rest in JSON": {"POST", cart + "/add-item?username=x", `{"password":"x"}`, []string{"Content-Type: application/json"}},
		"a cookie with its nonce":           {"GET", cart, "", []string{browserCookies, "X-WP-Nonce: 1"}},
		"a cookie, its nonce and a name":    {"GET", cart + "?username=x", "", []string{browserCookies, "X-WP-Nonce: 1"}},
		"OPTIONS for a GET":                 {"OPTIONS", cart + "?_method=GET", "", nil},
		"OPTIONS for a GET, by header":      {"OPTIONS", cart, "", []string{"X-HTTP-Method-Override: GET"}},
		"GET for an OPTIONS":                {"GET", cart + "?_method=OPTIONS", "", nil},
		"a name on logout":                  {"POST", "/wp-json/cocart/v2/logout?username=x", "", nil},
		"a name on a batch":                 {"POST", "/wp-json/batch/v1?username=x", `{"requests":[{"path":"/cocart/v2/cart"}]}`, []string{"Content-Type: application/json"}},
	} {
		r := s.do(row.method, row.target, row.body, row.headers...)
		if got, want := r.failure(), failure(401, "cocart_rest_not_authorized", "Sorry, you are not authorized."); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

// What is whole is checked by WordPress, with the rule that no user means no
// guest; a cookie beside it does not count.
func TestWhereGuestsAreTurnedAwayWordPressIsToldSo(t *testing.T) {
	const cart, form = "/wp-json/cocart/v2/cart", "Content-Type: application/x-www-form-urlencoded"
	for guests, change := range map[string]func(*gateway.Config){"deny": denyGuests, "": func(*gateway.Config) {}} {
		s := openShop(t, change)
		for name, row := range map[string]struct {
			method, query, body string
			headers             []string
		}{
			"Basic":               {"GET", "", "", []string{"Authorization: Basic YTpi"}},
			"Basic as PHP reads":  {"GET", "", "", []string{"Authorization: basic  YW-xpY2U6d29uZGVybGFuZC0x!"}},
			"query":               {"GET", "?username=alice&password=x", "", nil},
			"form":                {"POST", "", "username=alice&password=x", []string{form}},
			"form and query":      {"POST", "?username=alice", "password=x", []string{form}},
			"JSON":                {"POST", "", `{"username":"alice","password":"x"}`, []string{"Content-Type: application/json"}},
			"API key":             {"GET", "?consumer_key=ck_1&consumer_secret=cs_1", "", nil},
			"OAuth key":           {"GET", "?oauth_consumer_key=ck_1&oauth_signature=x", "", nil},
			"beside a cookie":     {"GET", "", "", []string{"Authorization: Basic YTpi", "Cookie: wordpress_logged_in_1=bob"}},
			"OPTIONS that is one": {"OPTIONS", "", "", []string{"Authorization: Basic YTpi"}},
		} {
			s.do(row.method, cart+row.query, row.body, row.headers...)
			got := s.wordpress.Last()
			if got.Claims.Kind != "credentials" || got.Claims.Guests != guests || got.Body != row.body || got.Header.Get("Cookie") != "" {
				t.Errorf("guests %q, %s: %+v, body %q, cookies %q", guests, name, got.Claims, got.Body, got.Header.Get("Cookie"))
			}
		}
	}
}

func TestValidate(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	const route = "/wp-json/cocart/jwt/validate-token"
	r := s.post(route, "", "Authorization: Bearer "+access)
	if want := `{"message":"Token is valid.","data":{"status":200}}`; r.Status != 200 || r.Body != want || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("valid: %d %s %v", r.Status, r.Body, r.Header)
	}
	if got, want := s.post(route, "").failure(), failure(401, "rest_forbidden", "Sorry, you are not allowed to do that."); got != want {
		t.Errorf("none: %s", got)
	}
	if got, want := s.post(route, "", "Authorization: Bearer garbage").failure(), failure(401, "cocart_authentication_error", "Authentication failed."); got != want {
		t.Errorf("bad: %s", got)
	}
	if n := len(s.wordpress.Seen()); n != 1 { // the login
		t.Errorf("WordPress was asked %d times", n)
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	for _, version := range []string{"v1", "v2"} {
		s := openShop(t)
		access, refresh := s.login()
		other, _ := s.login()
		r := s.post("/wp-json/cocart/"+version+"/logout", "", "Authorization: Bearer "+access)
		if r.Status != 200 || r.Body != "true" || s.wordpress.Last().Claims.Subject != "2" {
			t.Errorf("%d %s", r.Status, r.Body)
		}
		if got := s.cart(access).Status; got != 401 {
			t.Errorf("access token: %d", got)
		}
		if got := s.refresh(refresh).Status; got != 401 {
			t.Errorf("refresh token: %d", got)
		}
		if got := s.cart(other).Status; got != 200 {
			t.Errorf("the other session: %d", got)
		}
	}
}

func TestLogoutEndsTheSessionEvenIfWordPressFails(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	if got := s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access).Status; got != 502 {
		t.Errorf("status %d", got)
	}
	if got := [2]int{s.cart(access).Status, s.refresh(refresh).Status}; got != [2]int{401, 401} {
		t.Errorf("afterwards: %v", got)
	}
}

func TestGuestLogoutIsWordPresss(t *testing.T) {
	s := openShop(t)
	if r := s.post("/wp-json/cocart/v2/logout", ""); r.Status != 200 || r.Body != "true" || s.wordpress.Last().Claims.Kind != "guest" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestChangedAccountEndsItsSessions(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.wordpress.Lock()
	s.wordpress.Users[0].Fingerprint = "fp-alice-2" // a new password, set behind our back
	s.wordpress.Unlock()
	r := s.cart(access)
	if got, want := r.failure(), failure(401, "cocart_authentication_error", "Authentication failed."); got != want || r.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("first use: %s %v", got, r.Header)
	}
	asked := len(s.wordpress.Seen())
	if got := s.cart(access).Status; got != 401 || len(s.wordpress.Seen()) != asked {
		t.Errorf("second use: %d, asked WordPress %d times", got, len(s.wordpress.Seen())-asked)
	}
	if got := s.refresh(refresh).Status; got != 401 {
		t.Errorf("refresh: %d", got)
	}
	fresh, _ := s.login() // in the same second
	if got := s.cart(fresh).Status; got != 200 {
		t.Errorf("fresh login: %d", got)
	}
}

func TestAccountChangedThroughUsEndsItsSessionsAtOnce(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		for _, dead := range []struct{ user, fp string }{{"7", "fp-of-bob"}, {"2", "fp-alice-1"}} {
			w.Header().Add("X-CoCart-Gateway-Ended", s.wordpress.Sign("cocart-ended+jwt", r.Header.Get("X-CoCart-Gateway"), map[string]any{"sub": dead.user, "fp": dead.fp, "reason": "changed"}))
		}
		upstreamtest.JSON(w, 200, "saved")
		return true
	}
	if r := s.do("POST", "/wp-admin/profile.php", "pass1=x"); r.Status != 200 || r.Body != "saved" || r.Header.Get("X-CoCart-Gateway-Ended") != "" {
		t.Errorf("%d %s %v", r.Status, r.Body, r.Header)
	}
	asked := len(s.wordpress.Seen())
	if got := [2]int{s.cart(access).Status, s.refresh(refresh).Status}; got != [2]int{401, 401} || len(s.wordpress.Seen()) != asked {
		t.Errorf("afterwards: %v", got)
	}
}

func TestTheStorefrontDoesNotNoticeUs(t *testing.T) {
	s := openShop(t)
	for _, target := range []string{"/", "/wp-admin/admin-ajax.php?action=x&rest_route=/cocart/v2/cart", "/wp-json/wp/v2/posts", "/wp-json/wc/store/v1/cart", "/cocart/v2/cart", "/?s=wp-json/cocart/"} {
		r := s.do("POST", target, "body", "Authorization: Bearer of-another-plugin", "Cookie: a=b", "Content-Type: text/plain")
		got := s.wordpress.Last()
		if r.Status != 200 || got.Target != target || got.Body != "body" || got.Claims.Kind != "site" ||
			got.Header.Get("Authorization") != "Bearer of-another-plugin" || got.Header.Get("Cookie") != "a=b" {
			t.Errorf("%s: %d %+v", target, r.Status, got)
		}
	}
}

func TestOnlyTrustedProxiesSayWhoTheClientIs(t *testing.T) {
	for name, row := range map[string]struct {
		trusted string
		headers []string
		client  string
		proto   string
	}{
		"no proxy is trusted":          {"", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"}, "127.0.0.1", "http"},
		"our peer is":                  {"127.0.0.0/8", []string{"X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"}, "192.0.2.1", "https"},
		"what the client claimed":      {"127.0.0.0/8", []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.1"}, "192.0.2.1", "http"},
		"a chain of proxies":           {"127.0.0.0/8 10.0.0.0/8", []string{"X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.1.1.1", "X-Forwarded-For: 10.2.2.2"}, "192.0.2.1", "http"},
		"garbage in the chain":         {"127.0.0.0/8", []string{"X-Forwarded-For: 192.0.2.1, unknown"}, "127.0.0.1", "http"},
		"IPv6 with port":               {"127.0.0.0/8", []string{"X-Forwarded-For: [2001:db8::1]:4711"}, "2001:db8::1", "http"},
		"IPv4 in IPv6":                 {"127.0.0.0/8", []string{"X-Forwarded-For: ::ffff:192.0.2.1"}, "192.0.2.1", "http"},
		"a list over trusted hops":     {"127.0.0.0/8 10.0.0.0/8", []string{"X-Forwarded-For: 192.0.2.1, 10.1.1.1", "X-Forwarded-Proto: https, http"}, "192.0.2.1", "https"},
		"a claim left of the list":     {"127.0.0.0/8 10.0.0.0/8", []string{"X-Forwarded-For: 192.0.2.1, 10.1.1.1", "X-Forwarded-Proto: https, http, http"}, "192.0.2.1", "http"},
		"CloudFront":                   {"127.0.0.0/8", []string{"CloudFront-Forwarded-Proto: https"}, "127.0.0.1", "https"},
		"X-Forwarded-Ssl":              {"127.0.0.0/8", []string{"X-Forwarded-Ssl: on"}, "127.0.0.1", "https"},
		"X-Forwarded-Ssl off":          {"127.0.0.0/8", []string{"X-Forwarded-Ssl: off", "Front-End-Https: on"}, "127.0.0.1", "http"},
		"Front-End-Https":              {"127.0.0.0/8", []string{"Front-End-Https: On"}, "127.0.0.1", "https"},
		"X-Forwarded-Scheme":           {"127.0.0.0/8", []string{"X-Forwarded-Scheme: HTTPS"}, "127.0.0.1", "https"},
		"a second header of a client":  {"127.0.0.0/8", []string{"X-Forwarded-Proto: http", "X-Forwarded-Ssl: on", "CloudFront-Forwarded-Proto: https"}, "127.0.0.1", "http"},
		"scheme headers of a stranger": {"", []string{"X-Forwarded-Ssl: on", "Front-End-Https: on", "CloudFront-Forwarded-Proto: https", "Forwarded: proto=https"}, "127.0.0.1", "http"},
		"Forwarded":                    {"127.0.0.0/8", []string{`Forwarded: for="[2001:db8::1]:4711";proto=https;host=shop.example`}, "2001:db8::1", "https"},
		"Forwarded, two hops":          {"127.0.0.0/8 10.0.0.0/8", []string{"Forwarded: for=6.6.6.6;proto=http, for=192.0.2.1;proto=https", "Forwarded: for=10.1.1.1;proto=http"}, "192.0.2.1", "https"},
		"Forwarded of a client":        {"127.0.0.0/8", []string{"X-Forwarded-For: 192.0.2.1", "Forwarded: for=6.6.6.6;proto=https"}, "192.0.2.1", "http"},
		"Forwarded with a hidden name": {"127.0.0.0/8", []string{"Forwarded: for=6.6.6.6, for=_hidden;proto=https"}, "127.0.0.1", "https"},
		"the nearest proxy's scheme":   {"127.0.0.0/8", []string{"X-Forwarded-Proto: https, http"}, "127.0.0.1", "http"},
		"only proxies all the way":     {"127.0.0.0/8", []string{"X-Forwarded-For: 127.0.0.9"}, "127.0.0.9", "http"},
		"other headers are not asked":  {"127.0.0.0/8", []string{"X-Real-IP: 192.0.2.1", "CF-Connecting-IP: 192.0.2.1"}, "127.0.0.1", "http"},
		"no header from trusted peers": {"127.0.0.0/8", nil, "127.0.0.1", "http"},
	} {
		s := openShop(t, func(c *gateway.Config) {
			for p := range strings.FieldsSeq(row.trusted) {
				c.TrustedProxies = append(c.TrustedProxies, netip.MustParsePrefix(p))
			}
		})
		s.do("GET", "/wp-json/cocart/v2/cart", "", row.headers...)
		if got := s.wordpress.Last().Claims; got.Client != row.client || got.Proto != row.proto {
			t.Errorf("%s: %s %s", name, got.Client, got.Proto)
		}
	}
}

func TestRedisAwayShoppersShopOn(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.store.SetError("LOADING Redis is loading the dataset in memory")
	if got := s.cart(access).Status; got != 200 {
		t.Errorf("cart: %d", got)
	}
	for name, r := range map[string]reply{
		"refresh": s.refresh(refresh),
		"login":   s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`),
		"logout":  s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access), // to be asked for again
	} {
		want := failure(503, "cocart_gateway_store_unavailable", "Signing in and out is not possible at the moment. Please try again shortly.")
		if got := r.failure(); got != want || r.Header.Get("Retry-After") != "5" {
			t.Errorf("%s: %s %v", name, got, r.Header)
		}
	}
	s.store.SetError("")
	if r := s.refresh(refresh); r.Status != 200 { // nothing was lost
		t.Errorf("afterwards: %s %s", r.failure(), s.log)
	}
	if r := s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access); r.Status != 200 || s.cart(access).Status != 401 {
		t.Errorf("logout afterwards: %s", r.failure())
	}
}

func TestWordPressAwayIsSaidCalmly(t *testing.T) {
	s := openShop(t)
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	want := failure(502, "cocart_gateway_upstream_unavailable", "The shop cannot be reached at the moment.")
	for _, r := range []reply{s.do("GET", "/wp-json/cocart/v2/cart", ""), s.post("/wp-json/cocart/v2/login", `{"username":"a","password":"b"}`)} {
		if got := r.failure(); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func TestLogsHoldNoSecrets(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.cart(access)
	s.cart(access + "x")
	_, second := s.refresh(refresh).pair(t)
	s.refresh(strings.Repeat("a", 128))
	s.do("GET", "/wp-json/cocart/v2/cart?username=alice&password=canary-password", "", "Cookie: session=canary-cookie", "Authorization: Basic Y2FuYXJ5LWJhc2ljOng=")
	s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"canary-wrong"}`)
	log := s.log.String()
	for _, secret := range []string{access, refresh, second, "wonderland-1", "canary", "Y2FuYXJ5", upstreamtest.Secret, signingSecret} {
		if strings.Contains(log, secret) {
			t.Errorf("%.12q… is in the log", secret)
		}
	}
	if n := strings.Count(log, `"msg":"request"`); n != 7 {
		t.Errorf("%d request lines", n)
	}
}

func TestMetricsAreCleanAndClosed(t *testing.T) {
	s := openShop(t)
	for _, method := range []string{"GET", "BREW", "FROB"} {
		s.do(method, "/"+method, "")
	}
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.WriteHeader(799)
		return true
	}
	s.do("GET", "/", "")
	problems, err := testutil.GatherAndLint(s.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	got := map[string]float64{}
	for _, label := range []string{"GET", "other", "BREW", "200", "799"} {
		got[label] = s.metric("cocart_gateway_http_requests_total", label)
	}
	for label, want := range map[string]float64{"GET": 2, "other": 3, "BREW": 0, "200": 3, "799": 0} {
		if got[label] != want {
			t.Errorf("%s: %v, want %v", label, got[label], want)
		}
	}
}
