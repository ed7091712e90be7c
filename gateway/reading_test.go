package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway"
)

const formType = "Content-Type: application/x-www-form-urlencoded"

func TestFormsOfTheStorefrontArriveWhole(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.MaxLoginBody = 1000 })
	for name, body := range map[string]string{
		"short": "a=1", "longer than is looked at": "a=" + strings.Repeat("x", 5000), "empty": "",
		"with a route beyond the limit": "a=" + strings.Repeat("x", 5000) + "&rest_route=/cocart/v2/cart",
	} {
		r := s.do("POST", "/checkout/?x=1", body, formType)
		if seen := s.wordpress.Last(); r.Status != 200 || seen.Body != body || seen.Claims.Kind != "site" {
			t.Errorf("%s: %d, %s with %d bytes", name, r.Status, seen.Claims.Kind, len(seen.Body))
		}
	}
}

func TestLongFormsAreReadFromTheirBeginning(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.MaxLoginBody = 1000 })
	body := "rest_route=/cocart/v2/cart&a=" + strings.Repeat("x", 5000)
	s.do("POST", "/any-page/", body, formType)
	if seen := s.wordpress.Last(); seen.Claims.Kind != "guest" || seen.Body != body {
		t.Errorf("%s with %d bytes", seen.Claims.Kind, len(seen.Body))
	}
}

func TestFormsForOtherScriptsAreNotLookedAt(t *testing.T) {
	s := openShop(t)
	for _, path := range []string{"/wp-login.php", "/wp-admin/admin-ajax.php", "/wp-admin/", "/wp-content/plugins/x/y.php", "/wp-comments-post.php"} {
		s.do("POST", path+"?rest_route=/cocart/v2/cart", "rest_route=/cocart/v2/cart", formType)
		if seen := s.wordpress.Last(); seen.Claims.Kind != "site" {
			t.Errorf("%s: %s", path, seen.Claims.Kind)
		}
	}
}

// A batch that cannot be judged is nobody's: the must-use plugin refuses CoCart
// in what was asserted for another page.
func TestLongBatches(t *testing.T) {
	s := openShop(t)
	body := `{"requests":[{"path":"/cocart/v2/cart","body":{"x":"` + strings.Repeat("x", 1<<20) + `"}}]}`
	if r := s.post("/wp-json/cocart/batch", body); r.Status != 413 {
		t.Errorf("CoCart's own: %d %s", r.Status, r.Body)
	}
	if r := s.post("/wp-json/batch/v1", body); r.Status != 200 || s.wordpress.Last().Claims.Kind != "site" || s.wordpress.Last().Body != body {
		t.Errorf("WordPress's: %d as %s", r.Status, s.wordpress.Last().Claims.Kind)
	}
}

func TestCartKeysThatCouldNameACustomer(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	for _, key := range []string{"3", "02", "+2", " 2", "2 ", "2.0", "2e0", "-2", "0x2 ", "\t2", "２", "²", "2\u200b", "2\x01", "<b>2", "2%41", "%2532", "99999999999999999999999", "_2", "2_"} {
		if r := s.do("GET", "/wp-json/cocart/v2/cart?cart_key="+url.QueryEscape(key), "", "Authorization: Bearer "+access); r.Status != 403 {
			t.Errorf("%q: %d", key, r.Status)
		}
	}
	for _, key := range []string{"", "2", "t_0123456789abcdef0123456789abcd", "0123456789abcdef0123456789abcdef", "6f1c9a5e-21d4-4d0a-8f51-0a1b2c3d4e5f", "guest2"} {
		if r := s.do("GET", "/wp-json/cocart/v2/cart?cart_key="+url.QueryEscape(key), "", "Authorization: Bearer "+access); r.Status != 200 {
			t.Errorf("%q: %d %s", key, r.Status, r.Body)
		}
	}
}

func TestCartKeysMeanNothingOnTheStorefront(t *testing.T) {
	s := openShop(t)
	if r := s.do("GET", "/shop/?cart_key=3", "", "Cart-Key: 3"); r.Status != 200 || s.wordpress.Last().Header.Get("Cart-Key") != "3" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestWithoutAuthorizationInTheListItIsNotRead(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.AuthHeaders = []string{"x-token"} })
	access, _ := s.login()
	if r := s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer a.b.c", "X-Token: Bearer "+access); r.Status != 200 || s.wordpress.Last().Claims.Subject != "2" {
		t.Errorf("%d as %s", r.Status, s.wordpress.Last().Claims.Subject)
	}
	if s.do("GET", "/", "", "X-Token: 1", "Authorization: Basic eDp5"); s.wordpress.Last().Header.Get("X-Token") != "1" || s.wordpress.Last().Header.Get("Authorization") == "" {
		t.Error("the storefront's headers were touched")
	}
}

func TestReadTellsWhatTheGatewayWillDo(t *testing.T) {
	cfg := gateway.Config{SiteURL: &url.URL{Scheme: "https", Host: "shop.example", Path: "/store"}, Namespaces: []string{"myshop"}}
	r := httptest.NewRequest("POST", "/store/any-page/", strings.NewReader("rest_route=/myshop/v2/login/"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := gateway.Read(cfg, r)
	if want := (gateway.Reading{Class: "login", Route: "/myshop/v2/login", Method: "POST"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := gateway.Read(cfg, &http.Request{Method: "GET", URL: &url.URL{Path: "/", RawQuery: "rest_route[]=/myshop/"}}); err == nil {
		t.Error("an array for a route was not refused")
	}
}

// What a POST to the storefront costs to be looked at.
func BenchmarkReadForm(b *testing.B) {
	cfg := gateway.Config{SiteURL: &url.URL{Scheme: "https", Host: "shop.example"}}
	for _, size := range []int{0, 1 << 10, 64 << 10} {
		var body strings.Builder
		for i := 0; body.Len() < size; i++ {
			fmt.Fprintf(&body, "billing_field_%d=some+value+of+a+customer&", i)
		}
		for _, method := range []string{"GET", "POST"} {
			b.Run(fmt.Sprintf("%s %d bytes", method, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := httptest.NewRequest(method, "/?wc-ajax=update_order_review", strings.NewReader(body.String()))
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					if _, err := gateway.Read(cfg, r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
