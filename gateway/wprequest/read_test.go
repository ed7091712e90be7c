package wprequest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAFormOnAnyPageNamesTheRoute(t *testing.T) {
	site := NewSite(SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example", Path: "/store"}, Namespaces: []string{"myshop"}})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	got, err := site.Read(Request{Method: "POST", Target: "/store/any-page/", Header: form}, []byte("rest_route=/myshop/v2/login/"))
	if err != nil || got.Class != ClassLogin || got.Route != "/myshop/v2/login" || got.Method != "POST" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := site.Read(Request{Method: "GET", Target: "/?rest_route[]=/myshop/"}, nil); err == nil {
		t.Error("an array for a route was not refused")
	}
}

// Attack: WordPress reads the path of a request in a batch with wp_parse_url, to which http:/cocart/v2/login is the route
// /cocart/v2/login. A reader that looks for a slash in front takes it for no route of CoCart's.
func TestPathsInABatchAreReadAsWordPressReadsThem(t *testing.T) {
	site := NewSite(SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example"}})
	for path, want := range map[string]string{
		"/cocart/v2/cart": "batch 1", "/cocart/v2/cart//": "batch 1", "/cocart/v2/cart?a=//b": "batch 1", "/cocart/v2/cart#//": "batch 1", "/cocart/x/login": "batch 1",
		"/cocart/v2/login/x": "batch 1", "/wp/v2/posts": "site 1", "http:/wp/v2/posts": "site 1",
		"http:/cocart/v2/login": "ambiguous", "cocart/v2/cart": "ambiguous", "//cocart/v2/cart": "ambiguous", "/cocart//v2/cart": "ambiguous", `/\\cocart/v2/cart`: "ambiguous",
		`/cocart/v2/cart\r`: "ambiguous", `/cocart/v2/cart\u0000`: "ambiguous", "x/batch/v1": "ambiguous",
		"/cocart/v2/login": "not in a batch", "/cocart/v3/login/": "not in a batch", `/cocart/jwt`: "not in a batch", "/COCART/jwt/token/": "not in a batch",
		"/cocart/batch/": "not in a batch", "/cocart/v1/batch": "not in a batch",
	} {
		v, err := site.Read(Request{Method: "POST", Target: "/wp-json/batch/v1", Header: http.Header{"Content-Type": {"application/json"}}},
			[]byte(`{"requests":[{"path":"`+path+`"}]}`))
		got := fmt.Sprintf("%s %d", v.Class, v.Batch.Len())
		var refused *Error
		if errors.As(err, &refused) {
			got = string(refused.Reason)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// What a POST to the storefront costs to be classified.
func BenchmarkReadForm(b *testing.B) {
	site := NewSite(SiteConfig{URL: &url.URL{Scheme: "https", Host: "shop.example"}})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, size := range []int{0, 1 << 10, 64 << 10} {
		var body strings.Builder
		for i := 0; body.Len() < size; i++ {
			fmt.Fprintf(&body, "billing_field_%d=some+value+of+a+customer&", i)
		}
		for _, method := range []string{"GET", "POST"} {
			b.Run(fmt.Sprintf("%s %d bytes", method, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := site.Read(Request{Method: method, Target: "/?wc-ajax=update_order_review", Header: form}, []byte(body.String())); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
