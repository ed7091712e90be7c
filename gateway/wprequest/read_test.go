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

// A batch whose body ends early may hold anything.
func TestABatchThatCannotBeReadIsRefused(t *testing.T) {
	site, broken := siteRoutes(t, "https://shop.example", ""), errors.New("the body ended early")
	for _, target := range []string{"/wp-json/batch/v1", "/wp-json/cocart/batch"} {
		for _, kind := range []string{"application/json", "application/x-www-form-urlencoded"} {
			w := Request{Method: http.MethodPost, Target: target, Header: http.Header{"Content-Type": {kind}}}
			v, err := site.Classify(w)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = site.ReadBody(w, v, func(int64) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
				t.Errorf("%s as %s: %v", target, kind, err)
			}
		}
	}
}

func TestABatchIsReadUpToTheLimitOfJSON(t *testing.T) {
	u, _ := url.Parse("https://shop.example")
	body := []byte(`{"requests":[{"path":"/cocart/v2/cart"}]}`)
	for limit, want := range map[int64]bool{int64(len(body)): true, int64(len(body)) - 1: false} {
		site := NewSite(SiteConfig{URL: u, JSON: limit})
		v, err := site.Read(Request{Method: http.MethodPost, Target: "/wp-json/cocart/batch", Header: http.Header{"Content-Type": {"application/json"}}}, body)
		if (err == nil) != want || want && v.Batch.Len() != 1 {
			t.Errorf("limit %d for %d bytes: %d requests, %v", limit, len(body), v.Batch.Len(), err)
		}
	}
}

// Attack: CoCart has another namespace in this shop, and the routes of CoCart JWT Authentication keep theirs. A path in a batch
// that no reader but wp_parse_url takes for one of them could refresh a session uncounted.
func TestARouteOfThePluginInABatchIsNotHiddenByAnotherNamespace(t *testing.T) {
	site := siteRoutes(t, "https://shop.example", "", "myshop")
	for path, refused := range map[string]bool{
		"http:/cocart/jwt/refresh-token": true, "cocart/jwt/token": true, "http:/MyShop/v2/login": true, "/cocart/jwt/refresh-token": true, "http:/wp/v2/posts": false, "http:/cocart/v2/cart": false,
	} {
		_, err := site.Read(Request{Method: http.MethodPost, Target: "/wp-json/batch/v1", Header: http.Header{"Content-Type": {"application/json"}}}, []byte(`{"requests":[{"path":"`+path+`"}]}`))
		if (err != nil) != refused {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// WP_REST_Request::parse_body_params cuts the parameters off at a semicolon that is not the first byte.
func TestWhichBodiesWithoutAKnownTypeWordPressReadsAsForms(t *testing.T) {
	for contentType, want := range map[string]bool{
		"": true, "text": true, "text;a/b": true, "t;a/b": true, ";": true, ";a/b": false, "text/plain": false, "text/plain;x": false, " Application/X-WWW-Form-Urlencoded ;a": true, "application/x-www-form-urlencoded,x": false,
	} {
		if got := untyped(contentType); got != want {
			t.Errorf("%q: %v", contentType, got)
		}
	}
}

func TestWhatARequestIsSentFor(t *testing.T) {
	type row struct{ acts, repeatable bool }
	for request, want := range map[string]row{
		"GET /": {false, true}, "HEAD /": {false, true}, "POST /": {true, false}, "GET /?add-to-cart=1": {false, false}, "GET /style.css?ver=6.8": {false, true}, "GET /index.php/style.css?x": {false, false},
		"GET /shop/WP-Cron.php?doing": {true, false}, "GET /wp-admin/admin-ajax.php": {true, true}, "GET /wp-admin/admin-post.php?x=1": {true, false},
		"GET /?wc-api=x": {true, false}, "GET /wc-api/x/": {true, true}, "GET /wp-json/cocart/v2/cart?x=1": {false, true}, "GET /wp-json/cocart/v2/cart?_method=DELETE": {true, false},
	} {
		method, target, _ := strings.Cut(request, " ")
		w := Request{Method: method, Target: target, Header: http.Header{}}
		v, err := siteRoutes(t, "https://shop.example", "").Classify(w)
		if err != nil {
			t.Fatal(err)
		}
		if got := (row{v.Acts(w), v.Repeatable(w)}); got != want {
			t.Errorf("%s: %+v, want %+v", request, got, want)
		}
	}
}

// Attack: of two routes, or of parameters beyond max_input_vars, PHP takes another one than the gateway expects.
func TestRequestsWhoseRouteIsInDoubtAreRefused(t *testing.T) {
	u, _ := url.Parse("https://shop.example")
	site := NewSite(SiteConfig{URL: u, Parameters: 3})
	for name, row := range map[string]struct {
		target, form string
		refused      bool
	}{
		"one route":                  {"/?rest_route=/cocart/v2/cart", "a=1", false},
		"the same twice":             {"/?rest_route=/cocart/v2/cart", "rest_route=/cocart/v2/cart", false},
		"another in the form":        {"/?rest_route=/cocart/v2/cart", "rest_route=/cocart/v2/login", true},
		"a fragment":                 {"/?rest_route=/cocart/v2/cart#", "a=1", true},
		"as many parameters":         {"/?rest_route=/cocart/v2/cart&a=1&b=2", "a=1&b=2&c=3", false},
		"more in the query":          {"/?rest_route=/cocart/v2/cart&a=1&b=2&c=3", "a=1", true},
		"more in the form":           {"/?rest_route=/cocart/v2/cart", "a=1&b=2&c=3&d=4", true},
		"the same on another's page": {"/?rest_route=/wp/v2/posts", "a=1&b=2&c=3&d=4", false},
	} {
		w := Request{Method: http.MethodPost, Target: row.target, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}
		if _, err := site.Read(w, []byte(row.form)); (err != nil) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestThePasswordOfTheServerIsItsOwn(t *testing.T) {
	const own = "Basic YTpi" // a:b
	for header, want := range map[string]bool{own: true, "basic YTpi": true, "Basic YTpj": false, "Basic YzpI": false, "Basic YzpiCg": false, "Basic Yjpi": false, "Bearer YTpi": false, "": false} {
		if got := IsServerPassword(header, own); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
	for _, header := range []string{"", "Basic Og", "Basic YTo"} { // nothing, ":" and "a:"
		if IsServerPassword(header, header) {
			t.Errorf("%q is a password", header)
		}
	}
}
