package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// pluginSecret is what CoCart JWT Authentication signed with.
const pluginSecret = "a short secret"

const alicesPAT = "pat_0123456789abcdef01234567"

// openOldShop is a shop where CoCart JWT Authentication is active, and alice
// logged in before the gateway came.
func openOldShop(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := openShop(t, append([]func(*gateway.Config){func(c *gateway.Config) { c.Migration.PluginRefresh = true }}, change...)...)
	s.wordpress.Users[0].PATs = []string{alicesPAT}
	s.wordpress.OldRefresh = map[string]int64{oldRefresh(1): 2, oldRefresh(2): 2}
	return s
}

// oldRefresh is a refresh token of the plugin: 128 hex digits.
func oldRefresh(n int) string { return fmt.Sprintf("%0128x", n) }

// oldAccess is an access token of the plugin, as it writes them.
func (s *shop) oldAccess(change func(jwt.MapClaims)) string {
	s.t.Helper()
	now := s.clock.Now().Unix()
	claims := jwt.MapClaims{"iss": upstreamtest.SiteURL, "iat": now, "nbf": now, "exp": now + 864000, "data": map[string]any{
		"user": map[string]any{"id": 2, "username": "alice", "ip": "192.0.2.1", "device": "App/1.0", "pat": alicesPAT}}}
	if change != nil {
		change(claims)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(pluginSecret))
	s.must(err)
	return token
}

func TestATokenOfTheOldPluginIsTheCustomer(t *testing.T) {
	s := openOldShop(t)
	if r := s.cart(s.oldAccess(nil)); r.Status != 200 || !strings.Contains(r.Body, `"cart_key":"2"`) {
		t.Fatalf("cart: %d %s", r.Status, r.Body)
	}
	c := s.wordpress.Last().Claims
	if c.Kind != "customer" || c.PAT != alicesPAT || c.Session != "" || c.Fingerprint != "" {
		t.Errorf("asserted %+v", c)
	}
	if r := s.post("/wp-json/cocart/jwt/validate-token", "", "Authorization: Bearer "+s.oldAccess(nil)); r.Status != 200 {
		t.Errorf("validate: %d %s", r.Status, r.Body)
	}
}

func TestATokenOfTheOldPluginEnds(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(*shop, string)
		asks bool // whether WordPress is asked about it once more
	}{
		"with its exp": {func(s *shop, _ string) { s.clock.step(241 * time.Hour) }, false},
		"with a logout": {func(s *shop, access string) {
			if r := s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access); r.Status != 200 {
				s.t.Errorf("logout: %d %s", r.Status, r.Body)
			}
		}, false},
		"when the plugin forgot its login": {func(s *shop, _ string) { s.wordpress.Users[0].PATs = nil }, true},
		"with a new password set through the gateway": {func(s *shop, access string) {
			s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
				w.Header().Set("X-CoCart-Gateway-Ended", s.wordpress.Sign("cocart-ended+jwt", r.Header.Get("X-CoCart-Gateway"),
					map[string]any{"sub": "2", "fp": "fp-alice-1", "reason": "changed"}))
				return false
			}
			s.do("POST", "/my-account/edit-account/", "")
			s.wordpress.Answer = nil
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := openOldShop(t)
			access := s.oldAccess(nil)
			row.end(s, access)
			before := len(s.wordpress.Seen())
			r := s.cart(access)
			if r.Status != 401 || !strings.Contains(r.Body, "cocart_authentication_error") {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			if asked := len(s.wordpress.Seen()) > before; asked != row.asks {
				t.Errorf("WordPress was asked: %t", asked)
			}
		})
	}
}

