package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// pagesOf are how browsers send requests, by the page that has them sent.
var pagesOf = map[string]struct {
	headers []string
	mayUse  bool
}{
	"the shop's script":                       {ownPage, true},
	"the app of a listed origin":              {[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Origin: https://app.example"}, true},
	"an app of a listed wildcard":             {[]string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: cors", "Origin: https://app.shop.example"}, true},
	"a server":                                {nil, true},
	"a script of another site":                {[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", "Origin: https://evil.example"}, false},
	"a script of another site, older browser": {[]string{"Origin: https://evil.example"}, false},
	"a form, an image or a link elsewhere":    {[]string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, false},
	"a sibling host that is not listed":       {[]string{"Sec-Fetch-Site: same-site", "Origin: https://shop.example.evil.example"}, false},
	"a sandboxed frame":                       {[]string{"Sec-Fetch-Site: cross-site", "Origin: null"}, false},
}

func TestOtherSitesMayNotUseTheSessionCookie(t *testing.T) {
	s := openShop(t, forApp)
	for name, page := range pagesOf {
		for what, ask := range map[string]func(v *visitor) reply{
			"reads":                            func(v *visitor) reply { return v.do("GET", cartRoute, "") },
			"acts":                             func(v *visitor) reply { return v.do("POST", cartRoute+"/add-item", `{"id":"12"}`) },
			"validates":                        func(v *visitor) reply { return v.do("POST", validateRoute, "") },
			"refreshes":                        func(v *visitor) reply { return v.do("POST", refreshRoute, "") },
			"logs in":                          func(v *visitor) reply { return v.do("POST", loginRoute, alicesLogin, asCookie) },
			"who is it":                        func(v *visitor) reply { return v.do("POST", loginRoute, "{}") },
			"logs out":                         func(v *visitor) reply { return v.do("POST", logoutRoute, "") },
			"makes a link to log a browser in": func(v *visitor) reply { return v.do("POST", browserRoute, "") },
			"batches": func(v *visitor) reply {
				return v.do("POST", "/wp-json/batch/v1", `{"requests":[{"path":"/cocart/v2/cart"}]}`)
			},
			"after a day": func(v *visitor) reply { s.clock.step(accessTTL + time.Hour); return v.do("GET", cartRoute, "") },
		} {
			v := s.visit()
			kept := *v
			v.page = page.headers
			before := len(s.wordpress.Seen())
			r := ask(v)
			switch {
			case page.mayUse && r.Status != 200:
				t.Errorf("%s %s: %d %s", name, what, r.Status, r.Body)
			case !page.mayUse && (r.Status != 403 || !strings.Contains(r.Body, "cocart_gateway_cross_site") || len(s.wordpress.Seen()) != before || len(r.Header["Set-Cookie"]) != 0):
				t.Errorf("%s %s: %d %s %v", name, what, r.Status, r.Body, r.Header)
			case !page.mayUse && r.Header.Get("Access-Control-Allow-Credentials") != "":
				t.Errorf("%s may read the answer: %v", name, r.Header)
			}
			if !page.mayUse {
				if r := kept.do("GET", cartRoute, ""); r.Status != 200 {
					t.Errorf("%s %s: the customer is logged out: %d %s", name, what, r.Status, r.Body)
				}
			}
		}
	}
	if !strings.Contains(s.log.String(), `"event":"cross_site_request"`) {
		t.Error("the log does not say so")
	}
}

// Where cookies are not allowed for the listed origins, or any origin may read, only the shop's own pages count.
func TestAnOriginThatMaySendNoCookiesMayNotUseTheSessionCookie(t *testing.T) {
	for name, change := range map[string]func(*gateway.Config){
		"any origin":             func(*gateway.Config) {},
		"without credentials":    func(c *gateway.Config) { c.CORS.Origins = []string{"https://app.example"} },
		"WordPress decides":      passthrough,
		"WordPress, with a list": func(c *gateway.Config) { onlyApp(c); c.CORS.Passthrough = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, cookieMode, change)
			v := s.visit()
			v.page = []string{"Sec-Fetch-Site: cross-site", "Origin: https://app.example"}
			if r := v.do("GET", cartRoute, ""); r.Status != 403 || r.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%d %v", r.Status, r.Header)
			}
		})
	}
}

// A page that may not use the cookie is served as before without it.
func TestOtherSitesAreServedWithoutTheCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	evil := []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}
	if r := s.do("GET", cartRoute, "", evil...); r.Status != 200 || s.asked() != "guest 0" {
		t.Errorf("a guest: %d", r.Status)
	}
	access, _ := s.login()
	if r := s.do("GET", cartRoute, "", append(evil, "Authorization: Bearer "+access)...); r.Status != 200 || s.asked() != "customer 2" {
		t.Errorf("a bearer: %d", r.Status)
	}
	v := s.visit()
	v.page = evil
	if r := v.do("GET", "/shop/", ""); r.Status != 200 {
		t.Errorf("the storefront: %d", r.Status)
	}
}

