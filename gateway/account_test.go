package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
)

const meRoute = "/wp-json/cocart/jwt/me"

// RFC 6749 section 5.1, beside the tokens wherever they are in the answer.
func TestTheAnswerSaysHowLongTheAccessTokenIsValid(t *testing.T) {
	s := openShop(t)
	password := `{"username":"alice","password":"wonderland-1"}`
	login := s.post("/wp-json/cocart/v2/login", password)
	_, refresh := login.tokens(t)
	alias := s.post("/wp-json/cocart/jwt/token", password)
	refreshed := s.refresh(refresh)
	s.clock.step(time.Hour + time.Second/2)
	other, _ := alias.pair(t)
	continued := s.post("/wp-json/cocart/v2/login", "", bearer(other))
	for name, row := range map[string]struct {
		answer reply
		extras bool
		want   string
	}{
		"login":                     {login, true, `"token_type":"Bearer","expires_in":864000}`},
		"login under its alias":     {alias, true, `"token_type":"Bearer","expires_in":864000}`},
		"the top of that":           {alias, false, `"token_type":"Bearer","expires_in":864000,`},
		"refresh":                   {refreshed, false, `"token_type":"Bearer","expires_in":864000}`},
		"login by an access token":  {continued, true, `"token_type":"Bearer","expires_in":860399}`},
		"no more at the top of one": {login, false, ``},
	} {
		text := row.answer.Body
		if at := strings.Index(text, `"extras":`); at >= 0 && row.extras {
			text = text[at:]
		} else if at >= 0 {
			text = text[:at]
		}
		if !strings.Contains(text, row.want) || row.want == "" && strings.Contains(text, "expires_in") {
			t.Errorf("%s: %s", name, row.answer.Body)
		}
	}
}

// The old plugin's tokens say themselves when they expire.
func TestTheAnswerSaysHowLongATokenOfTheOldPluginIsValid(t *testing.T) {
	h := openShopGoingBack(t)
	r := h.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	access, _ := r.tokens(t)
	if !strings.Contains(r.Body, `"token_type":"Bearer","expires_in":`) || h.cart(access).Status != http.StatusOK {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestMeIsTheUserOfTheToken(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	asked := len(s.wordpress.Seen())
	s.clock.step(time.Minute)
	s.store.Close() // neither Redis nor WordPress is needed
	s.wordpress.Close()
	for name, row := range map[string][]string{
		"its path":       {"GET", meRoute},
		"a slash":        {"GET", meRoute + "/"},
		"in capitals":    {"GET", "/wp-json/cocart/JWT/Me"},
		"by rest_route":  {"GET", "/?rest_route=/cocart/jwt/me"},
		"below a script": {"GET", "/index.php/wp-json/cocart/jwt/me"},
		"by _method":     {"POST", meRoute + "?_method=get"},
		"by the header":  {"POST", meRoute, "X-HTTP-Method-Override: GET"},
	} {
		r := s.do(row[0], row[1], "", append(row[2:], bearer(access), appOrigin)...)
		var me struct {
			UserID    int64 `json:"user_id"`
			Username  string
			SessionID string `json:"session_id"`
			Issued    time.Time
			Expires   time.Time
			ExpiresIn int `json:"expires_in"`
		}
		err := json.Unmarshal([]byte(r.Body), &me)
		if err != nil || r.Status != 200 || me.UserID != 2 || me.Username != "alice" || len(me.SessionID) != 22 ||
			!me.Issued.Equal(s.clock.Now().Add(-time.Minute)) || me.Expires.Sub(me.Issued) != 240*time.Hour || me.ExpiresIn != 864000-60 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		if r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", name, r.Header)
		}
	}
	if r := s.do("HEAD", meRoute, "", bearer(access)); r.Status != 200 || r.Body != "" {
		t.Errorf("HEAD: %d %q", r.Status, r.Body)
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times", n-asked)
	}
}

func TestMeRefusesWhatIsNotATokenOfACustomer(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	expired, _ := s.login()
	s.post("/wp-json/cocart/v2/logout", "", bearer(access))
	invalid := failure(401, "cocart_authentication_error", "Authentication failed.")
	for name, row := range map[string]struct {
		method, target, want string
		headers              []string
	}{
		"a guest":         {"GET", meRoute, failure(401, "rest_forbidden", "Sorry, you are not allowed to do that."), nil},
		"a password":      {"GET", meRoute, failure(401, "rest_forbidden", "Sorry, you are not allowed to do that."), []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"}},
		"garbage":         {"GET", meRoute, invalid, []string{bearer("a.b.c")}},
		"a logout before": {"GET", meRoute, invalid, []string{bearer(access)}},
		"POST":            {"POST", meRoute, failure(405, "cocart_gateway_method_not_allowed", "This method is not accepted here."), []string{bearer(expired)}},
		"wrapped":         {"GET", meRoute + "?_jsonp=steal", failure(400, "cocart_gateway_bad_request", "The parameter _jsonp is not accepted here."), []string{bearer(expired)}},
	} {
		if got := s.do(row.method, row.target, "", row.headers...); got.failure() != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got.failure(), row.want)
		}
	}
	s.clock.step(241 * time.Hour)
	if got := s.do("GET", meRoute, "", bearer(expired)); got.failure() != invalid || got.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("expired: %s %v", got.failure(), got.Header)
	}
	for _, r := range s.wordpress.Seen() {
		if strings.Contains(strings.ToLower(r.Target), "jwt/me") {
			t.Errorf("WordPress got %s %s", r.Method, r.Target)
		}
	}
}

func TestMeOfAWhiteLabelShop(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.Namespaces = []string{"myshop"} })
	r := s.post("/wp-json/myshop/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	access, _ := r.tokens(t)
	for _, target := range []string{"/wp-json/cocart/jwt/me", "/wp-json/myshop/jwt/me"} {
		if r := s.do("GET", target, "", bearer(access)); r.Status != 200 {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
		if r := s.do("OPTIONS", target, "", appOrigin, "Access-Control-Request-Method: GET"); r.Status != 204 {
			t.Errorf("%s: preflight %d", target, r.Status)
		}
		if r := s.do("OPTIONS", target, ""); r.Status != 200 || !strings.Contains(r.Body, `"methods":["GET"]`) || len(r.Header["Allow"]) > 0 {
			t.Errorf("%s: OPTIONS %d %s %v", target, r.Status, r.Body, r.Header)
		}
	}
	if r := s.do("GET", "/wp-json/cocart/jwt", ""); r.Status != 200 || !strings.Contains(r.Body, `"/cocart/jwt/me"`) {
		t.Errorf("the index: %d %s", r.Status, r.Body)
	}
}
