package wprequest

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

func siteRoutes(t testing.TB, site, prefix string, namespaces ...string) Site {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	return NewSite(SiteConfig{URL: u, RestPrefix: prefix, Namespaces: namespaces})
}

// The folder's table was observed on a real shop: which spellings of a URL reach
// CoCart's cart route, and which do not.
func TestRequestsAreReadAsARealWordPressReadsThem(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	file, err := os.Open("testdata/urls.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		want, target, ok := strings.Cut(lines.Text(), " ")
		if !ok || want == "#" {
			continue
		}
		rows++
		v, err := rs.Classify(Request{Method: "GET", Target: target})
		got := string(v.Class)
		if err != nil {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if rows < 70 {
		t.Errorf("only %d rows were read", rows)
	}
}

func TestClassesOfTheRoutes(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	for request, want := range map[string]Class{
		"POST /wp-json/cocart/v2/login":                        ClassLogin,
		"POST /wp-json/cocart/v2/login/":                       ClassLogin,
		"POST /wp-json/CoCart/V2/LOGIN":                        ClassLogin,
		"POST /?rest_route=/cocart/v2/login":                   ClassLogin,
		"GET /wp-json/cocart/v2/login?_method=post":            ClassLogin,
		"GET /wp-json/cocart/v2/login":                         ClassCoCart,
		"POST /wp-json/cocart/v2/login?_method=GET":            ClassCoCart,
		"POST /wp-json/cocart/v1/login":                        ClassCoCart,
		"POST /wp-json/cocart/v2/login/extra":                  ClassCoCart,
		"POST /wp-json/cocart/jwt/refresh-token":               ClassRefresh,
		"GET /wp-json/cocart/jwt/refresh-token":                ClassCoCart,
		"POST /wp-json/cocart/jwt/validate-token":              ClassValidate,
		"POST /wp-json/cocart/jwt/token":                       ClassLogin,
		"POST /?rest_route=/COCART/JWT/Token/":                 ClassLogin,
		"GET /index.php/wp-json/cocart/jwt/token?_method=post": ClassLogin,
		"GET /wp-json/cocart/jwt/token":                        ClassCoCart,
		"POST /wp-json/cocart/jwt/logout":                      ClassLogout,
		"POST /wp-json/cocart/jwt/logout/now":                  ClassCoCart,
		"POST /wp-json/cocart/v2/jwt/token":                    ClassCoCart,
		"POST /wp-json/cocart/v1/logout":                       ClassLogout,
		"POST /wp-json/cocart/v2/logout":                       ClassLogout,
		"GET /wp-json/cocart/v2/cart":                          ClassCoCart,
		"GET /wp-json/cocart":                                  ClassCoCart,
		"GET /wp-json/cocartx/v2/cart":                         ClassSite,
		"POST /wp-json/batch/v1":                               ClassBatch,
		"POST /wp-json/cocart/batch":                           ClassBatch,
		"POST /wp-json/cocart/v2/batch":                        ClassBatch,
		"POST /wp-json/cocart/v/batch":                         ClassCoCart,
		"POST /wp-json/cocart/vx/batch":                        ClassCoCart,
		"POST /wp-json/cocart/2/batch":                         ClassCoCart,
		"POST /wp-json/cocart/v2/products/batch":               ClassCoCart,
		"GET /wp-json/":                                        ClassSite,
		"GET /wp-json/wp/v2/users/me?x=wp-json/cocart/":        ClassSite,
		"GET /wp-json/wp/v2/users/me?rest_route=/wp/v2/tags":   ClassSite,
		"GET /?rest_route=":                                    ClassSite,
		"GET /.well-known/jwks.json":                           ClassJWKS,
		"HEAD /.well-known/jwks.json?x":                        ClassJWKS,
		"POST /.well-known/jwks.json":                          ClassSite,
		"GET /.well-known/jwks.json/":                          ClassSite,
	} {
		method, target, _ := strings.Cut(request, " ")
		v, err := rs.Classify(Request{Method: method, Target: target})
		if err != nil || v.Class != want {
			t.Errorf("%s: %s, %v; want %s", request, v.Class, err, want)
		}
	}
}

func TestMethodOverrideHeaderCounts(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	v, err := rs.Classify(Request{Method: "GET", Target: "/wp-json/cocart/v2/login", Header: http.Header{"X-Http-Method-Override": {"post"}}})
	if err != nil || v.Class != ClassLogin {
		t.Errorf("%s, %v", v.Class, err)
	}
	if v, _ = rs.Classify(Request{Method: "GET", Target: "/wp-json/cocart/v2/login?_method=GET", Header: http.Header{"X-Http-Method-Override": {"POST"}}}); v.Class != ClassCoCart {
		t.Errorf("_method comes first: %s", v.Class)
	}
}

func TestOtherSitesOtherPlaces(t *testing.T) {
	for _, row := range []struct {
		rs     Site
		target string
		want   Class
	}{
		{siteRoutes(t, "https://shop.example/store/", ""), "/store/wp-json/cocart/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example/store/", ""), "/Store/index.php/wp-json/cocart/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example/store/", ""), "/store/?rest_route=/cocart/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example/store/", ""), "/other/wp-json/cocart/v2/cart", ClassSite},
		{siteRoutes(t, "https://shop.example", "/api/json/"), "/api/json/cocart/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example", "api"), "/wp-json/cocart/v2/cart", ClassSite},
		{siteRoutes(t, "https://shop.example", "", "cocart", "MyShop"), "/wp-json/myshop/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example", "", "my/shop"), "/wp-json/my/shop/v2/cart", ClassCoCart},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/v2/cart", ClassSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/token", ClassSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/token?_method=POST", ClassLogin},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/refresh-token?_method=POST", ClassRefresh},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/nothing?_method=POST", ClassSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/MyShop/jwt/logout?_method=POST", ClassLogout},
	} {
		v, err := row.rs.Classify(Request{Method: "GET", Target: row.target})
		if err != nil || v.Class != row.want {
			t.Errorf("%s: %s, %v; want %s", row.target, v.Class, err, row.want)
		}
	}
}