func TestADeletedUserIsRefusedBeforePHPFromTheSecondUse(t *testing.T) {
	s := openOldShop(t)
	access := s.oldAccess(nil)
	s.wordpress.Users = nil
	for range 2 {
		if r := s.cart(access); r.Status != 401 || r.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	}
	if n := len(s.wordpress.Seen()); n != 1 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

func TestALogoutWithAPluginTokenLeavesOurSessions(t *testing.T) {
	s := openOldShop(t)
	ours, _ := s.login()
	s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+s.oldAccess(nil))
	if r := s.cart(ours); r.Status != 200 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestALoginWithAPluginTokenAloneBeginsNoSession(t *testing.T) {
	s := openOldShop(t)
	old := s.oldAccess(nil)
	r := s.post("/wp-json/cocart/v2/login", "", "Authorization: Bearer "+old)
	if r.Status != 200 || !strings.Contains(r.Body, `"jwt_token":"`+old+`"`) || strings.Contains(r.Body, "jwt_refresh") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestBearerLoginRefreshBeginsASessionByAPluginToken(t *testing.T) {
	s := openOldShop(t, func(c *gateway.Config) { c.BearerLoginRefresh = true })
	r := s.post("/wp-json/cocart/v2/login", "", "Authorization: Bearer "+s.oldAccess(nil))
	access, refresh := r.tokens(t)
	if r := s.cart(access); r.Status != 200 || s.wordpress.Last().Claims.Session == "" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	s.refresh(refresh).pair(t)
}

func TestARefreshTokenOfTheOldPluginBecomesASession(t *testing.T) {
	s := openOldShop(t)
	access, refresh := s.refresh(oldRefresh(1)).pair(t)
	asked := s.wordpress.Last()
	if asked.Claims.Kind != "refresh" || asked.Method != "POST" || asked.Target != "/wp-json/cocart/jwt/refresh-token" || asked.Body != `{"refresh_token":"`+oldRefresh(1)+`"}` {
		t.Errorf("WordPress was asked %+v", asked)
	}
	if r := s.cart(access); r.Status != 200 || s.wordpress.Last().Claims.Fingerprint != "fp-alice-1" {
		t.Errorf("cart: %d %s", r.Status, r.Body)
	}
	s.refresh(refresh).pair(t)
}

func TestOnlyTheRefreshTokenGoesToTheOldPlugin(t *testing.T) {
	s := openOldShop(t)
	for n, target := range map[int]string{
		1: "/wp-json/cocart/jwt/refresh-token?username=alice&password=x",
		2: "/?rest_route=/cocart/jwt/refresh-token&cart_key=t_1",
	} {
		s.post(target, `{"refresh_token":"`+oldRefresh(n)+`","username":"bob","password":"y"}`, "Cookie: wordpress_logged_in_1=bob",
			"Authorization: Bearer stale", "X-HTTP-Method-Override: POST").pair(t)
		seen := s.wordpress.Last()
		for _, secret := range []string{"password", "bob", "stale", "cart_key", "Override"} {
			if strings.Contains(fmt.Sprint(seen), secret) {
				t.Errorf("%s came along: %+v", secret, seen)
			}
		}
	}
}

// A filter of the shop's may make the plugin's refresh tokens in any form.
func TestTheOldPluginGetsRefreshTokensOfAnotherForm(t *testing.T) {
	s := openOldShop(t)
	for name, token := range map[string]string{"of md5": "0123456789abcdef0123456789abcdef", "with signs": "8<j&k~%+ 'x\"é.ö!"} {
		s.wordpress.OldRefresh[token] = 2
		text, err := json.Marshal(map[string]string{"refresh_token": token})
		s.must(err)
		access, _ := s.post("/wp-json/cocart/jwt/refresh-token", string(text)).pair(t)
		if r := s.cart(access); r.Status != 200 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func TestParallelRefreshesWithAPluginTokenConverge(t *testing.T) {
	s := openOldShop(t)
	answers := make([]string, 10)
	var tabs sync.WaitGroup
	for i := range answers {
		tabs.Go(func() {
			if r := s.refresh(oldRefresh(1)); r.Status == 200 {
				_, answers[i] = r.pair(t)
			}
		})
	}
	tabs.Wait()
	for _, refresh := range answers {
		if refresh == "" || refresh != answers[0] {
			t.Errorf("a tab got %.8q, another %.8q", refresh, answers[0])
		}
	}
	if n := len(s.wordpress.Seen()); n != 1 {
		t.Errorf("the old plugin was asked %d times", n)
	}
}

func TestWhatIsNotHandedToTheOldPlugin(t *testing.T) {
	s := openOldShop(t)
	_, refresh := s.login()
	asked := len(s.wordpress.Seen())
	for name, token := range map[string]string{
		"garbage": "garbage", "too long": strings.Repeat(oldRefresh(1), 5), "two lines": oldRefresh(1) + "\\n", "ours": refresh, "an access token": s.oldAccess(nil),
	} {
		s.refresh(token)
		if len(s.wordpress.Seen()) != asked {
			t.Errorf("%s was handed on", name)
		}
	}
}

func TestARefreshThatTheOldPluginCannotAnswer(t *testing.T) {
	answer := func(status int, text string) func(*shop) {
		return func(s *shop) {
			s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
				upstreamtest.JSON(w, status, text)
				return true
			}
		}
	}
	invalid := failure(401, "cocart_authentication_error", "Invalid refresh token.")
	unusable := failure(502, "cocart_gateway_upstream_unusable", "The shop gave an answer that cannot be used.")
	for name, row := range map[string]struct {
		spoil func(*shop)
		want  string
	}{
		"it does not know the token":         {func(s *shop) { s.wordpress.OldRefresh = map[string]int64{} }, invalid},
		"it is not active":                   {func(s *shop) { s.wordpress.OldRefresh = nil }, invalid},
		"the token has expired":              {answer(403, `{"code":"cocart_authentication_error","message":"Refresh token expired."}`), failure(401, "cocart_authentication_error", "Refresh token expired.")},
		"the shop refuses the customer":      {answer(403, `{"code":"cocart_gateway_not_allowed","message":"This account cannot be used here."}`), invalid},
		"it has no secret":                   {answer(403, `{"code":"cocart_jwt_auth_bad_config"}`), unusable},
		"the must-use plugin does not vouch": {func(s *shop) { s.wordpress.NoPlugin = true }, unusable},
		"the shop does not let the user in":  {answer(403, `{"code":"cocart_gateway_not_allowed"}`), invalid},
		"something else is not found":        {answer(404, `<h1>Not found</h1>`), unusable},
		"PHP fails":                          {answer(500, `{"code":"internal_server_error"}`), unusable},
		"the store is away":                  {func(s *shop) { s.store.Close() }, failure(503, "cocart_gateway_store_unavailable", "Signing in and out is not possible at the moment. Please try again shortly.")},
		"the operator did not ask for it":    {nil, invalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := openOldShop(t, func(c *gateway.Config) { c.Migration.PluginRefresh = row.spoil != nil })
			if row.spoil != nil {
				row.spoil(s)
			}
			if got := s.refresh(oldRefresh(1)).failure(); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
}

func TestTheOldPluginIsAskedOnceAboutARefusedToken(t *testing.T) {
	for name, row := range map[string]struct {
		known map[string]int64
		asked int
	}{
		"that it does not know":   {map[string]int64{}, 1},
		"while it was not active": {nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := openOldShop(t)
			s.wordpress.OldRefresh = row.known
			for range 3 {
				if r := s.refresh(oldRefresh(1)); r.Status != 401 {
					t.Errorf("%d %s", r.Status, r.Body)
				}
			}
			if n := len(s.wordpress.Seen()); n != row.asked {
				t.Errorf("WordPress was asked %d times", n)
			}
		})
	}
}

func TestAWhiteLabelKeepsTheOldPluginsNamespace(t *testing.T) {
	s := openOldShop(t, func(c *gateway.Config) { c.Namespaces = []string{"my.shop"} })
	for n, target := range map[int]string{1: "/wp-json/my.shop/jwt/refresh-token", 2: "/?rest_route=/my.shop/jwt/refresh-token"} {
		s.post(target, `{"refresh_token":"`+oldRefresh(n)+`"}`).pair(t)
		if got := s.wordpress.Last().Target; !strings.HasSuffix(strings.ReplaceAll(got, "%2F", "/"), "/cocart/jwt/refresh-token") {
			t.Errorf("%s: WordPress was asked %s", target, got)
		}
	}
}

func TestTokensOfTheOldPluginThatAreRefused(t *testing.T) {
	s := openOldShop(t)
	for name, token := range map[string]string{
		"without a PAT":            s.oldAccess(func(c jwt.MapClaims) { c["data"] = map[string]any{"user": map[string]any{"id": 2}} }),
		"of another site":          s.oldAccess(func(c jwt.MapClaims) { c["iss"] = "https://other.example" }),
		"with a session of ours":   s.oldAccess(func(c jwt.MapClaims) { c["sid"] = "x" }),
		"with another signature":   s.oldAccess(nil) + "A",
		"with no signature at all": strings.Join(strings.Split(s.oldAccess(nil), ".")[:2], ".") + ".",
	} {
		if r := s.cart(token); r.Status != 401 {
			t.Errorf("%s: %d", name, r.Status)
		}
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}
