package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	aliceJSON = `{"username":"alice","password":"wonderland-1"}`
	aliceForm = "username=alice&password=wonderland-1"
)

func TestALoginUnderItsAliasCarriesTheTokensOnTop(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/jwt/token", aliceJSON, "Authorization: Bearer stale.access.token")
	access, refresh := r.pair(t)
	inExtras, refreshInExtras := r.tokens(t)
	if access != inExtras || refresh != refreshInExtras || !strings.HasPrefix(r.Body, `{"token":"`) || !strings.Contains(r.Body, `"user_id":"2"`) {
		t.Errorf("the answer: %s", r.Body)
	}
	if seen := s.wordpress.Last(); seen.Target != "/wp-json/cocart/v2/login" || seen.Claims.Kind != "login" || seen.Body != aliceJSON {
		t.Errorf("WordPress got %s as %s: %s", seen.Target, seen.Claims.Kind, seen.Body)
	}
	if r := s.cart(access); r.Status != 200 || !strings.Contains(r.Body, `"cart_key":"2"`) {
		t.Errorf("cart: %d %s", r.Status, r.Body)
	}
	s.refresh(refresh).pair(t)
}

// Whatever its spelling, WordPress gets the route it knows, where the client had
// put the other one.
func TestAliasesInEverySpelling(t *testing.T) {
	for name, row := range map[string]struct{ method, target, body, override, want string }{
		"in capitals, with a slash":           {"POST", "/wp-json/CoCart/JWT/Token/", aliceJSON, "", "/wp-json/cocart/v2/login"},
		"with a query":                        {"POST", "/wp-json/cocart/jwt/token?lang=de&" + aliceForm, "", "", "/wp-json/cocart/v2/login?lang=de&" + aliceForm},
		"below index.php":                     {"POST", "/index.php/wp-json/cocart/jwt/token", aliceJSON, "", "/index.php/wp-json/cocart/v2/login"},
		"an encoded path":                     {"POST", "/%77p-json/cocart/jwt/token", aliceJSON, "", "/wp-json/cocart/v2/login"},
		"rest_route":                          {"POST", "/?rest_route=/cocart/jwt/token", aliceJSON, "", "/?rest_route=/cocart/v2/login"},
		"rest_route spelled PHP's way":        {"POST", "/any-page/?a=1&rest.route=%2Fcocart%2Fjwt%2Ftoken", aliceJSON, "", "/any-page/?rest_route=/cocart/v2/login&a=1"},
		"rest_route in a form":                {"POST", "/?b=2", "rest_route=/cocart/jwt/token&" + aliceForm, "", "/?rest_route=/cocart/v2/login&b=2"},
		"form and path":                       {"POST", "/wp-json/cocart/jwt/token", "rest_route=/cocart/jwt/token&" + aliceForm, "", "/wp-json/cocart/v2/login"},
		"_method":                             {"GET", "/wp-json/cocart/jwt/token?_method=POST&" + aliceForm, "", "", "/wp-json/cocart/v2/login?_method=POST&" + aliceForm},
		"the override header":                 {"GET", "/wp-json/cocart/jwt/token?" + aliceForm, "", "POST", "/wp-json/cocart/v2/login?" + aliceForm},
		"without consumer_key to WooCommerce": {"POST", "/wp-json/cocart/jwt/token?consumer_key=x", aliceJSON, "", "/wp-json/cocart/v2/login"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			headers := []string{"Content-Type: application/json"}
			if strings.Contains(row.body, "username=") {
				headers = []string{formType}
			}
			if row.override != "" {
				headers = append(headers, "X-HTTP-Method-Override: "+row.override)
			}
			s.do(row.method, row.target, row.body, headers...).pair(t)
			if seen := s.wordpress.Last(); seen.Target != row.want || strings.Contains(seen.Body, "rest_route") {
				t.Errorf("WordPress got %s with %s\nwant %s", seen.Target, seen.Body, row.want)
			}
		})
	}
}

func TestALogoutUnderItsAliasAnswersWithAnObject(t *testing.T) {
	for name, row := range map[string]struct{ target, body, want string }{
		"plain":                {"/wp-json/cocart/jwt/logout", "", "/wp-json/cocart/v2/logout"},
		"the PHP SDK's body":   {"/wp-json/cocart/jwt/logout?x=1", "[]", "/wp-json/cocart/v2/logout?x=1"},
		"rest_route":           {"/?rest_route=/cocart/jwt/logout", "", "/?rest_route=/cocart/v2/logout"},
		"rest_route in a form": {"/", "rest_route=/cocart/jwt/logout", "/?rest_route=/cocart/v2/logout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
				if strings.Contains(seen.Target, "logout") {
					w.Header().Add("Set-Cookie", "wordpress_logged_in_x=+; Max-Age=0")
				}
				return false
			}
			access, refresh := s.login()
			kind := "Content-Type: application/json"
			if strings.Contains(row.body, "=") {
				kind = formType
			}
			r := s.do("POST", row.target, row.body, kind, "Authorization: Bearer "+access)
			if r.Status != 200 || r.Body != `{"message":"You have been logged out.","data":{"status":200}}` || r.Header.Get("Set-Cookie") == "" || r.Header.Get("Cache-Control") != "private, no-store" {
				t.Errorf("%d %s %v", r.Status, r.Body, r.Header)
			}
			if seen := s.wordpress.Last(); seen.Target != row.want || seen.Claims.Kind != "customer" || seen.Claims.Subject != "2" {
				t.Errorf("WordPress got %s as %s %s", seen.Target, seen.Claims.Kind, seen.Claims.Subject)
			}
			if got := []int{s.cart(access).Status, s.refresh(refresh).Status}; got[0] != 401 || got[1] != 401 {
				t.Errorf("afterwards: %v", got)
			}
		})
	}
}

