package gateway

import (
	"bufio"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

func siteRoutes(t testing.TB, site, prefix string, namespaces ...string) routes {
	t.Helper()
	u, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	return newRoutes(siteConfig{url: u, restPrefix: prefix, namespaces: namespaces})
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
		v, err := rs.classify(wire{method: "GET", target: target})
		got := string(v.class)
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
	for request, want := range map[string]class{
		"POST /wp-json/cocart/v2/login":                        classLogin,
		"POST /wp-json/cocart/v2/login/":                       classLogin,
		"POST /wp-json/CoCart/V2/LOGIN":                        classLogin,
		"POST /?rest_route=/cocart/v2/login":                   classLogin,
		"GET /wp-json/cocart/v2/login?_method=post":            classLogin,
		"GET /wp-json/cocart/v2/login":                         classCoCart,
		"POST /wp-json/cocart/v2/login?_method=GET":            classCoCart,
		"POST /wp-json/cocart/v1/login":                        classCoCart,
		"POST /wp-json/cocart/v2/login/extra":                  classCoCart,
		"POST /wp-json/cocart/jwt/refresh-token":               classRefresh,
		"GET /wp-json/cocart/jwt/refresh-token":                classCoCart,
		"POST /wp-json/cocart/jwt/validate-token":              classValidate,
		"POST /wp-json/cocart/jwt/token":                       classLogin,
		"POST /?rest_route=/COCART/JWT/Token/":                 classLogin,
		"GET /index.php/wp-json/cocart/jwt/token?_method=post": classLogin,
		"GET /wp-json/cocart/jwt/token":                        classCoCart,
		"POST /wp-json/cocart/jwt/logout":                      classLogout,
		"POST /wp-json/cocart/jwt/logout/now":                  classCoCart,
		"POST /wp-json/cocart/v2/jwt/token":                    classCoCart,
		"POST /wp-json/cocart/v1/logout":                       classLogout,
		"POST /wp-json/cocart/v2/logout":                       classLogout,
		"GET /wp-json/cocart/v2/cart":                          classCoCart,
		"GET /wp-json/cocart":                                  classCoCart,
		"GET /wp-json/cocartx/v2/cart":                         classSite,
		"POST /wp-json/batch/v1":                               classBatch,
		"POST /wp-json/cocart/batch":                           classBatch,
		"POST /wp-json/cocart/v2/products/batch":               classCoCart,
		"GET /wp-json/":                                        classSite,
		"GET /wp-json/wp/v2/users/me?x=wp-json/cocart/":        classSite,
		"GET /wp-json/wp/v2/users/me?rest_route=/wp/v2/tags":   classSite,
		"GET /?rest_route=":                                    classSite,
		"GET /.well-known/jwks.json":                           classJWKS,
		"HEAD /.well-known/jwks.json?x":                        classJWKS,
		"POST /.well-known/jwks.json":                          classSite,
		"GET /.well-known/jwks.json/":                          classSite,
	} {
		method, target, _ := strings.Cut(request, " ")
		v, err := rs.classify(wire{method: method, target: target})
		if err != nil || v.class != want {
			t.Errorf("%s: %s, %v; want %s", request, v.class, err, want)
		}
	}
}

func TestMethodOverrideHeaderCounts(t *testing.T) {
	rs := siteRoutes(t, "https://shop.example", "")
	v, err := rs.classify(wire{method: "GET", target: "/wp-json/cocart/v2/login", header: http.Header{"X-Http-Method-Override": {"post"}}})
	if err != nil || v.class != classLogin {
		t.Errorf("%s, %v", v.class, err)
	}
	if v, _ = rs.classify(wire{method: "GET", target: "/wp-json/cocart/v2/login?_method=GET", header: http.Header{"X-Http-Method-Override": {"POST"}}}); v.class != classCoCart {
		t.Errorf("_method comes first: %s", v.class)
	}
}

func TestOtherSitesOtherPlaces(t *testing.T) {
	for _, row := range []struct {
		rs     routes
		target string
		want   class
	}{
		{siteRoutes(t, "https://shop.example/store/", ""), "/store/wp-json/cocart/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example/store/", ""), "/Store/index.php/wp-json/cocart/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example/store/", ""), "/store/?rest_route=/cocart/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example", "/api/json/"), "/api/json/cocart/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example", "api"), "/wp-json/cocart/v2/cart", classSite},
		{siteRoutes(t, "https://shop.example", "", "cocart", "MyShop"), "/wp-json/myshop/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example", "", "my/shop"), "/wp-json/my/shop/v2/cart", classCoCart},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/v2/cart", classSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/token", classSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/token?_method=POST", classLogin},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/refresh-token?_method=POST", classRefresh},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/cocart/jwt/nothing?_method=POST", classSite},
		{siteRoutes(t, "https://shop.example", "", "myshop"), "/wp-json/MyShop/jwt/logout?_method=POST", classLogout},
	} {
		v, err := row.rs.classify(wire{method: "GET", target: row.target})
		if err != nil || v.class != row.want {
			t.Errorf("%s: %s, %v; want %s", row.target, v.class, err, row.want)
		}
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
	for raw, want := range map[string]string{"a+b": "a b", "%41%zz%": "A%zz%", "%2": "%2", "%c3%A9": "é", "100%": "100%", "%25%32%30": "%20"} {
		if got := phpURLDecode(raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// Whatever is classified is classified the same whoever spells its route in
// another case, and a refusal or a class of ours never depends on what follows
// in parameters that WordPress does not route by.
func FuzzClassify(f *testing.F) {
	for _, target := range []string{"/wp-json/cocart/v2/cart", "/?rest_route=/cocart/v2/login", "/index.php/%77p-json/cocart%2Fv2", "/wp-json/x?rest.route=/y", "//a;b?c[d=e"} {
		f.Add("POST", target)
	}
	rs := siteRoutes(f, "https://shop.example", "")
	f.Fuzz(func(t *testing.T, method, target string) {
		v, err := rs.classify(wire{method: method, target: target})
		again, errAgain := rs.classify(wire{method: method, target: target})
		if v.class != again.class || (err == nil) != (errAgain == nil) {
			t.Fatal("not a function of its input")
		}
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		more, errMore := rs.classify(wire{method: method, target: target + separator + "x=wp-json/cocart/"})
		if more.class != v.class || (err == nil) != (errMore == nil) {
			t.Fatalf("%q: %s, with a parameter %s", target, v.class, more.class)
		}
		if v.class != classSite && v.class != classJWKS && err == nil && !strings.HasPrefix(strings.ToLower(v.route), "/cocart") && !strings.EqualFold(v.route, "/batch/v1") {
			t.Fatalf("%q: %s without a route of ours: %q", target, v.class, v.route)
		}
	})
}

// A JSON object that is taken apart and put together again says the same.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"b":[{}],"a":"\u00e9\/"}`, `{"extras":[]}`, `[]`, `{"a":}`, `{"a":1}x`, "{\"\xff\":1}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := parseObject([]byte(text))
		if err != nil {
			return
		}
		again, err := parseObject(members.encode())
		if err != nil || len(again) != len(members) {
			t.Fatalf("%q: %d members, then %d, %v", text, len(members), len(again), err)
		}
		for i := range members {
			if members[i].name != again[i].name || string(members[i].value) != string(again[i].value) {
				t.Fatalf("member %d: %v, then %v", i, members[i], again[i])
			}
		}
	})
}

