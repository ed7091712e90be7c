package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func protectingApp(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	return protectingShop(t, append([]func(*gateway.Config){forApp}, change...)...)
}

func TestTheSessionCookieCountsOnRoutesOfSiteProtectWithItsHeader(t *testing.T) {
	s := protectingApp(t)
	for target, entry := range map[string]string{storeCart: "wc/store", "/?rest_route=/wc/store/v1/cart": "wc/store", "/graphql": "/graphql"} {
		v := s.visit()
		session := v.cookie
		v.cookie += "; wordpress_logged_in_1=x; woocommerce_items_in_cart=1"
		r := v.do("POST", target, "{}", asCookie, "Cart-Token: a.b.c", "Nonce: 0123456789", "Authorization: Bearer")
		got := s.wordpress.Last()
		if r.Status != 200 || s.asked() != "customer 2" || got.Claims.Protect != entry || got.Target != target || len(r.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s, as %s with %q", target, r.Status, r.Body, s.asked(), got.Claims.Protect)
		}
		if got.Header.Get("Authorization") != "" || got.Header.Get("Cart-Token") != "a.b.c" || got.Header.Get("Nonce") != "0123456789" || got.Header.Get("Cookie") != "woocommerce_items_in_cart=1" {
			t.Errorf("%s: WordPress got %v", target, got.Header)
		}
		if r.Header.Get("Cache-Control") != "private, no-store" || !strings.Contains(strings.Join(r.Header["Vary"], ","), "Cookie") {
			t.Errorf("%s: Cache-Control is %q, Vary %q", target, r.Header.Get("Cache-Control"), r.Header["Vary"])
		}
		v.cookie = session
		s.clock.step(accessTTL + time.Hour)
		if r := v.do("POST", target, "{}", asCookie); r.Status != 200 || s.asked() != "customer 2" || v.cookie == session || v.cookie == "" {
			t.Errorf("%s, days later: %d %s, as %s, %q", target, r.Status, r.Body, s.asked(), r.Header["Set-Cookie"])
		}
	}
}

// The storefront's own pages use these routes for their visitors, in the same browser.
func TestWithoutTheHeaderTheSessionCookieCountsOnCoCartsRoutesAlone(t *testing.T) {
	s := protectingApp(t)
	v := s.visit()
	for name, row := range map[string]struct {
		target  string
		headers []string
	}{
		"without the header":          {storeCart, nil},
		"/graphql without it":         {"/graphql", nil},
		"a password":                  {storeCart, []string{asCookie, "Authorization: Basic YTpi"}},
		"WordPress's login and nonce": {storeCart, []string{asCookie, "Cookie: wordpress_logged_in_1=x", "X-WP-Nonce: 1"}},
		"two of Authorization":        {storeCart, []string{asCookie, "Authorization: Bearer a", "Authorization: Bearer b"}},
		"orders":                      {"/wp-json/wc/v3/orders", []string{asCookie}},
		"a page":                      {"/shop/", []string{asCookie}},
		"application passwords":       {"/wp-json/wp/v2/users/me/application-passwords", []string{asCookie}},
		"a script of WordPress's":     {"/wp-login.php?rest_route=/wc/store/v1/cart", []string{asCookie}},
		"an unclear route":            {storeCart + "?rest_route=/wc/v3/orders", []string{asCookie}},
	} {
		r := v.do("GET", row.target, "", row.headers...)
		if got := s.wordpress.Last(); got.Claims.Kind != "site" || got.Claims.Protect != "" || strings.Contains(got.Header.Get("Cookie"), "cocart_session") || len(r.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d as %s, WordPress got %v", name, r.Status, s.asked(), got.Header)
		}
	}
	if s.do("GET", storeCart, "", append(slices.Clone(ownPage), asCookie, "Cookie: __Secure-cocart_session=x")...); s.asked() != "site 0" {
		t.Errorf("a cookie of another setting: as %s", s.asked())
	}
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "bob", Password: "builder-2", Fingerprint: "fp-bob"})
	bob, _ := s.post(loginRoute, `{"username":"bob","password":"builder-2"}`).tokens(t)
	if r := v.do("GET", storeCart, "", asCookie, "Authorization: Bearer "+bob); r.Status != 200 || s.asked() != "customer 3" {
		t.Errorf("another customer's bearer beside it: %d as %s", r.Status, s.asked())
	}
	off := protectingShop(t)
	for _, target := range []string{storeCart, "/graphql"} {
		if r := off.do("GET", target, "", "Cookie: "+v.cookie, asCookie); r.Status != 400 || len(off.wordpress.Seen()) != 0 {
			t.Errorf("%s where cookie mode is off: %d %s", target, r.Status, r.Body)
		}
		if r := v.do("GET", target, "", "CoCart-Session: token"); r.Status != 400 {
			t.Errorf("%s with another value: %d %s", target, r.Status, r.Body)
		}
	}
}

