package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
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
		if err := json.Unmarshal([]byte(r.Body), &index); err != nil || r.Status != http.StatusOK || index.Namespace != "cocart/jwt" || len(index.Routes) != 3 ||
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
