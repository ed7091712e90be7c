package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream/upstreamtest"
)

// openShopGoingBack is a shop whose operator wants CoCart JWT Authentication
// back: it is active, and adds tokens of its own to each login.
func openShopGoingBack(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := openShop(t, append([]func(*gateway.Config){func(c *gateway.Config) { c.Migration.HandBack = true }}, change...)...)
	s.wordpress.OldRefresh = map[string]int64{oldRefresh(1): 2}
	issued := 0
	s.wordpress.OldPair = func(u upstreamtest.User) (access, refresh string) {
		s.wordpress.Lock()
		defer s.wordpress.Unlock()
		issued++
		pat := fmt.Sprintf("pat_%024x", issued)
		if u.ID == 2 {
			s.wordpress.Users[0].PATs = append(slices.Clone(s.wordpress.Users[0].PATs), pat)
		}
		return s.oldAccess(func(c jwt.MapClaims) {
			user := c["data"].(map[string]any)["user"].(map[string]any)
			user["id"], user["pat"] = u.ID, pat
		}), oldRefresh(1000 + issued)
	}
	return s
}

// fromBefore is a session of ours: alice logged in before the shop began to go
// back.
func (s *shop) fromBefore() (access, refresh string) {
	s.t.Helper()
	pair, err := s.authority.Issue(s.t.Context(), tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-1"}, tokens.Client{Address: "192.0.2.1", Device: "App/1.0"})
	s.must(err)
	return pair.Access, pair.Refresh
}

func byPlugin(access string) bool {
	head, _, _ := strings.Cut(access, ".")
	return head == "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
}

func TestOurAccessTokensAreValidOnTheWayBack(t *testing.T) {
	s := openShopGoingBack(t)
	access, _ := s.fromBefore()
	if r := s.cart(access); r.Status != 200 || s.wordpress.Last().Claims.Session == "" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestALoginOnTheWayBackKeepsThePluginsTokens(t *testing.T) {
	s := openShopGoingBack(t)
	access, refresh := s.login()
	if r := s.cart(access); !byPlugin(access) || r.Status != 200 || s.wordpress.Last().Claims.PAT == "" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	for s := range s.authority.Sessions(t.Context(), 0) {
		t.Errorf("a session began: %+v", s)
	}
	if access, _ := s.refresh(refresh).pair(t); !byPlugin(access) {
		t.Error("its refresh token was not passed on")
	}
	r := s.post("/wp-json/cocart/jwt/token", `{"username":"alice","password":"wonderland-1"}`)
	if access, refresh := r.pair(t); !byPlugin(access) || len(refresh) != 128 {
		t.Errorf("a login under its alias: %s", r.Body)
	}
}

func TestARefreshTokenOfOursBecomesAPairOfTheOldPlugin(t *testing.T) {
	s := openShopGoingBack(t)
	old, refresh := s.fromBefore()
	r := s.post("/wp-json/cocart/jwt/refresh-token?username=x", `{"refresh_token":"`+refresh+`","password":"y"}`, "User-Agent: App/1.0",
		"X-Device-User-Agent: Phone/2", "Cookie: wordpress_logged_in_1=bob", "Authorization: Bearer stale", "X-HTTP-Method-Override: POST")
	access, next := r.pair(t)
	asked := s.wordpress.Last()
	if asked.Claims.Kind != "hand_back" || asked.Claims.Subject != "2" || asked.Claims.Fingerprint != "fp-alice-1" || asked.Claims.Session == "" ||
		asked.Method != "POST" || asked.Target != "/wp-json/cocart/v2/login" || asked.Body != "{}" {
		t.Errorf("WordPress was asked %+v", asked)
	}
	if asked.Header.Get("User-Agent") != "App/1.0" || asked.Header.Get("X-Device-User-Agent") != "Phone/2" {
		t.Errorf("the old plugin binds its tokens to another client: %v", asked.Header)
	}
	for _, secret := range []string{"bob", "stale", "Override", "username"} {
		if strings.Contains(fmt.Sprint(asked), secret) {
			t.Errorf("%s came along: %+v", secret, asked)
		}
	}
	if r := s.cart(access); !byPlugin(access) || r.Status != 200 {
		t.Errorf("the pair: %d %s", r.Status, r.Body)
	}
	if again, _ := s.refresh(next).pair(t); !byPlugin(again) {
		t.Error("its refresh token was not passed on")
	}
	s.clock.step(time.Minute)
	if r := s.cart(old); r.Status != 401 {
		t.Errorf("the token from before: %d", r.Status)
	}
}

func TestWhereASessionIsHandedBack(t *testing.T) {
	for name, row := range map[string]struct {
		namespaces   []string
		target, want string
	}{
		"plain permalinks":       {nil, "/?rest_route=/cocart/jwt/refresh-token", "/?rest_route=%2Fcocart%2Fv2%2Flogin"},
		"index.php":              {nil, "/index.php/wp-json/cocart/jwt/refresh-token", "/index.php/wp-json/cocart/v2/login"},
		"a white label":          {[]string{"my.shop"}, "/wp-json/my.shop/jwt/refresh-token", "/wp-json/my.shop/v2/login"},
		"the plugin's own route": {[]string{"my.shop"}, "/wp-json/cocart/jwt/refresh-token", "/wp-json/my.shop/v2/login"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t, func(c *gateway.Config) { c.Namespaces = row.namespaces })
			_, refresh := s.fromBefore()
			s.post(row.target, `{"refresh_token":"`+refresh+`"}`).pair(t)
			if got := s.wordpress.Last().Target; got != row.want {
				t.Errorf("WordPress was asked %s, want %s", got, row.want)
			}
		})
	}
}