func TestClassesBelowPrefixes(t *testing.T) {
	for site, home := range map[string]string{"https://shop.example": "", "https://shop.example/store": "/store"} {
		u, _ := url.Parse(site)
		rs := newRoutes(siteConfig{url: u, paths: []string{"/en", "/eu/fr"}, namespaces: []string{"acme"}})
		for request, want := range map[string]class{
			"POST /en/wp-json/acme/v2/login":                         classLogin,
			"POST /eu/fr/wp-json/acme/v2/login/":                     classLogin,
			"POST /en/wp-json/cocart/jwt/refresh-token":              classRefresh,
			"POST /en/index.php/wp-json/acme/jwt/validate-token":     classValidate,
			"POST //en//wp-json/acme/v2/logout":                      classLogout,
			"POST /EN/wp-json/acme/v1/logout":                        classLogout,
			"GET /en/wp-json/acme/v2/cart":                           classCoCart,
			"GET /en/?rest_route=/acme/v2/cart":                      classCoCart,
			"GET /en?rest_route=/acme/v2/cart":                       classCoCart,
			"GET /en/any-page/?rest_route=/acme/v2/cart":             classCoCart,
			"POST /en/wp-json/batch/v1":                              classBatch,
			"POST /eu/fr/wp-json/acme/batch":                         classBatch,
			"GET /en/.well-known/jwks.json":                          classJWKS,
			"GET /de/wp-json/acme/v2/cart":                           classSite,
			"GET /eu/wp-json/acme/v2/cart":                           classSite,
			"GET /en/wp-json/wp/v2/posts":                            classSite,
			"GET /en/eu/fr/wp-json/acme/v2/cart":                     classSite,
			"GET /en/wp-login.php":                                   classSite,
			"GET /english/":                                          classSite,
			"GET /wp-json/acme/v2/cart":                              classCoCart,
			"GET /en/wp-json/wp/v2/posts?x=/en/wp-json/acme/v2/cart": classSite,
		} {
			method, target, _ := strings.Cut(request, " ")
			v, err := rs.classify(wire{method: method, target: home + target})
			if err != nil || v.class != want {
				t.Errorf("%s of %s: %s, %v, want %s", request, site, v.class, err, want)
			}
		}
		for _, target := range []string{"/en/wp-json/acme/v2/cart?rest_route=/acme/v2/login", "/en/x.php/wp-json/acme/v2/cart?rest_route=/acme/v2/cart"} {
			if v, err := rs.classify(wire{method: "POST", target: home + target}); err == nil {
				t.Errorf("%s: %s, want a refusal", target, v.class)
			}
		}
	}
}

func TestAliasesKeepTheirPrefix(t *testing.T) {
	u, _ := url.Parse("https://shop.example/store")
	rs := newRoutes(siteConfig{url: u, paths: []string{"/en"}})
	for target, want := range map[string]string{
		"/store/en/wp-json/x?a=1":       "/store/en/wp-json/cocart/v2/login?a=1",
		"/store/en/index.php/wp-json/x": "/store/en/index.php/wp-json/cocart/v2/login",
		"/store/wp-json/x":              "/store/wp-json/cocart/v2/login",
		"/store/en/?rest_route=/x&a=1":  "/store/en/?rest_route=/cocart/v2/login&a=1",
	} {
		if got := rs.renamed(target, "/cocart/v2/login"); got != want {
			t.Errorf("%s became %s, want %s", target, got, want)
		}
	}
}
