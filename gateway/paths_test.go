package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func withPaths(c *gateway.Config) { c.Paths = []string{"/en", "/fr"} }

// A language plugin in directory mode serves the whole REST API below /en, too.
func TestRoutesBelowAListedPrefixAreTheSame(t *testing.T) {
	s := openShop(t, withPaths)
	for _, below := range []string{"/en/wp-json", "/fr/wp-json", "/EN/wp-json", "/en/index.php/wp-json", "/en/?rest_route=", "/en/index.php?rest_route="} {
		t.Run(strings.Trim(below, "/"), func(t *testing.T) {
			login := s.post(below+"/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
			if login.Status != 200 {
				t.Fatalf("login: %d %s", login.Status, login.Body)
			}
			access, refresh := login.tokens(t)
			if r := s.do("GET", below+"/cocart/v2/cart", "", bearer(access)); r.Status != 200 {
				t.Errorf("cart: %d %s", r.Status, r.Body)
			}
			if r := s.do("GET", below+"/cocart/v2/cart", "", bearer("a.b.c")); r.Status != 401 {
				t.Errorf("cart with a bad token: %d", r.Status)
			}
			if r := s.post(below+"/cocart/jwt/validate-token", "", bearer(access)); r.Status != 200 {
				t.Errorf("validate: %d %s", r.Status, r.Body)
			}
			if r := s.post(below+"/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`); r.Status != 200 {
				t.Errorf("refresh: %d %s", r.Status, r.Body)
			}
			if r := s.post(below+"/cocart/v2/logout", "", bearer(access)); r.Status != 200 {
				t.Errorf("logout: %d %s", r.Status, r.Body)
			}
			if r := s.do("GET", below+"/cocart/v2/cart", "", bearer(access)); r.Status != 401 {
				t.Errorf("cart after the logout: %d", r.Status)
			}
		})
	}
}

func refuseAll(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
	w.WriteHeader(http.StatusForbidden)
	return true
}

func TestAnUnlistedPrefixIsNamedInTheLog(t *testing.T) {
	s := openShop(t, withPaths)
	s.wordpress.Answer = refuseAll
	for _, target := range []string{"/de/wp-json/cocart/v2/cart", "/de/index.php/wp-json/cocart/v2/cart"} {
		if r := s.do("GET", target, ""); r.Status != 403 {
			t.Errorf("%s: %d", target, r.Status)
		}
	}
	if n := strings.Count(s.log.String(), `"event":"unlisted_path"`); n != 1 || !strings.Contains(s.log.String(), `"prefix":"/de"`) {
		t.Errorf("%d lines: %s", n, s.log.String())
	}
	if got := s.events()["unlisted_path"]; got != 2 {
		t.Errorf("%v were counted", got)
	}
}