func TestParallelRefreshesOnTheWayBackConverge(t *testing.T) {
	s := openShopGoingBack(t)
	_, ours := s.fromBefore()
	for name, token := range map[string]string{"ours": ours, "the old plugin's": oldRefresh(1)} {
		asked := len(s.wordpress.Seen())
		answers := make([]string, 10)
		var tabs sync.WaitGroup
		for i := range answers {
			tabs.Go(func() { answers[i] = s.refresh(token).Body })
		}
		tabs.Wait()
		if slices.Sort(answers); len(slices.Compact(answers)) != 1 || !strings.Contains(answers[0], `"refresh_token"`) {
			t.Errorf("%s: tabs diverge: %.40q", name, answers)
		}
		if n := len(s.wordpress.Seen()) - asked; n != 1 {
			t.Errorf("%s: WordPress was asked %d times", name, n)
		}
	}
}

func TestARefreshThatWordPressCannotAnswerIsRepeatable(t *testing.T) {
	for name, spoil := range map[string]func(*shop){
		"PHP fails":     answering(500, `<b>Fatal error</b>`),
		"a limit":       answering(429, `{"code":"too_many"}`),
		"no connection": func(s *shop) { s.wordpress.Answer = hangUp },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t)
			access, refresh := s.fromBefore()
			spoil(s)
			r := s.refresh(refresh)
			want := failure(503, "cocart_gateway_not_handed_back", "Signing in and out is not possible at the moment. Please try again shortly.")
			if r.failure() != want || r.Header.Get("Retry-After") != "5" {
				t.Errorf("got %s", r.failure())
			}
			s.wordpress.Lock()
			s.wordpress.Answer = nil
			s.wordpress.Unlock()
			if r := s.cart(access); r.Status != 200 {
				t.Errorf("her access token meanwhile: %d", r.Status)
			}
			if access, _ := s.refresh(refresh).pair(t); !byPlugin(access) {
				t.Error("it was not handed back afterwards")
			}
		})
	}
}

func answering(status int, text string) func(*shop) {
	return func(s *shop) {
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
			upstreamtest.JSON(w, status, text)
			return true
		}
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.Close()
	}
	return true
}

// A mistake of the operator logs no customer out, and is reported.
func TestACustomerWithoutPluginTokensStays(t *testing.T) {
	bob := upstreamtest.User{ID: 3}
	for name, spoil := range map[string]func(*shop){
		"the plugin is not active": func(s *shop) { s.wordpress.OldPair = nil },
		"the plugin has another secret": func(s *shop) {
			s.wordpress.OldPair = func(upstreamtest.User) (string, string) { return s.oldAccess(nil) + "A", oldRefresh(7) }
		},
		"the plugin gives no refresh token": func(s *shop) {
			s.wordpress.OldPair = func(upstreamtest.User) (string, string) { return s.oldAccess(nil), "" }
		},
		"the plugin issues tokens of another customer": func(s *shop) {
			pair := s.wordpress.OldPair
			s.wordpress.OldPair = func(upstreamtest.User) (string, string) { return pair(bob) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t)
			_, refresh := s.fromBefore()
			spoil(s)
			access, _ := s.refresh(refresh).pair(t)
			if r := s.cart(access); r.Status != 200 || s.wordpress.Last().Claims.Session == "" {
				t.Errorf("a refresh: %d %s", r.Status, r.Body)
			}
			if access, _ = s.login(); byPlugin(access) || s.cart(access).Status != 200 {
				t.Error("a login got tokens that are not good")
			}
			if got := s.metric("cocart_gateway_security_events_total", "not_handed_back"); got != 2 {
				t.Errorf("reported %v times", got)
			}
			if !strings.Contains(s.log.String(), `"event":"not_handed_back"`) || !strings.Contains(s.log.String(), `"level":"ERROR"`) {
				t.Errorf("the log says\n%s", s.log)
			}
		})
	}
}

func TestAnOlderMustUsePluginLogsNoCustomerOut(t *testing.T) {
	s := openShopGoingBack(t)
	_, refresh := s.fromBefore()
	answering(403, `{"code":"cocart_gateway_bad_assertion"}`)(s)
	if access, _ := s.refresh(refresh).pair(t); byPlugin(access) {
		t.Error("where did it get the token from?")
	}
}
