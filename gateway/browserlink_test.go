package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream/upstreamtest"
)

const browserRoute = "/wp-json/cocart/jwt/browser"

// browserLink asks for a link with a token and returns its target.
func (s *shop) browserLink(access, body string) string {
	s.t.Helper()
	r := s.post(browserRoute, body, bearer(access))
	var link struct {
		URL       string
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(r.Body), &link); err != nil || r.Status != 200 || link.ExpiresIn != 60 {
		s.t.Fatalf("%d %s", r.Status, r.Body)
	}
	target, found := strings.CutPrefix(link.URL, upstreamtest.SiteURL)
	if !found || r.Header.Get("Cache-Control") != "private, no-store" {
		s.t.Fatalf("%s %v", r.Body, r.Header)
	}
	return target
}

var navigation = []string{"Accept: text/html", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none", "Sec-Fetch-User: ?1"}

func (s *shop) follow(target string, headers ...string) reply {
	s.t.Helper()
	return s.do("GET", target, "", append(navigation[:len(navigation):len(navigation)], headers...)...)
}

func (s *shop) mustBeSpent(name string, r reply) {
	s.t.Helper()
	if r.Status != http.StatusGone || !strings.Contains(r.Body, "Go back to the app") || strings.Contains(r.Header.Get("Set-Cookie"), "logged_in") || r.Header.Get("WWW-Authenticate") != "" {
		s.t.Errorf("%s: %d %s %v", name, r.Status, r.Body, r.Header)
	}
}

func TestALinkLogsABrowserInOnce(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for body, want := range map[string]string{
		"":                               "/checkout/",
		`{"redirect":null}`:              "/checkout/",
		`{"redirect":"/cart/?coupon=a"}`: "/cart/?coupon=a",
	} {
		link := s.browserLink(access, body)
		r := s.follow(link, "Cookie: a=1; wp_woocommerce_session_1=guest", "Authorization: Basic YTpi", "X-HTTP-Method-Override: POST", "Cart-Key: 3")
		if r.Status != 303 || r.Header.Get("Location") != upstreamtest.SiteURL+want || !strings.Contains(r.Header.Get("Set-Cookie"), "wordpress_logged_in_1=2") {
			t.Errorf("%s: %d %v", body, r.Status, r.Header)
		}
		if r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", body, r.Header)
		}
		got := s.wordpress.Last()
		if got.Claims.Kind != "browser" || got.Claims.Subject != "2" || got.Claims.Session == "" || got.Claims.Fingerprint != "fp-alice-1" || got.Target != "/?rest_route=/cocart-gateway/v1/browser" || got.Method != "GET" {
			t.Errorf("%s: WordPress got %s %s with %+v", body, got.Method, got.Target, got.Claims)
		}
		if got.Header.Get("Cookie") != "a=1; wp_woocommerce_session_1=guest" || got.Header.Get("Authorization")+got.Header.Get("X-Http-Method-Override")+got.Header.Get("Cart-Key") != "" {
			t.Errorf("%s: WordPress got %v", body, got.Header)
		}
		asked := len(s.wordpress.Seen())
		s.mustBeSpent("again", s.follow(link))
		if len(s.wordpress.Seen()) != asked {
			t.Error("WordPress was asked about a spent ticket")
		}
		if _, ticket, _ := strings.Cut(link, "="); strings.Contains(s.log.String(), ticket) {
			t.Error("the log has the ticket")
		}
	}
}

// Whatever the path says, and however PHP would find the parameter, the ticket reaches no other reader.
func TestALinkInAnySpellingIsALink(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for _, spelling := range []string{"/?cocart_browser=", "/?cocart.browser=", "/?%63ocart+browser=", "/shop/?a=1&cocart_browser=", "/wp-json/cocart/v2/cart?cocart_browser=", "/wp-login.php?cocart[browser=", "/?rest_route=/cocart/v2/cart&cocart_browser=", "/?cocart_browser=x&cocart_browser="} {
		_, ticket, _ := strings.Cut(s.browserLink(access, ""), "=")
		if r := s.follow(spelling + ticket); r.Status != 303 || s.wordpress.Last().Target != "/?rest_route=/cocart-gateway/v1/browser" {
			t.Errorf("%s: %d, WordPress got %s", spelling, r.Status, s.wordpress.Last().Target)
		}
	}
	asked := len(s.wordpress.Seen())
	for _, target := range []string{"/?cocart_browser", "/?cocart_browser=", "/?cocart_browser[]=x", "/?cocart_browser=%00", "/?cocart_browser=" + strings.Repeat("A", 43), "/wp-json/cocart/v2/login?cocart_browser=" + strings.Repeat("a", 9000)} {
		s.mustBeSpent(target, s.follow(target))
	}
	if len(s.wordpress.Seen()) != asked {
		t.Errorf("WordPress was asked")
	}
}

