package wprequest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway/wprequest"
)

func protecting(t testing.TB) wprequest.Site {
	t.Helper()
	u, err := url.Parse("https://shop.example/store")
	if err != nil {
		t.Fatal(err)
	}
	return wprequest.NewSite(wprequest.SiteConfig{URL: u, Paths: []string{"/en"}, Protect: []string{"wc/store", "WP/v2/users/me", "/graphql", "/api/graph/"}})
}

func TestWhichRequestsAreForARouteOfSiteProtect(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, row := range []struct {
		method, target string
		header         http.Header
		body, want     string
	}{
		{"GET", "/store/wp-json/wc/store/v1/cart", nil, "", "wc/store"},
		{"GET", "/store/wp-json/WC/Store", nil, "", "wc/store"},
		{"GET", "/store/%77p-json/wc/store/v1/cart/", nil, "", "wc/store"},
		{"GET", "/store/index.php/wp-json/wc/store/v1/cart", nil, "", "wc/store"},
		{"GET", "/store/en/wp-json/wc/store/v1/cart", nil, "", "wc/store"},
		{"GET", "/store/?rest_route=/wc/store/v1/cart", nil, "", "wc/store"},
		{"GET", "/store/?rest[route=/wc/store/v1/cart", nil, "", "wc/store"},
		{"POST", "/store/", form, "rest_route=/wc/store/v1/cart", "wc/store"},
		{"POST", "/store/wp-json/wc/store/v1/batch", nil, "", "wc/store"},
		{"GET", "/store/wp-json/wc/store/v1/cart?_method=DELETE", nil, "", "wc/store"},
		{"GET", "/store/wp-json/wp/v2/users/me", nil, "", "wp/v2/users/me"},
		{"POST", "/store/graphql", nil, "", "/graphql"},
		{"POST", "/store/GraphQL/?x=1", nil, "", "/graphql"},
		{"POST", "/store/en/graphql", nil, "", "/graphql"},
		{"POST", "/store/api/graph", nil, "", "/api/graph"},

		{"GET", "/store/wp-json/wc/storefront", nil, "", ""},
		{"GET", "/store/wp-json/wc/v3/orders", nil, "", ""},
		{"GET", "/store/wp-json/wp/v2/users", nil, "", ""},
		{"GET", "/store/wp-json/wp/v2/users/2", nil, "", ""},
		{"POST", "/store/wp-json/wp/v2/users/me/application-passwords", nil, "", ""},
		{"POST", "/store/wp-json/wp/v2/users/me/Application-Passwords", nil, "", ""},
		{"POST", "/store/graphql/x", nil, "", ""},
		{"POST", "/store/graphql?rest_route=/wc/v3/orders", nil, "", ""},
		{"POST", "/store/graphql.php", nil, "", ""},
		{"POST", "/store/wp-login.php?rest_route=/wc/store/v1/cart", nil, "", ""},
		{"GET", "/store/wp-json/wc/store/v1/cart?rest_route=/wc/v3/orders", nil, "", ""},
		{"GET", "/store/wp-json/wc/v3/orders?rest_route=/wc/store/v1/cart", nil, "", ""},
		{"GET", "/store/wp-json/wc/store/v1/cart?" + strings.Repeat("&", 1000), nil, "", ""},
		{"GET", "/store/x.php?rest_route=/wc/store/v1/cart", nil, "", ""},
		{"POST", "/store/graphql?rest_route=0", nil, "", ""},
		{"POST", "/store/graphql?" + strings.Repeat("&", 1000), nil, "", ""},
		{"POST", "/store/graphql", http.Header{"Connection": {"Authorization"}}, "", ""},
		{"GET", "/store/wp-json/wc/store/../v3/orders", nil, "", ""},
		{"GET", "/store/wp-json/wc/store%2fv1/cart", nil, "", ""},
		{"GET", "/store/wp-json/wc//store/v1/cart", nil, "", ""},
		{"GET", "/store/wp-json/wc/store/v1/cart", http.Header{"Connection": {"Authorization"}}, "", ""},
		{"GET", "/store/wp-json/wc/store/v1/cart", http.Header{"X-Http-Method-Override": {"GET", "POST"}}, "", ""},
		{"POST", "/store/wp-json/wc/store/v1/cart", form, "rest_route=/wc/v3/orders", ""},
		{"POST", "/store/wp-json/batch/v1", nil, `{"requests":[{"path":"/wc/store/v1/cart"}]}`, ""},
		{"GET", "/store/", nil, "", ""},
	} {
		h := row.header
		if h == nil {
			h = http.Header{}
		}
		v, err := protecting(t).Read(wprequest.Request{Method: row.method, Target: row.target, Header: h}, []byte(row.body))
		if err != nil || v.Class != wprequest.ClassSite || v.Protect != row.want {
			t.Errorf("%s %s %v %s: %s for %q, %v", row.method, row.target, row.header, row.body, v.Class, v.Protect, err)
		}
	}
}

// What is CoCart's stays CoCart's, and without a list nothing is protected.
func TestSiteProtectChangesNothingForCoCart(t *testing.T) {
	u, _ := url.Parse("https://shop.example")
	all := wprequest.NewSite(wprequest.SiteConfig{URL: u, Protect: []string{"cocart", "wc/store"}})
	none := wprequest.NewSite(wprequest.SiteConfig{URL: u})
	for target, class := range map[string]wprequest.Class{"/wp-json/cocart/v2/cart": wprequest.ClassCoCart, "/wp-json/cocart/batch": wprequest.ClassBatch, "/shop/": wprequest.ClassSite} {
		v, err := all.Classify(wprequest.Request{Method: "GET", Target: target, Header: http.Header{}})
		if err != nil || v.Class != class || v.Protect != "" {
			t.Errorf("%s: %s, %q, %v", target, v.Class, v.Protect, err)
		}
	}
	if v, err := none.Classify(wprequest.Request{Method: "GET", Target: "/wp-json/wc/store/v1/cart", Header: http.Header{}}); err != nil || v.Protect != "" {
		t.Errorf("%q, %v", v.Protect, err)
	}
}
