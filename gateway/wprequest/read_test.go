package wprequest

import (
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
