package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

const storeCart = "/wp-json/wc/store/v1/cart"

func protectingShop(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	return openShop(t, append(change, func(c *gateway.Config) { c.Protect = []string{"wc/store", "/graphql"} })...)
}

func TestABearerCountsOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingShop(t)
	access, _ := s.login()
	bearer := "Authorization: Bearer " + access
	for target, entry := range map[string]string{storeCart: "wc/store", "/?rest_route=/wc/store/v1/cart": "wc/store", "/graphql": "/graphql"} {
		r := s.post(target, "{}", bearer, "Cart-Token: a.b.c", "Nonce: 0123456789", "Cookie: wordpress_logged_in_1=x; woocommerce_items_in_cart=1")
		got := s.wordpress.Last()
		if r.Status != 200 || got.Claims.Kind != "customer" || got.Claims.Subject != "2" || got.Claims.Protect != entry || got.Target != target {
			t.Errorf("%s: %d, as %s %s with %q", target, r.Status, got.Claims.Kind, got.Claims.Subject, got.Claims.Protect)
		}
		if got.Header.Get("Authorization") != "" || got.Header.Get("Cart-Token") != "a.b.c" || got.Header.Get("Nonce") != "0123456789" || got.Header.Get("Cookie") != "woocommerce_items_in_cart=1" {
			t.Errorf("%s: WordPress got %v", target, got.Header)
		}
		if r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: Cache-Control is %q", target, r.Header.Get("Cache-Control"))
		}
	}
}

// Without a bearer, and elsewhere with one, everything is as without site.protect.
func TestWithoutABearerAndElsewhereEverythingIsAsBefore(t *testing.T) {
	s, usual := protectingShop(t), openShop(t)
	access, _ := s.login()
	bearer := "Authorization: Bearer " + access
	for name, row := range map[string]struct {
		target  string
		headers []string
	}{
		"a guest":                 {storeCart, []string{"Cart-Token: a.b.c"}},
		"a cookie":                {storeCart, []string{"Cookie: wordpress_logged_in_1=x", "Nonce: x"}},
		"a password":              {storeCart, []string{"Authorization: Basic YTpi"}},
		"an empty bearer":         {storeCart, []string{"Authorization: Bearer"}},
		"two of them":             {storeCart, []string{"Authorization: Bearer a", "Authorization: Bearer b"}},
		"orders":                  {"/wp-json/wc/v3/orders", []string{bearer}},
		"a page":                  {"/shop/", []string{bearer}},
		"a bad one elsewhere":     {"/wp-json/wp/v2/posts", []string{"Authorization: Bearer a.b.c"}},
		"application passwords":   {"/wp-json/wp/v2/users/me/application-passwords", []string{bearer}},
		"an unclear route":        {storeCart + "?rest_route=/wc/v3/orders", []string{bearer}},
		"a script of WordPress's": {"/wp-login.php?rest_route=/wc/store/v1/cart", []string{bearer}},
	} {
		r, want := s.do("GET", row.target, "", row.headers...), usual.do("GET", row.target, "", row.headers...)
		got, before := s.wordpress.Last(), usual.wordpress.Last()
		if r.Status != want.Status || r.Body != want.Body || got.Claims.Kind != "site" || got.Claims.Protect != "" {
			t.Errorf("%s: %d as %s, want %d", name, r.Status, got.Claims.Kind, want.Status)
		}
		if strings.Join(got.Header["Authorization"], "|") != strings.Join(before.Header["Authorization"], "|") || got.Header.Get("Cookie") != before.Header.Get("Cookie") {
			t.Errorf("%s: WordPress got %v, want %v", name, got.Header, before.Header)
		}
	}
}

func TestABadBearerIsRefusedOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingShop(t)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	if r := s.do("GET", storeCart, "", "Authorization: Bearer a.b.c"); r.Status != 401 || !strings.Contains(r.Body, "cocart_authentication_error") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	s.post(logoutRoute, "", "Authorization: Bearer "+access)
	if r := s.do("GET", storeCart, "", "Authorization: Bearer "+access); r.Status != 401 || len(s.wordpress.Seen()) != asked+1 {
		t.Errorf("after the logout: %d", r.Status)
	}
}

// A session whose account changed ends here as on CoCart's routes.
func TestAChangedAccountEndsOnRoutesOfSiteProtect(t *testing.T) {
	s := protectingShop(t)
	access, refresh := s.login()
	s.wordpress.Users[0].Fingerprint = "fp-alice-2"
	if r := s.do("GET", storeCart, "", "Authorization: Bearer "+access); r.Status != 401 || s.refresh(refresh).Status != 401 {
		t.Errorf("%d", r.Status)
	}
}

// The bearer may come under another name, and that of another plugin is left to WordPress where the shop says so.
func TestTheHeaderOfABearerIsThatOfTheShop(t *testing.T) {
	s := protectingShop(t, func(c *gateway.Config) { c.AuthHeaders = []string{"Authorization", "X-Authorization"} })
	access, _ := s.login()
	if r := s.do("GET", storeCart, "", "X-Authorization: Bearer "+access); r.Status != 200 || s.wordpress.Last().Claims.Subject != "2" || s.wordpress.Last().Header.Get("X-Authorization") != "" {
		t.Errorf("%d with %v", r.Status, s.wordpress.Last().Header)
	}
	if s.do("GET", storeCart, "", "X-Authorization: Basic YTpi"); s.wordpress.Last().Header.Get("X-Authorization") != "Basic YTpi" {
		t.Errorf("a password: %v", s.wordpress.Last().Header)
	}
	passing := protectingShop(t, func(c *gateway.Config) { c.PassOtherBearers = true })
	foreign := passing.otherToken(nil, nil)
	if passing.do("GET", storeCart, "", "Authorization: Bearer "+foreign); passing.wordpress.Last().Claims.Kind != "site" || passing.wordpress.Last().Header.Get("Authorization") != "Bearer "+foreign {
		t.Errorf("another plugin's: as %s", passing.wordpress.Last().Claims.Kind)
	}
}

// WooCommerce lets its own headers be read, such as Nonce and Cart-Token; ours do not replace them.
func TestTheStoreAPIKeepsItsCORSHeaders(t *testing.T) {
	s := protectingShop(t)
	access, _ := s.login()
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Access-Control-Expose-Headers", "Nonce, Cart-Token")
		upstreamtest.JSON(w, 200, "{}")
		return true
	}
	r := s.do("GET", storeCart, "", "Authorization: Bearer "+access, "Origin: https://app.example")
	if got := r.Header.Get("Access-Control-Expose-Headers"); got != "Nonce, Cart-Token" {
		t.Errorf("%q", got)
	}
}