// Which script answers decides whether rest_route counts. Where web servers could find different scripts at a path, a request
// that names a route of CoCart's is refused.
func TestScriptsThatAnswerInPlaceOfTheFrontController(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	for path, want := range map[string]Class{
		"/wp-content/plugins/x.php": ClassSite, "/wp-includes/x.php": ClassSite, "/wp-admin/x.php": ClassSite, "/wp-login.php": ClassSite,
		"/wp-admin/": ClassSite, "/wp-admin/network": ClassSite, "/wp-admin/user": ClassSite,
		"/wp-admin/other": ClassCoCart, "/wp-admin%2fuser": ClassCoCart, "/other/network": ClassCoCart, "/x.php5": ClassCoCart, "/index.php": ClassCoCart,
		"/x.php": "", "/index.php/x.php": "", "/wp-content/a.php/b.php": "", "/wp-content/a.php/b": "",
		"/wp-admin%2Fx.php": "", "/wp-content/a%5c..%5cx.php": "", "/wp-content/%00x.php": "", "/wp-content/x%2ephp": "", "/wp-content/./x.php": "",
	} {
		v, err := rs.Classify(Request{Method: "GET", Target: path + "?rest_route=/cocart/v2/cart"})
		if got := v.Class; (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%s: %s, %v; want %q", path, got, err, want)
		}
	}
}

func TestRoutesThatTwoReadersReadDifferentlyAreRefused(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	for _, route := range []string{"/cocart/v2/./cart", "/cocart/v2/../cart", "/cocart/v2//cart", "/cocart/v2/a%252fb", "/cocart/v2/it's", `/cocart/v2/"`, "/cocart/v2/a%5cb", "/cocart/v2/%0acart"} {
		if v, err := rs.Classify(Request{Method: "GET", Target: "/?rest_route=" + route}); err == nil {
			t.Errorf("%s: %s, want a refusal", route, v.Class)
		}
	}
	u, _ := url.Parse("https://shop.example")
	rs = NewSite(SiteConfig{URL: u, Paths: []string{"/wp-json"}})
	if v, err := rs.Classify(Request{Method: "GET", Target: "/wp-json/wp-json/cocart/v2/cart"}); err == nil {
		t.Errorf("different routes below different prefixes: %s, want a refusal", v.Class)
	}
}

func TestParameterNamesAreReadAsPHPReadsThem(t *testing.T) {
	for raw, want := range map[string]string{
		"rest_route": "rest_route", "rest.route": "rest_route", "rest route": "rest_route", "rest[route": "rest_route", "  rest_route": "rest_route",
		"rest_route\x00x": "rest_route", "a[b]": "a+", "a[b][c]": "a+", "a.b[c.d]": "a_b+", "a[": "a_", "[a]": "", "": "", "a]b": "a]b",
	} {
		name, array := phpName(raw)
		if array {
			name += "+"
		}
		if name != want {
			t.Errorf("%q: %q, want %q", raw, name, want)
		}
	}
}

