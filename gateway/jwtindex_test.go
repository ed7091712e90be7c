package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func TestTheJWTNamespaceHasAnIndex(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	for name, r := range map[string]reply{
		"a guest":       s.do("GET", "/wp-json/cocart/jwt", ""),
		"a slash":       s.do("GET", "/wp-json/cocart/jwt/", ""),
		"in capitals":   s.do("GET", "/wp-json/cocart/JWT", ""),
		"by rest_route": s.do("GET", "/?rest_route=/cocart/jwt", ""),
		"a customer":    s.do("GET", "/wp-json/cocart/jwt", "", "Authorization: Bearer "+access),
	} {
		var index struct {
			Namespace string
			Routes    map[string]struct{ Methods []string }
		}
		if err := json.Unmarshal([]byte(r.Body), &index); err != nil || r.Status != http.StatusOK || index.Namespace != "cocart/jwt" || len(index.Routes) != 7 ||
			!slices.Equal(index.Routes["/cocart/jwt/refresh-token"].Methods, []string{"POST"}) || !slices.Equal(index.Routes["/cocart/jwt/validate-token"].Methods, []string{"POST"}) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := s.do("HEAD", "/wp-json/cocart/jwt", ""); r.Status != 200 || r.Body != "" {
		t.Errorf("HEAD: %d %q", r.Status, r.Body)
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times", n-asked)
	}
	if r := s.do("GET", "/wp-json/cocart/jwt", "", "Authorization: Bearer a.b.c"); r.Status != 401 {
		t.Errorf("a bad token: %d", r.Status)
	}
	if r := openShop(t, denyGuests).do("GET", "/wp-json/cocart/jwt", ""); r.Status != 401 {
		t.Errorf("where guests are turned away: %d", r.Status)
	}
}

// As CoCart JWT Authentication's routes are described by WordPress.
func TestOptionsDescribeTheJWTRoutes(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	post := func(name string) string {
		return `{"namespace":"cocart/jwt","methods":["POST"],"endpoints":[{"methods":["POST"],"args":[]}],"_links":{"self":[{"href":"` + upstreamtest.SiteURL + `/wp-json/cocart/jwt/` + name + `"}]}}`
	}
	for name, row := range map[string]struct {
		method, target, allow, body string
		headers                     []string
	}{
		"refresh":              {"OPTIONS", "/wp-json/cocart/jwt/refresh-token", "POST", post("refresh-token"), nil},
		"refresh, an origin":   {"OPTIONS", "/wp-json/cocart/jwt/refresh-token", "POST", post("refresh-token"), []string{appOrigin}},
		"by rest_route":        {"OPTIONS", "/?rest_route=/cocart/jwt/refresh-token", "POST", post("refresh-token"), nil},
		"in capitals":          {"OPTIONS", "/wp-json/cocart/JWT/Refresh-Token/", "POST", post("refresh-token"), nil},
		"by _method":           {"POST", "/wp-json/cocart/jwt/refresh-token?_method=OPTIONS", "POST", post("refresh-token"), nil},
		"validate, a guest":    {"OPTIONS", "/wp-json/cocart/jwt/validate-token", "", post("validate-token"), nil},
		"validate, a customer": {"OPTIONS", "/wp-json/cocart/jwt/validate-token", "POST", post("validate-token"), []string{bearer(access)}},
		"the index": {"OPTIONS", "/wp-json/cocart/jwt", "GET", `{"namespace":"cocart/jwt","methods":["GET"],"endpoints":[{"methods":["GET"],"args":{"namespace":{"default":"cocart/jwt","required":false},` +
			`"context":{"default":"view","required":false}}}],"_links":{"self":[{"href":"` + upstreamtest.SiteURL + `/wp-json/cocart/jwt"}]}}`, nil},
	} {
		r := s.do(row.method, row.target, "", row.headers...)
		if r.Status != 200 || r.Body != row.body || r.Header.Get("Allow") != row.allow || r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s: %d %s %v", name, r.Status, r.Body, r.Header)
		}
	}
	if r := s.do("OPTIONS", "/wp-json/cocart/jwt/refresh-token", "", bearer("a.b.c")); r.Status != 401 {
		t.Errorf("a bad token: %d", r.Status)
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times", n-asked)
	}
	if r := openShop(t, denyGuests).do("OPTIONS", "/wp-json/cocart/jwt/refresh-token", ""); r.Status != 200 {
		t.Errorf("where guests are turned away: %d", r.Status)
	}
}

// The aliases and CoCart's login are WordPress's to describe, and so is a preflight
// where CORS is WordPress's.
func TestOptionsOfOtherRoutesReachWordPress(t *testing.T) {
	s := openShop(t, passthrough)
	for _, row := range [][]string{{"/wp-json/cocart/v2/login"}, {"/wp-json/cocart/jwt/token"}, {"/wp-json/cocart/jwt/refresh-token/more"},
		{"/wp-json/cocart/jwt/refresh-token", appOrigin, "Access-Control-Request-Method: POST"}} {
		before := len(s.wordpress.Seen())
		s.do("OPTIONS", row[0], "", row[1:]...)
		if n := len(s.wordpress.Seen()) - before; n != 1 || s.wordpress.Last().Method != "OPTIONS" {
			t.Errorf("%v: WordPress was asked %d times", row, n)
		}
	}
}

func TestTheJWTNamespaceOfAWhiteLabelShop(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Namespaces = []string{"myshop"} })
	for _, target := range []string{"/wp-json/cocart/jwt/refresh-token", "/wp-json/myshop/jwt/refresh-token", "/wp-json/cocart/jwt"} {
		if r := s.do("OPTIONS", target, ""); r.Status != 200 || !strings.Contains(r.Body, `"namespace":"cocart/jwt"`) {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
		if r := s.do("OPTIONS", target, "", appOrigin, "Access-Control-Request-Method: POST"); r.Status != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: preflight: %d %v", target, r.Status, r.Header)
		}
	}
	if r := s.do("GET", "/wp-json/cocart/jwt", ""); r.Status != 200 || !strings.Contains(r.Body, `"/cocart/jwt/refresh-token"`) {
		t.Errorf("the index: %d %s", r.Status, r.Body)
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}