func TestWhatIsNoNavigationSpendsNoTicket(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	link := s.browserLink(access, "")
	asked := len(s.wordpress.Seen())
	for name, row := range map[string]struct {
		method  string
		status  int
		headers []string
	}{
		"HEAD":           {"HEAD", 405, nil},
		"POST":           {"POST", 405, nil},
		"OPTIONS":        {"OPTIONS", 405, []string{appOrigin, "Access-Control-Request-Method: GET"}},
		"an image":       {"GET", 403, []string{"Sec-Fetch-Dest: image"}},
		"a frame":        {"GET", 403, []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"}},
		"a script":       {"GET", 403, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors"}},
		"a prefetch":     {"GET", 403, []string{"Sec-Purpose: prefetch", "Sec-Fetch-Dest: document"}},
		"a prerender":    {"GET", 403, []string{"Sec-Purpose: prefetch;prerender"}},
		"an old browser": {"GET", 403, []string{"Purpose: prefetch"}},
	} {
		if r := s.do(row.method, link, "", row.headers...); r.Status != row.status || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if len(s.wordpress.Seen()) != asked {
		t.Error("WordPress was asked")
	}
	if r := s.do("GET", link, ""); r.Status != 303 { // of a browser without Fetch Metadata
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
}

func TestOnlyPathsOfTheShopAreGoneOnTo(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for _, to := range []string{"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "checkout", "javascript:alert(1)", "/\t/evil.example", "/\r\nX: y", "/ a", "/\u00e9", "/" + strings.Repeat("a", 1024)} {
		text, err := json.Marshal(map[string]string{"redirect": to})
		s.must(err)
		if r := s.post(browserRoute, string(text), bearer(access)); r.Status != 400 || !strings.Contains(r.Body, "cocart_gateway_bad_request") {
			t.Errorf("%q: %d %s", to, r.Status, r.Body)
		}
	}
	for _, body := range []string{`{"redirect":["/"]}`, `{"redirect":1}`, `{`} {
		if r := s.post(browserRoute, body, bearer(access)); r.Status != 400 {
			t.Errorf("%s: %d %s", body, r.Status, r.Body)
		}
	}
	for _, key := range s.store.Keys() {
		if strings.Contains(key, "ticket:") {
			t.Errorf("a ticket was written: %s", key)
		}
	}
}

func TestWhoGetsNoLink(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	invalid := failure(401, "cocart_authentication_error", "Authentication failed.")
	forbidden := failure(401, "rest_forbidden", "Sorry, you are not allowed to do that.")
	for name, row := range map[string]struct {
		method, target, want string
		headers              []string
	}{
		"a guest":      {"POST", browserRoute, forbidden, nil},
		"a password":   {"POST", browserRoute, forbidden, []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"}},
		"a cookie":     {"POST", browserRoute, forbidden, []string{"Cookie: wordpress_logged_in_1=2", "X-WP-Nonce: a"}},
		"garbage":      {"POST", browserRoute, invalid, []string{bearer("a.b.c")}},
		"GET":          {"GET", browserRoute, failure(405, "cocart_gateway_method_not_allowed", "This method is not accepted here."), []string{bearer(access)}},
		"GET as POST":  {"POST", browserRoute + "?_method=GET", failure(405, "cocart_gateway_method_not_allowed", "This method is not accepted here."), []string{bearer(access)}},
		"as a script":  {"POST", browserRoute + "?_jsonp=steal", failure(400, "cocart_gateway_bad_request", "The parameter _jsonp is not accepted here."), []string{bearer(access)}},
		"no such path": {"POST", browserRoute + "/x", "OK", []string{bearer(access)}},
	} {
		if got := s.do(row.method, row.target, "", row.headers...); !strings.HasPrefix(got.failure(), row.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got.failure(), row.want)
		}
	}
	s.post(logoutRoute, "", bearer(access))
	if got := s.post(browserRoute, "", bearer(access)); got.failure() != invalid {
		t.Errorf("after the logout: %s", got.failure())
	}
}

func TestALinkEndsWithItsTimeAndItsSession(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	late := s.browserLink(access, "")
	s.clock.step(time.Minute)
	s.mustBeSpent("a minute later", s.follow(late))
	over := s.browserLink(access, "")
	s.post(logoutRoute, "", bearer(access))
	asked := len(s.wordpress.Seen())
	s.mustBeSpent("after the logout", s.follow(over))
	if len(s.wordpress.Seen()) != asked {
		t.Error("WordPress was asked")
	}

	access, refresh := s.login()
	changed := s.browserLink(access, "")
	s.wordpress.Users[0].Fingerprint = "fp-alice-2"
	s.mustBeSpent("after a new password", s.follow(changed))
	if r := s.refresh(refresh); r.Status != 401 {
		t.Errorf("the session of the earlier password goes on: %d", r.Status)
	}
}

// Behind a proxy with a Host of its own the shop's pages are known by X-Forwarded-Host.
func TestAPageOfTheShopBehindAProxyLogsABrowserIn(t *testing.T) {
	s := openShop(t, trustingLoopback)
	access, _ := s.login()
	behind := []string{"Host: backend.internal", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https", "Accept: text/html"}
	if r := s.do("GET", s.browserLink(access, ""), "", append(behind, "Referer: https://shop.example/app/")...); r.Status != 303 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r := s.do("GET", s.browserLink(access, ""), "", append(behind, "Referer: https://backend.internal/")...); r.Status != 200 || !strings.Contains(r.Body, "Continue as alice?") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

// An attacker makes a link for the own account and has the browser of a victim follow it.
func TestAnotherSiteLogsNobodyInUnasked(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	link := s.browserLink(access, "")
	asked := len(s.wordpress.Seen())
	for _, from := range [][]string{{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"}, {"Sec-Fetch-Site: same-site"}, {"Referer: https://evil.example/"}} {
		r := s.do("GET", link, "", append(from, "Accept: text/html")...)
		if r.Status != 200 || !strings.Contains(r.Body, "Continue as alice?") || !strings.Contains(r.Body, `href="`+strings.TrimPrefix(link, "/")+`"`) ||
			r.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%v: %d %s %v", from, r.Status, r.Body, r.Header)
		}
	}
	if len(s.wordpress.Seen()) != asked {
		t.Error("WordPress was asked")
	}
	if r := s.do("GET", link, "", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate"); r.Status != 303 {
		t.Errorf("the link of that page: %d %s", r.Status, r.Body)
	}
	s.mustBeSpent("again from another site", s.do("GET", link, "", "Sec-Fetch-Site: cross-site", "Accept: text/html"))

	if r := s.follow(s.browserLink(access, ""), "Cookie: wordpress_logged_in_1=3"); r.Status != 409 || !strings.Contains(r.Body, "Another account is logged in") || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("a browser of another user: %d %s", r.Status, r.Body)
	}
}

// What is no answer of Browser_Login does not reach the browser.
func TestAnotherAnswerThanThePluginsIsNoLogin(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for status, want := range map[int]int{200: 502, 403: 403, 404: 502, 500: 502, 401: 410} {
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
			if seen.Claims.Kind != "browser" {
				return false
			}
			w.Header().Set("Set-Cookie", "a=1")
			upstreamtest.JSON(w, status, `{"code":"x"}`)
			return true
		}
		if r := s.follow(s.browserLink(access, "")); r.Status != want || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d: %d %s", status, r.Status, r.Body)
		}
	}
	s.wordpress.NoPlugin, s.wordpress.Answer = true, nil
	if r := s.follow(s.browserLink(access, "")); r.Status != 502 {
		t.Errorf("without the plugin: %d %s", r.Status, r.Body)
	}
}

func TestWithoutRedisThereAreNoLinks(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	link := s.browserLink(access, "")
	s.store.Close()
	if r := s.post(browserRoute, "", bearer(access)); r.Status != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("asking: %d %s", r.Status, r.Body)
	}
	if r := s.follow(link); r.Status != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("following: %d %s", r.Status, r.Body)
	}
	s.must(s.store.Restart())
	if r := s.follow(link); r.Status != 303 {
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
}

func TestGatewaysShareTheLinks(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	link := s.browserLink(access, "")
	client := s.client()
	defer client.Close()
	authority, err := tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: s.keys, Now: s.clock.Now}, client, prometheus.NewRegistry())
	s.must(err)
	site, err := url.Parse(upstreamtest.SiteURL)
	s.must(err)
	g, err := gateway.New(gateway.Config{SiteURL: site, Now: s.clock.Now}, authority, s.upstream, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	s.must(err)
	first := s.Server
	s.Server = httptest.NewServer(g)
	if r := s.follow(link); r.Status != 303 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	s.Close()
	s.Server = first
	s.mustBeSpent("at the first gateway", s.follow(link))
}

// In cookie mode the link is that of the cookie's session, also where its access token has expired.
func TestABrowserAppGetsALinkByItsSessionCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	_, access := v.tokens()
	want, err := s.authority.Verify(access)
	s.must(err)
	link := func() string {
		t.Helper()
		r := v.do("POST", browserRoute, `{"redirect":"/cart/"}`)
		var made struct{ URL string }
		if err := json.Unmarshal([]byte(r.Body), &made); err != nil || r.Status != 200 || strings.Contains(r.Body, access) {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
		return strings.TrimPrefix(made.URL, upstreamtest.SiteURL)
	}
	if r := s.follow(link()); r.Status != 303 || r.Header.Get("Location") != upstreamtest.SiteURL+"/cart/" || s.wordpress.Last().Claims.Session != want.Session {
		t.Errorf("%d %v, for the session %q", r.Status, r.Header, s.wordpress.Last().Claims.Session)
	}
	before := v.cookie
	s.clock.step(accessTTL + time.Minute)
	renewed := link()
	if v.cookie == before || v.cookie == "" {
		t.Error("the session was not renewed within the request")
	}
	if r := s.follow(renewed); r.Status != 303 || s.wordpress.Last().Claims.Session != want.Session {
		t.Errorf("after the renewal: %d %s", r.Status, r.Body)
	}
	over := link()
	if r := v.do("POST", logoutRoute, ""); r.Status != 200 {
		t.Fatalf("logout: %d %s", r.Status, r.Body)
	}
	s.mustBeSpent("after the logout", s.follow(over))
}

// A thief of an access token makes logins for many browsers ahead, or an app asks in a loop.
func TestASessionHasFewOpenLinks(t *testing.T) {
	s := openShop(t)
	second := s.beside()
	access, _ := s.login()
	first := s.browserLink(access, "")
	s.clock.step(10 * time.Second)
	for range 2 {
		s.browserLink(access, "")
		second.browserLink(access, "")
	}
	for _, r := range []reply{s.post(browserRoute, "", bearer(access)), second.post(browserRoute, "", bearer(access))} {
		if r.failure() != failure(429, "rate_limit_exceeded", "Too many open links of this session. Please open one of them, or wait 50 seconds.") ||
			r.Header.Get("Retry-After") != "50" || r.Header.Get("RateLimit-Limit") != "5" || r.Header.Get("RateLimit-Remaining") != "0" {
			t.Errorf("%s %v", r.failure(), r.Header)
		}
	}
	if n := s.metric("cocart_gateway_rate_limited_total", "browser_links"); n != 1 {
		t.Errorf("the metric counts %v", n)
	}
	other, _ := s.login()
	s.browserLink(other, "") // another session of the same customer
	if r := s.follow(first); r.Status != 303 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	s.browserLink(access, "") // one was spent
	if r := s.post(browserRoute, "", bearer(access)); r.Status != 429 {
		t.Errorf("again: %d %s", r.Status, r.Body)
	}
	s.clock.step(time.Minute)
	s.browserLink(access, "") // all have expired
}