func TestValuesAreDecodedAsPHPDecodesThem(t *testing.T) {
	for raw, want := range map[string]string{"a+b": "a b", "%41%zz%": "A%zz%", "%2": "%2", "%c3%A9": "é", "100%": "100%", "%25%32%30": "%20",
		"%zz%4a%4A": "%zzJJ", "%6f%zz+": "o%zz ", "%g0%0g": "%g0%0g", "%%41": "%A", "%0a%fF%": "\n\xff%", "%09%90%": "\t\x90%", "%aF%Fa%": "\xaf\xfa%"} {
		if got := phpURLDecode(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// The class of a request does not depend on the case in which its route is spelled, and a refusal or a class of ours never depends on what follows
// in parameters that WordPress does not route by.
func FuzzClassify(f *testing.F) {
	for _, target := range []string{"/wp-json/cocart/v2/cart", "/?rest_route=/cocart/v2/login", "/index.php/%77p-json/cocart%2Fv2", "/wp-json/x?rest.route=/y", "//a;b?c[d=e"} {
		f.Add("POST", target)
	}
	rs := siteRoutes(f, "https://shop.example", "")
	f.Fuzz(func(t *testing.T, method, target string) {
		v, err := rs.Classify(Request{Method: method, Target: target})
		again, errAgain := rs.Classify(Request{Method: method, Target: target})
		if v.Class != again.Class || (err == nil) != (errAgain == nil) {
			t.Fatal("not a function of its input")
		}
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		more, errMore := rs.Classify(Request{Method: method, Target: target + separator + "x=wp-json/cocart/"})
		if more.Class != v.Class || (err == nil) != (errMore == nil) {
			t.Fatalf("%q: %s, with a parameter %s", target, v.Class, more.Class)
		}
		if v.Class != ClassSite && v.Class != ClassJWKS && err == nil && !strings.HasPrefix(strings.ToLower(v.Route), "/cocart") && !strings.EqualFold(v.Route, "/batch/v1") {
			t.Fatalf("%q: %s without a route of ours: %q", target, v.Class, v.Route)
		}
	})
}

// The quick search for rest_route in a form finds what the whole reading finds.
func FuzzForm(f *testing.F) {
	for _, text := range []string{"rest_route=/a&b=c", "a=1&rest.route=/x", "%72est_route[]=/y", " rest_route=1&rest+route=2", "rest[route=3&rest_route%00x=4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want, got []Param
		for _, p := range ParseParams(text) {
			if p.name == "rest_route" {
				want = append(want, p)
			}
		}
		for _, p := range parseForm([]byte(text), MediaForm, "").params {
			got = append(got, p)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %v, want %v", text, got, want)
		}
	})
}

// PHP's names hold no blank and no dot before their first index, and parameters that
// are written again are read as before.
func FuzzParams(f *testing.F) {
	for _, text := range []string{"a=b&a=c", "a.b=1&a b=2", "a[b.c]=1", "[x]=1", "+a=%zz;b=c", "a%00b=1", "=&&=&a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		params := ParseParams(text)
		for _, p := range params {
			if p.name == "" || strings.ContainsAny(p.name, "\x00") || !p.array && strings.ContainsAny(p.name, " .[") {
				t.Fatalf("%q: the name %q", text, p.name)
			}
		}
		if again := ParseParams(params.Without(None)); !slices.Equal(again, params) {
			t.Fatalf("%q: %v, then %v", text, params, again)
		}
	})
}

// A JSON object that is taken apart and put together again says the same.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"b":[{}],"a":"\u00e9\/"}`, `{"extras":[]}`, `[]`, `{"a":}`, `{"a":1}x`, "{\"\xff\":1}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := ParseObject([]byte(text))
		if err != nil {
			return
		}
		again, err := ParseObject(members.Encode())
		if err != nil || len(again) != len(members) {
			t.Fatalf("%q: %d members, then %d, %v", text, len(members), len(again), err)
		}
		for i := range members {
			if members[i].Name != again[i].Name || string(members[i].Value) != string(again[i].Value) {
				t.Fatalf("member %d: %v, then %v", i, members[i], again[i])
			}
		}
	})
}

