package gateway_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream/upstreamtest"
)

// caller is alice with an app that has an access token, and a browser whose access token is no longer valid.
type caller struct {
	at      *shop
	access  string
	browser *visitor
}

func (s *shop) caller() *caller {
	s.t.Helper()
	c := &caller{at: s, browser: s.visit()}
	c.access, _ = s.login()
	refresh, _ := c.browser.tokens()
	c.browser.cookie = "__Host-cocart_session=" + refresh + ".spent"
	return c
}

func (c *caller) do(method, target, body string) reply {
	return c.at.do(method, target, body, bearer(c.access), "Content-Type: application/json")
}

// renew asks with the same cookie each time, as after a lost answer.
func (c *caller) renew() reply {
	sent := *c.browser
	sent.s = c.at
	return sent.do("GET", cartRoute, "")
}

// text is what a client gets of an answer: the body, and the cookie.
func (r reply) text() string { return r.Body + strings.Join(r.Header["Set-Cookie"], " ") }

// tokenRoutes are the routes on which the gateway itself answers, or adds tokens to the answer.
var tokenRoutes = map[string]struct {
	ask                 func(c *caller) reply
	good                string // is in an answer
	again               string // is in the answer to the same request once more
	withoutRedis, guest bool   // it works without Redis; it needs no token
}{
	"the list of sessions":       {func(c *caller) reply { return c.do("GET", sessionsRoute, "") }, `"current":true`, `"current":true`, false, false},
	"the end of other sessions":  {func(c *caller) reply { return c.do("DELETE", sessionsRoute, "") }, `{"ended":1}`, `{"ended":0}`, false, false},
	"a link for a browser":       {func(c *caller) reply { return c.do("POST", browserRoute, `{"redirect":"/checkout/"}`) }, `"url":"`, `"url":"`, false, false},
	"whose token it is":          {func(c *caller) reply { return c.do("GET", "/wp-json/cocart/jwt/me", "") }, `"username":"alice"`, `"username":"alice"`, true, false},
	"a session of a plugin":      {func(c *caller) reply { return c.at.post(codeRoute, `{}`) }, `"jwt_token":"`, `"jwt_token":"`, false, true},
	"the renewal of a cookie":    {(*caller).renew, "__Host-cocart_session=", "__Host-cocart_session=", false, false},
	"a renewal on another route": {func(c *caller) reply { return c.browser.at(c.at).do("GET", storeCart, "", asCookie) }, "__Host-cocart_session=", "__Host-cocart_session=", false, false},
}

// at is the same browser in front of another gateway; it leaves the cookie of v as it is.
func (v *visitor) at(s *shop) *visitor {
	sent := *v
	sent.s = s
	return &sent
}

func onAllRoutes(c *gateway.Config) {
	cookieMode(c)
	c.Protect = []string{"wc/store"}
}

// openTokenRoutes is a shop in which the routes of tokenRoutes answer, with its signing key.
func openTokenRoutes(t *testing.T) (*shop, *caller, keys.Key) {
	t.Helper()
	old, err := keys.NewHMAC("k1", "HS256", []byte(signingSecret))
	if err != nil {
		t.Fatal(err)
	}
	s := openShopWith(t, []keys.Key{old}, onAllRoutes)
	c := s.caller()
	s.beginning(200, `{"user_id":2}`)
	s.wordpress.Lock()
	begin := s.wordpress.Answer
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		return strings.HasPrefix(seen.Target, codeRoute) && begin(w, r, seen)
	}
	s.wordpress.Unlock()
	return s, c, old
}

// sign has the gateway go on with other signing keys, as a reload does.
func (s *shop) sign(table ...keys.Key) {
	s.t.Helper()
	authority, err := s.authority.Next(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: table, Now: s.clock.Now})
	s.must(err)
	cfg := gateway.Config{SiteURL: mustURL(s.t, upstreamtest.SiteURL), Now: s.clock.Now}
	onAllRoutes(&cfg)
	next, err := s.Config.Handler.(*gateway.Gateway).Next(cfg, authority)
	s.must(err)
	s.Config.Handler = next
}