// A customer writes an image into a review, whose address is one of the API: the shop's own page has the browser ask.
func TestAGetThatActsIsRefusedWithTheCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	image := []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}
	for _, row := range []struct {
		target  string
		headers []string
	}{
		{cartRoute + "/add-item?id=12&_method=POST", image},
		{cartRoute + "/add-item?id=12&_method=POST", nil},
		{logoutRoute + "?_method=POST", image},
		{cartRoute, []string{"X-HTTP-Method-Override: DELETE"}},
	} {
		v.page = row.headers
		before := len(s.wordpress.Seen())
		if r := v.do("GET", row.target, ""); r.Status != 403 || len(s.wordpress.Seen()) != before || v.cookie == "" {
			t.Errorf("%s: %d %s", row.target, r.Status, r.Body)
		}
	}
	v.page = ownPage
	for _, wrapping := range []string{"?_jsonp=a", "?_envelope=1"} {
		if r := v.do("GET", cartRoute+wrapping, ""); r.Status != 400 {
			t.Errorf("%s: %d %s", wrapping, r.Status, r.Body)
		}
	}
}

// Cookie tossing: a host below cookies.domain sets a cookie of the same name for /wp-json, which the browser sends first.
func TestOfTwoDifferentSessionCookiesNoneCounts(t *testing.T) {
	s := openShop(t, forApp, func(c *gateway.Config) { c.Cookies.Domain = "shop.example" })
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "eve", Password: "builder-2", Fingerprint: "fp-eve"})
	v := s.visit()
	eve := &visitor{s: s, page: ownPage}
	eve.do("POST", loginRoute, `{"username":"eve","password":"builder-2"}`, asCookie)
	for name, both := range map[string]string{"the attacker's first": eve.cookie + "; " + v.cookie, "the attacker's last": v.cookie + "; " + eve.cookie, "an empty one": v.cookie + "; __Secure-cocart_session="} {
		before := len(s.wordpress.Seen())
		r := s.do("GET", cartRoute, "", append(slices.Clone(ownPage), "Cookie: "+both)...)
		if r.Status != 401 || len(s.wordpress.Seen()) != before {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		removed := strings.Join(r.Header["Set-Cookie"], "\n")
		for _, want := range []string{"__Secure-cocart_session=; Path=/; Max-Age=0", "__Secure-cocart_session=; Path=/; Domain=shop.example; Max-Age=0", "Partitioned"} {
			if !strings.Contains(removed, want) {
				t.Errorf("%s: %q does not remove %s", name, removed, want)
			}
		}
	}
	if r := s.do("GET", cartRoute, "", "Cookie: "+v.cookie+"; "+v.cookie); r.Status != 200 || s.asked() != "customer 2" {
		t.Errorf("the same twice: %d, for %s", r.Status, s.asked())
	}
	refresh, _ := eve.tokens()
	_, access := v.tokens()
	s.do("GET", cartRoute, "", "Cookie: __Secure-cocart_session="+refresh+"."+access)
	if s.asked() != "customer 2" {
		t.Errorf("tokens of two sessions: %s", s.asked())
	}
}

// A cookie name that this configuration does not use is no session, and another host could have set it.
func TestASessionCookieOfAnotherSettingDoesNotCount(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	_, value, _ := strings.Cut(v.cookie, "=")
	s.do("GET", cartRoute, "", "Cookie: __Secure-cocart_session="+value)
	if s.asked() != "guest 0" {
		t.Error(s.asked())
	}
}

func TestEachLoginBeginsASessionOfItsOwn(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before, _ := v.tokens()
	v.do("POST", loginRoute, alicesLogin, asCookie)
	after, _ := v.tokens()
	if before[:32] == after[:32] {
		t.Error("the session that was there before the login goes on")
	}
}

func TestPreflightsAllowCookieModeToListedOriginsOnly(t *testing.T) {
	s := openShop(t, forApp)
	ask := func(origin string) http.Header {
		return s.do("OPTIONS", loginRoute, "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: cocart-session,content-type").Header
	}
	if h := ask("https://app.example"); h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Credentials") != "true" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "cocart-session") {
		t.Errorf("listed: %v", h)
	}
	if h := ask("https://evil.example"); h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("another: %v", h)
	}
	if len(s.wordpress.Seen()) != 0 {
		t.Error("WordPress was asked")
	}
}

// A tab or an attacker with a valid cookie cannot keep Redis busy.
func TestRenewalsAreLimited(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { cookieMode(c) })
	s.wordpress.Answer = nil
	v := s.visit()
	s.clock.step(accessTTL + time.Minute)
	kept := *v
	var last reply
	for range 50 {
		again := kept
		if last = again.do("GET", cartRoute, ""); last.Status != 200 {
			break
		}
	}
	if last.Status != 429 || last.Header.Get("Retry-After") == "" || len(last.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %s %v", last.Status, last.Body, last.Header)
	}
	if !strings.Contains(s.log.String(), "limits.refresh") {
		t.Errorf("the log does not name the setting:\n%s", s.log)
	}
}