// The checks are those of CoCart's routes: TestOtherSitesMayNotUseTheSessionCookie and those after it.
func TestOtherSitesMayNotUseTheSessionCookieOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingApp(t)
	v := s.visit()
	for name, page := range pagesOf {
		for _, target := range []string{storeCart, "/graphql"} {
			for _, method := range []string{"GET", "POST"} {
				sent, before := *v, len(s.wordpress.Seen())
				sent.page = page.headers
				r := sent.do(method, target, "{}", asCookie)
				switch refused := r.Status == 403 && strings.Contains(r.Body, "cocart_gateway_cross_site"); {
				case page.mayUse && (r.Status != 200 || s.asked() != "customer 2"):
					t.Errorf("%s, %s %s: %d %s", name, method, target, r.Status, r.Body)
				case !page.mayUse && (!refused || len(s.wordpress.Seen()) != before || len(r.Header["Set-Cookie"]) != 0 || r.Header.Get("Access-Control-Allow-Credentials") != ""):
					t.Errorf("%s, %s %s: %d %s %v", name, method, target, r.Status, r.Body, r.Header)
				}
			}
		}
	}
	for target, want := range map[string]int{storeCart + "?_method=POST": 403, storeCart + "?_jsonp=a": 400, storeCart + "?_envelope=1": 400} {
		before := len(s.wordpress.Seen())
		if r := v.do("GET", target, "", asCookie); r.Status != want || len(s.wordpress.Seen()) != before {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
	}
}

func TestASessionThatEndedHasEndedOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingApp(t)
	v, other := s.visit(), s.visit()
	before := len(s.wordpress.Seen())
	r := s.do("GET", storeCart, "", append(slices.Clone(ownPage), asCookie, "Cookie: "+v.cookie+"; "+other.cookie)...)
	if r.Status != 401 || len(s.wordpress.Seen()) != before || len(r.Header["Set-Cookie"]) == 0 {
		t.Errorf("two different cookies: %d %s %v", r.Status, r.Body, r.Header)
	}
	kept := *other
	other.do("POST", logoutRoute, "")
	if r := kept.do("GET", storeCart, "", asCookie); r.Status != 401 || kept.cookie != "" {
		t.Errorf("after a logout: %d %s %q", r.Status, r.Body, kept.cookie)
	}
	changed := *v
	s.clock.step(accessTTL + time.Hour)
	s.store.Close()
	if r := v.do("GET", storeCart, "", asCookie); r.Status != 503 || r.Header.Get("Retry-After") == "" || v.cookie == "" {
		t.Errorf("Redis is down: %d %s %q", r.Status, r.Body, v.cookie)
	}
	s.must(s.store.Restart())
	s.wordpress.Users[0].Fingerprint = "fp-alice-2"
	if r := changed.do("GET", storeCart, "", asCookie); r.Status != 401 || changed.cookie != "" {
		t.Errorf("the account changed: %d %s %q", r.Status, r.Body, changed.cookie)
	}
}

// WordPress lets every origin read with cookies, and WPGraphQL every one without. With the session cookie only listed ones may.
func TestPagesOfListedOriginsMayUseTheSessionCookieOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingApp(t)
	v := s.visit()
	v.page = pagesOf["the app of a listed origin"].headers
	for target, fromWordPress := range map[string]string{storeCart: "Access-Control-Allow-Origin: https://evil.example", "/graphql": "Access-Control-Allow-Origin: *"} {
		s.answering(200, fromWordPress, "Access-Control-Expose-Headers: Nonce, Cart-Token")
		r := v.do("POST", target, "{}", asCookie)
		if got := r.sharing(); got != "Allow-Credentials: true; Allow-Origin: https://app.example" || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Cart-Token") {
			t.Errorf("%s: %s, %s", target, got, r.Header.Get("Access-Control-Expose-Headers"))
		}
		s.answering(200, "Access-Control-Allow-Origin: *", "Access-Control-Allow-Headers: Nonce, Cart-Token")
		for _, row := range []struct {
			origin, headers, want string
			asked                 int
		}{
			{"https://app.example", "cocart-session,content-type", "Allow-Credentials: true; Allow-Headers: cocart-session,content-type; Allow-Methods: POST; Allow-Origin: https://app.example; Max-Age: 3600", 0},
			{"https://app.example", "cart-token,cocart-session", "Allow-Credentials: true; Allow-Headers: cart-token,cocart-session; Allow-Methods: POST; Allow-Origin: https://app.example; Max-Age: 3600", 1},
			{"https://evil.example", "cocart-session,content-type", "", 0},
			{"https://evil.example", "content-type", "Allow-Headers: Nonce, Cart-Token; Allow-Origin: *", 1}, // WordPress's own matter
		} {
			before := len(s.wordpress.Seen())
			r := s.do(http.MethodOptions, target, "", "Origin: "+row.origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: "+row.headers)
			if asked := len(s.wordpress.Seen()) - before; r.sharing() != row.want || asked != row.asked {
				t.Errorf("preflight of %s for %s: %d, %s, WordPress was asked %d times", row.origin, row.headers, r.Status, r.sharing(), asked)
			}
		}
	}
	if r := protectingShop(t, cookieMode, passthrough).do(http.MethodOptions, storeCart, "", "Origin: https://app.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: cocart-session"); r.Status != 200 {
		t.Errorf("cors: passthrough: %d", r.Status)
	}
}