func TestAliasesFailInCoCartsWords(t *testing.T) {
	s := openShop(t)
	for name, row := range map[string]struct {
		reply reply
		want  string
	}{
		"a wrong password":            {s.post("/wp-json/cocart/jwt/token", `{"username":"alice","password":"no"}`), failure(401, "cocart_authentication_error", "The password you entered is incorrect.")},
		"a logout with a dead token":  {s.post("/wp-json/cocart/jwt/logout", "", "Authorization: Bearer a.b.c"), failure(401, "cocart_authentication_error", "Authentication failed.")},
		"a login wrapped in a script": {s.post("/wp-json/cocart/jwt/token?_jsonp=x", aliceJSON), failure(400, "cocart_gateway_bad_request", "The parameter _jsonp is not accepted here.")},
	} {
		if row.reply.failure() != row.want {
			t.Errorf("%s: %s\nwant %s", name, row.reply.failure(), row.want)
		}
	}
	if r := s.post("/wp-json/cocart/jwt/logout", ""); r.Status != 200 || !strings.HasPrefix(r.Body, "{") {
		t.Errorf("a guest's logout: %d %s", r.Status, r.Body)
	}
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 500, `{"code":"internal_server_error","message":"No.","data":{"status":500}}`)
		return true
	}
	if r := s.post("/wp-json/cocart/jwt/logout", ""); r.Status != 500 || !strings.Contains(r.Body, "internal_server_error") {
		t.Errorf("while WordPress is broken: %d %s", r.Status, r.Body)
	}
}

// The plugin registers its routes under cocart, and the Flutter and Swift SDKs
// look for them there, in shops that gave CoCart another name, too.
func TestAliasesInAWhiteLabelShop(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Namespaces = []string{"myshop", "other"} })
	for target, want := range map[string]string{
		"/wp-json/cocart/jwt/token": "/wp-json/myshop/v2/login", "/wp-json/myshop/jwt/token": "/wp-json/myshop/v2/login", "/wp-json/Other/jwt/token": "/wp-json/other/v2/login",
	} {
		access, refresh := s.post(target, aliceJSON).pair(t)
		if got := s.wordpress.Last().Target; got != want {
			t.Errorf("%s: WordPress got %s, want %s", target, got, want)
		}
		if r := s.post("/wp-json/cocart/jwt/validate-token", "", "Authorization: Bearer "+access); r.Status != 200 {
			t.Errorf("%s: validate: %d %s", target, r.Status, r.Body)
		}
		access, _ = s.refresh(refresh).pair(t)
		if r := s.post("/wp-json/cocart/jwt/logout", "", "Authorization: Bearer "+access); r.Status != 200 || s.wordpress.Last().Target != "/wp-json/myshop/v2/logout" {
			t.Errorf("%s: logout: %d at %s", target, r.Status, s.wordpress.Last().Target)
		}
	}
	if r := s.post("/wp-json/batch/v1", `{"requests":[{"path":"/cocart/jwt/token"}]}`); r.Status != 400 {
		t.Errorf("in a batch: %d %s", r.Status, r.Body)
	}
	if s.do("GET", "/wp-json/cocart/jwt/token", ""); s.wordpress.Last().Claims.Kind != "site" {
		t.Errorf("what only looks alike is the site's: %+v", s.wordpress.Last().Claims)
	}
}

func TestAliasesBelowAPath(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) {
		c.SiteURL, c.RestPrefix = &url.URL{Scheme: "https", Host: "shop.example", Path: "/store"}, "api/json"
	})
	s.post("/Store/api/json/cocart/jwt/token", aliceJSON).pair(t)
	if got := s.wordpress.Last().Target; got != "/store/api/json/cocart/v2/login" {
		t.Errorf("WordPress got %s", got)
	}
}

// A client whose form is a page long is refused rather than read in part.
func TestALongFormUnderAnAliasIsRefused(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.MaxLoginBody = 1000 })
	for _, target := range []string{"/wp-json/cocart/jwt/token", "/wp-json/cocart/jwt/logout"} {
		if r := s.do("POST", target, "a="+strings.Repeat("x", 2000), formType); r.Status != 413 {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
	}
}

// A bearer and no credentials: the same session again, in the alias' shape.
func TestAliasOfALoginThatGoesOn(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.BearerLoginRefresh = true })
	access, refresh := s.login()
	r := s.post("/wp-json/cocart/jwt/token", "", "Authorization: Bearer "+access)
	var answer struct{ Token, Refresh_token string } //nolint:revive // the SDK's own names
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || answer.Token != access || answer.Refresh_token != refresh {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestAliasesAreLimitedAndSharedAsTheRoutesTheyStandFor(t *testing.T) {
	s := guarded(t)
	wrong := func(target string) reply { return s.post(target, `{"username":"alice","password":"x"}`) }
	s.statuses("401 401 401 429 429", wrong("/wp-json/cocart/jwt/token"), wrong("/wp-json/cocart/v2/login"), wrong("/?rest_route=/cocart/jwt/token"),
		wrong("/wp-json/cocart/jwt/token"), wrong("/wp-json/cocart/v2/login"))
	const origin = "Origin: https://app.example"
	r := s.do("OPTIONS", "/wp-json/cocart/jwt/token", "", origin, "Access-Control-Request-Method: POST")
	if r.Status != 204 || r.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("preflight: %d %v", r.Status, r.Header)
	}
	if r := s.post("/wp-json/cocart/jwt/logout", "", origin); r.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("logout: %v", r.Header)
	}
}