func TestClassesBelowPrefixes(t *testing.T) {
	for site, home := range map[string]string{"https://shop.example": "", "https://shop.example/store": "/store"} {
		u, _ := url.Parse(site)
		rs := NewSite(SiteConfig{URL: u, Paths: []string{"/en", "/eu/fr"}, Namespaces: []string{"acme"}})
		for request, want := range map[string]Class{
			"POST /en/wp-json/acme/v2/login":                         ClassLogin,
			"POST /eu/fr/wp-json/acme/v2/login/":                     ClassLogin,
			"POST /en/wp-json/cocart/jwt/refresh-token":              ClassRefresh,
			"POST /en/index.php/wp-json/acme/jwt/validate-token":     ClassValidate,
			"POST //en//wp-json/acme/v2/logout":                      ClassLogout,
			"POST /EN/wp-json/acme/v1/logout":                        ClassLogout,
			"GET /en/wp-json/acme/v2/cart":                           ClassCoCart,
			"GET /en/?rest_route=/acme/v2/cart":                      ClassCoCart,
			"GET /en?rest_route=/acme/v2/cart":                       ClassCoCart,
			"GET /en/any-page/?rest_route=/acme/v2/cart":             ClassCoCart,
			"POST /en/wp-json/batch/v1":                              ClassBatch,
			"POST /eu/fr/wp-json/acme/batch":                         ClassBatch,
			"GET /en/.well-known/jwks.json":                          ClassJWKS,
			"GET /de/wp-json/acme/v2/cart":                           ClassSite,
			"GET /eu/wp-json/acme/v2/cart":                           ClassSite,
			"GET /en/wp-json/wp/v2/posts":                            ClassSite,
			"GET /en/eu/fr/wp-json/acme/v2/cart":                     ClassSite,
			"GET /en/wp-login.php":                                   ClassSite,
			"GET /english/":                                          ClassSite,
			"GET /enwp-json/acme/v2/cart":                            ClassSite,
			"GET /wp-json/acme/v2/cart":                              ClassCoCart,
			"GET /en/wp-json/wp/v2/posts?x=/en/wp-json/acme/v2/cart": ClassSite,
		} {
			method, target, _ := strings.Cut(request, " ")
			v, err := rs.Classify(Request{Method: method, Target: home + target})
			if err != nil || v.Class != want {
				t.Errorf("%s of %s: %s, %v, want %s", request, site, v.Class, err, want)
			}
		}
		for _, target := range []string{"/en/wp-json/acme/v2/cart?rest_route=/acme/v2/login", "/en/x.php/wp-json/acme/v2/cart?rest_route=/acme/v2/cart"} {
			if v, err := rs.Classify(Request{Method: "POST", Target: home + target}); err == nil {
				t.Errorf("%s: %s, want a refusal", target, v.Class)
			}
		}
	}
}

func TestAliasesKeepTheirPrefix(t *testing.T) {
	u, _ := url.Parse("https://shop.example/store")
	rs := NewSite(SiteConfig{URL: u, Paths: []string{"/en"}})
	for target, want := range map[string]string{
		"/store/en/wp-json/x?a=1":       "/store/en/wp-json/cocart/v2/login?a=1",
		"/store/en/index.php/wp-json/x": "/store/en/index.php/wp-json/cocart/v2/login",
		"/store/wp-json/x":              "/store/wp-json/cocart/v2/login",
		"/store/en/?rest_route=/x&a=1":  "/store/en/?rest_route=/cocart/v2/login&a=1",
	} {
		if got := rs.TargetFor(target, "/cocart/v2/login"); got != want {
			t.Errorf("%s became %s, want %s", target, got, want)
		}
	}
}

// The log names a prefix that the operator forgot to list. It names none that only a request with a strange path has.
func TestTheUnlistedPrefixIsWhatStandsBeforeARouteOfCoCart(t *testing.T) {
	site := siteRoutes(t, "https://shop.example/store", "")
	for target, want := range map[string]string{
		"/store/de/wp-json/cocart/v2/cart": "/de", "/store/de/at/wp-json/cocart/v2/cart?x=/": "/de/at", "/store/a/b/c/index.php/wp-json/cocart/v2/cart/": "/a/b/c",
		"/store/a/b/c/d/wp-json/cocart/v2/cart": "", "/store/wp-json/cocart/v2/cart": "", "/store/de//wp-json/cocart/v2/cart": "", "/store/.de/wp-json/cocart/v2/cart": "",
		"/store/d%65/wp-json/cocart/v2/cart": "", "/store/de/wp-json/wc/v3/orders": "", "/store/a/.b/wp-json/cocart/v2/cart": "", "/": "", "/store": "", "//": "",
		"/store/D0-._~/wp-json/cocart/v2/cart": "/D0-._~",
	} {
		if got := site.UnlistedPrefix(target); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}