// headerOf is the header of a JWT.
func headerOf(t *testing.T, token string) string {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTokenRoutesOutliveAKeyRotation(t *testing.T) {
	for name, route := range tokenRoutes {
		t.Run(name, func(t *testing.T) {
			s, c, old := openTokenRoutes(t)
			fresh, err := keys.NewHMAC("k2", "HS256", []byte("another signing secret of the tests, of 32 bytes"))
			s.must(err)
			renews := strings.Contains(route.good, "cocart_session")
			for _, stage := range []struct {
				name  string
				table []keys.Key
				good  bool
			}{
				{"the new key signs, and the old one verifies", []keys.Key{fresh, old.RetireAt(s.clock.Now().Add(accessTTL))}, true},
				{"the old key is retired", []keys.Key{fresh, old.RetireAt(s.clock.Now())}, route.guest || renews}, // a refresh token outlives it
				{"the old key is gone", []keys.Key{fresh}, route.guest},
			} {
				s.sign(stage.table...)
				switch r := route.ask(c); {
				case stage.good && (r.Status != 200 || !strings.Contains(r.text(), route.good)):
					t.Errorf("%s: %d %s", stage.name, r.Status, r.text())
				case !stage.good && r.Status != 401:
					t.Errorf("%s: %d %s, want 401", stage.name, r.Status, r.text())
				case renews && !stage.good && !strings.Contains(r.text(), "Max-Age=0"):
					t.Errorf("%s: the cookie stays: %s", stage.name, r.text())
				}
			}
			if access, _ := s.post(codeRoute, `{}`).tokens(t); !strings.Contains(headerOf(t, access), `"k2"`) {
				t.Errorf("a new token is signed with %s", headerOf(t, access))
			}
		})
	}
}

func TestTokenRoutesWhileRedisIsDown(t *testing.T) {
	for name, route := range tokenRoutes {
		t.Run(name, func(t *testing.T) {
			s, c, _ := openTokenRoutes(t)
			s.store.Close()
			switch r := route.ask(c); {
			case route.withoutRedis && (r.Status != 200 || !strings.Contains(r.text(), route.good)):
				t.Errorf("%d %s", r.Status, r.text())
			case !route.withoutRedis && (r.Status != 503 || r.Header.Get("Retry-After") == "" || len(r.Header["Set-Cookie"]) != 0):
				t.Errorf("%d %s %v", r.Status, r.text(), r.Header)
			}
			s.must(s.store.Restart())
			if r := route.ask(c); r.Status != 200 || !strings.Contains(r.text(), route.good) {
				t.Errorf("afterwards: %d %s", r.Status, r.text())
			}
		})
	}
}

func TestTokenRoutesAtAnotherGateway(t *testing.T) {
	for name, route := range tokenRoutes {
		t.Run(name, func(t *testing.T) {
			s, c, _ := openTokenRoutes(t)
			c.at = s.beside(onAllRoutes)
			if r := route.ask(c); r.Status != 200 || !strings.Contains(r.text(), route.good) {
				t.Errorf("%d %s", r.Status, r.text())
			}
			c.at = s
			if r := route.ask(c); r.Status != 200 || !strings.Contains(r.text(), route.again) {
				t.Errorf("then at the first: %d %s", r.Status, r.text())
			}
		})
	}
}

// The answer did not arrive, so the client sends the same request again.
func TestTokenRoutesAfterALostAnswer(t *testing.T) {
	for name, route := range tokenRoutes {
		t.Run(name, func(t *testing.T) {
			_, c, _ := openTokenRoutes(t)
			route.ask(c)
			if r := route.ask(c); r.Status != 200 || !strings.Contains(r.text(), route.again) {
				t.Errorf("%d %s", r.Status, r.text())
			}
			if r := c.do("GET", cartRoute, ""); r.Status != 200 {
				t.Errorf("the app is logged out: %d", r.Status)
			}
		})
	}
}

func TestTokenRoutesRefuseBadInput(t *testing.T) {
	s, c, _ := openTokenRoutes(t)
	spent := c.browser.cookie
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
		status               int
	}{
		"sessions without a token":                {"GET", sessionsRoute, "", nil, 401},
		"sessions with a refresh token":           {"GET", sessionsRoute, "", []string{bearer(strings.Repeat("a", 128))}, 401},
		"sessions by another method":              {"PUT", sessionsRoute, "", []string{bearer(c.access)}, 405},
		"sessions as a script":                    {"GET", sessionsRoute + "?_jsonp=steal", "", []string{bearer(c.access)}, 400},
		"the end of sessions by a link":           {"GET", sessionsRoute + "?_method=DELETE", "", []string{bearer("a.b.c")}, 401},
		"the end of a session with a NUL":         {"DELETE", sessionsRoute + "/%00", "", []string{bearer(c.access)}, 400},
		"a link that leads elsewhere":             {"POST", browserRoute, `{"redirect":"https://evil.example/"}`, []string{bearer(c.access)}, 400},
		"a link from what is no JSON":             {"POST", browserRoute, `{"redirect":`, []string{bearer(c.access)}, 400},
		"a link with GET":                         {"GET", browserRoute, "", []string{bearer(c.access)}, 405},
		"me without a token":                      {"GET", "/wp-json/cocart/jwt/me", "", nil, 401},
		"me with two tokens":                      {"GET", "/wp-json/cocart/jwt/me", "", []string{bearer(c.access), bearer("a.b.c")}, 400},
		"a cookie of nothing":                     {"GET", cartRoute, "", []string{"Cookie: __Host-cocart_session="}, 401},
		"a cookie of garbage":                     {"GET", cartRoute, "", []string{"Cookie: __Host-cocart_session=" + strings.Repeat("f", 128) + ".x"}, 401},
		"a cookie whose token was cut":            {"GET", cartRoute, "", []string{"Cookie: " + strings.Replace(spent, "=", "=f", 1)}, 401},
		"two cookies":                             {"GET", cartRoute, "", []string{"Cookie: " + spent + "; __Host-cocart_session=x.y"}, 401},
		"a cookie of garbage on wc/store":         {"GET", storeCart, "", []string{asCookie, "Cookie: __Host-cocart_session=x.y"}, 401},
		"a cookie on wc/store, from evil.example": {"GET", storeCart, "", []string{asCookie, "Cookie: " + spent, "Origin: https://evil.example"}, 403},
	} {
		before := len(s.wordpress.Seen())
		if r := s.do(row.method, row.target, row.body, append(row.headers, "Content-Type: application/json")...); r.Status != row.status || len(s.wordpress.Seen()) != before {
			t.Errorf("%s: %d %s, WordPress was asked %d times", name, r.Status, r.text(), len(s.wordpress.Seen())-before)
		}
	}
	if n := s.sessions(); n != 2 {
		t.Errorf("%d sessions are left, want 2", n)
	}
}
