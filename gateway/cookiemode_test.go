package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	asCookie      = "CoCart-Session: cookie"
	validateRoute = "/wp-json/cocart/jwt/validate-token"
	alicesLogin   = `{"username":"alice","password":"wonderland-1"}`
)

func cookieMode(c *gateway.Config) { c.Cookies.Enabled = true }

// forApp also lets the pages of https://app.example and of https://*.shop.example use the cookie.
func forApp(c *gateway.Config) {
	cookieMode(c)
	onlyApp(c)
}

// visitor is a browser: it keeps the session cookie, and sends it with the headers of a script of the shop's own page.
type visitor struct {
	s      *shop
	cookie string // "" for none
	page   []string
}

var ownPage = []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"}

// visit logs alice in.
func (s *shop) visit() *visitor {
	s.t.Helper()
	v := &visitor{s: s, page: ownPage}
	if r := v.do("POST", loginRoute, alicesLogin, asCookie); r.Status != 200 || v.cookie == "" {
		s.t.Fatalf("login: %d %s %v", r.Status, r.Body, r.Header)
	}
	return v
}

func (v *visitor) do(method, target, body string, headers ...string) reply {
	v.s.t.Helper()
	headers = append(headers, v.page...)
	if v.cookie != "" {
		headers = append(headers, "Cookie: "+v.cookie)
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	r := v.s.do(method, target, body, headers...)
	for _, line := range r.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		v.s.must(err)
		if !strings.HasSuffix(c.Name, "cocart_session") {
			continue
		}
		v.cookie = ""
		if c.MaxAge > 0 {
			v.cookie = c.Name + "=" + c.Value
		}
	}
	return r
}

func (v *visitor) tokens() (refresh, access string) {
	_, value, _ := strings.Cut(v.cookie, "=")
	refresh, access, _ = strings.Cut(value, ".")
	return refresh, access
}

// asked is who the last request was for in the eyes of WordPress.
func (s *shop) asked() string {
	c := s.wordpress.Last().Claims
	return c.Kind + " " + c.Subject
}

func TestALoginInCookieModeHandsOutNoTokens(t *testing.T) {
	s := openShop(t, cookieMode)
	body := s.post(loginRoute, alicesLogin)
	r := s.post(loginRoute, alicesLogin, asCookie)
	for _, word := range []string{"jwt_token", "jwt_refresh", "eyJ"} {
		if !strings.Contains(body.Body, word) || strings.Contains(r.Body, word) {
			t.Errorf("%s: %s\n%s", word, body.Body, r.Body)
		}
	}
	var answer struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || answer.UserID != "2" {
		t.Errorf("%d %s %v", r.Status, r.Body, err)
	}
	set := r.Header["Set-Cookie"]
	if len(set) != 1 || !strings.HasPrefix(set[0], "__Host-cocart_session=") || !strings.HasSuffix(set[0], "; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("Set-Cookie: %q", set)
	}
	if len(body.Header["Set-Cookie"]) != 0 {
		t.Errorf("a login without the header sets %q", body.Header["Set-Cookie"])
	}
	alias := s.post("/wp-json/cocart/jwt/token", alicesLogin, asCookie)
	if alias.Status != 200 || strings.Contains(alias.Body, "token") || len(alias.Header["Set-Cookie"]) != 1 {
		t.Errorf("under its alias: %d %s %v", alias.Status, alias.Body, alias.Header)
	}
}

func TestAWrongPasswordInCookieModeSetsNoCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	r := s.post(loginRoute, `{"username":"alice","password":"wrong"}`, asCookie)
	if r.Status != 401 || len(r.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %v", r.Status, r.Header)
	}
}

func TestARequestWithTheCookieIsTheCustomers(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	for name, ask := range map[string]func() reply{
		"reading":                     func() reply { return v.do("GET", cartRoute, "") },
		"acting":                      func() reply { return v.do("POST", cartRoute+"/add-item", `{"id":"12"}`) },
		"a form with half a password": func() reply { return v.do("POST", cartRoute+"/add-item?username=x", `{"id":"12"}`) },
		"by rest_route":               func() reply { return v.do("GET", "/?rest_route=/cocart/v2/cart", "") },
		"a batch": func() reply {
			return v.do("POST", "/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/cocart/v2/cart/add-item"}]}`)
		},
		"a server that passes it on": func() reply { return s.do("GET", cartRoute, "", "Cookie: "+v.cookie) },
		"an empty Bearer beside it":  func() reply { return v.do("GET", cartRoute, "", "Authorization: Bearer") },
	} {
		if r := ask(); r.Status != 200 || s.asked() != "customer 2" || len(r.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s, for %s, %q", name, r.Status, r.Body, s.asked(), r.Header["Set-Cookie"])
		}
	}
	if r := v.do("POST", validateRoute, ""); r.Status != 200 {
		t.Errorf("validate: %d %s", r.Status, r.Body)
	}
	if r := v.do("GET", "/wp-json/cocart/jwt/me", ""); r.Status != 200 || !strings.Contains(r.Body, `"username":"alice"`) {
		t.Errorf("me: %d %s", r.Status, r.Body)
	}
	if r := v.do("POST", loginRoute, "{}"); r.Status != 200 || s.asked() != "customer 2" || strings.Contains(r.Body, "jwt_token") {
		t.Errorf("a login without a password: %d %s, for %s", r.Status, r.Body, s.asked())
	}
}

func TestWhatAClientSaysTakesPrecedenceOverTheCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "bob", Password: "builder-2", Fingerprint: "fp-bob"})
	v := s.visit()
	bob, _ := s.post(loginRoute, `{"username":"bob","password":"builder-2"}`).tokens(t)
	for name, row := range map[string]struct {
		headers []string
		status  int
		want    string
	}{
		"a bearer":                      {[]string{"Authorization: Bearer " + bob}, 200, "customer 3"},
		"a bad bearer":                  {[]string{"Authorization: Bearer a.b.c"}, 401, ""},
		"Basic":                         {[]string{"Authorization: Basic Ym9iOmJ1aWxkZXItMg=="}, 200, "credentials 0"},
		"WordPress's login and nonce":   {[]string{"Cookie: wordpress_logged_in_1=bob", "X-WP-Nonce: 1"}, 200, "credentials 0"},
		"WordPress's login cookie only": {[]string{"Cookie: wordpress_logged_in_1=bob"}, 200, "customer 2"},
		"a nonce only":                  {[]string{"X-WP-Nonce: 1"}, 200, "customer 2"},
	} {
		before := len(s.wordpress.Seen())
		r := v.do("GET", cartRoute, "", row.headers...)
		got := ""
		if len(s.wordpress.Seen()) > before {
			got = s.asked()
		}
		if r.Status != row.status || got != row.want {
			t.Errorf("%s: %d, for %q", name, r.Status, got)
		}
	}
	if v.cookie == "" {
		t.Error("the cookie was removed")
	}
}

func TestPHPSeesNoSessionCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	const others = `a=1;  b="2"; wp_cocart_session_1=x%20y`
	refresh, access := v.tokens()
	for _, target := range []string{cartRoute, "/shop/", "/wp-login.php", "/wp-json/wp/v2/posts"} {
		for _, line := range []string{v.cookie + "; " + others, others + "; " + v.cookie, others + "; __Secure-cocart_session=" + refresh + "." + access} {
			s.do("GET", target, "", "Cookie: "+line)
			if got := strings.Join(s.wordpress.Last().Header["Cookie"], "|"); got != others {
				t.Errorf("%s: WordPress got %q", target, got)
			}
		}
	}
	off := openShop(t)
	off.do("GET", "/shop/", "", "Cookie: a=1; "+v.cookie)
	if got := off.wordpress.Last().Header.Get("Cookie"); got != "a=1" {
		t.Errorf("where cookie mode is off again WordPress got %q", got)
	}
}

func TestAnExpiredTokenIsRenewedWithinTheRequest(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before := v.cookie
	s.clock.step(accessTTL + time.Minute)
	r := v.do("POST", cartRoute+"/add-item", `{"id":"12"}`)
	if r.Status != 200 || s.asked() != "customer 2" || v.cookie == before || v.cookie == "" || len(r.Header["Set-Cookie"]) != 1 {
		t.Fatalf("%d, for %s, %q", r.Status, s.asked(), r.Header["Set-Cookie"])
	}
	if got := r.Header.Get("Ratelimit-Limit"); got != "" {
		t.Errorf("the limit of refreshes is shown as the cart's: %s", got)
	}
	renewed := v.cookie
	if r := v.do("GET", cartRoute, ""); r.Status != 200 || v.cookie != renewed {
		t.Errorf("afterwards: %d %q", r.Status, r.Header["Set-Cookie"])
	}
	s.clock.step(accessTTL + time.Minute)
	if r := v.do("POST", validateRoute, ""); r.Status != 200 || v.cookie == renewed {
		t.Errorf("validate: %d %s", r.Status, r.Body)
	}
}

// A new pair arrives also with an answer that WordPress failed to give.
func TestARenewedTokenArrivesWithAnyAnswer(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before := v.cookie
	s.clock.step(accessTTL + time.Minute)
	s.wordpress.Close()
	if r := v.do("GET", cartRoute, ""); r.Status != 502 || v.cookie == before || v.cookie == "" {
		t.Errorf("%d %q", r.Status, r.Header["Set-Cookie"])
	}
}

func TestTabsThatRenewTogetherStayLoggedIn(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	s.clock.step(accessTTL + time.Minute)
	tabs := make([]visitor, 8)
	var all sync.WaitGroup
	for i := range tabs {
		tabs[i] = *v
		all.Go(func() {
			if r := tabs[i].do("GET", cartRoute, ""); r.Status != 200 {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
	}
	all.Wait()
	first, _ := tabs[0].tokens()
	for i := range tabs {
		if refresh, _ := tabs[i].tokens(); refresh != first {
			t.Errorf("tab %d has another refresh token", i)
		}
	}
}

func TestALostRenewalLogsNoCustomerOut(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before := v.cookie
	s.clock.step(accessTTL + time.Minute)
	v.do("GET", cartRoute, "")
	v.cookie = before // the answer did not arrive
	s.clock.step(time.Hour)
	if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "customer 2" || v.cookie == before {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestALogoutEndsTheSessionAndRemovesTheCookie(t *testing.T) {
	for name, prepare := range map[string]func(s *shop){
		"":                                    func(*shop) {},
		"after the access token expired":      func(s *shop) { s.clock.step(accessTTL + time.Minute) },
		"although WordPress does not log out": func(s *shop) { s.answering(500) },
		"although WordPress does not answer":  func(s *shop) { s.wordpress.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, cookieMode)
			v := s.visit()
			kept := *v
			prepare(s)
			v.do("POST", logoutRoute, "", asCookie)
			if v.cookie != "" {
				t.Error("the cookie stays")
			}
			if r := kept.do("POST", refreshRoute, "{}"); r.Status != 401 || kept.cookie != "" {
				t.Errorf("the session goes on: %d %s", r.Status, r.Body)
			}
		})
	}
	s := openShop(t, cookieMode)
	v := s.visit()
	if r := v.do("POST", "/wp-json/cocart/jwt/logout", ""); r.Status != 200 || v.cookie != "" {
		t.Errorf("under its alias: %d %q", r.Status, r.Header["Set-Cookie"])
	}
}

func TestTheRefreshRouteRenewsTheCookie(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before := v.cookie
	r := v.do("POST", refreshRoute, "", "Authorization: Bearer a.stale.token")
	if r.Status != 200 || r.Body != `{"message":"Session renewed.","data":{"status":200}}` || v.cookie == before {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	refresh, _ := v.tokens()
	r = v.do("POST", refreshRoute, `{"refresh_token":"`+refresh+`"}`) // a token in the body is answered in the body
	if _, other := r.pair(t); other == refresh || len(r.Header["Set-Cookie"]) != 0 {
		t.Errorf("%d %q", r.Status, r.Header["Set-Cookie"])
	}
	if r := s.post(refreshRoute, "{}"); r.Status != 400 {
		t.Errorf("without cookie and token: %d %s", r.Status, r.Body)
	}
}

// An app learns from the 401 that the customer has to log in; its next request is a guest's.
func TestTheCookieOfAnEndedSessionIsRemoved(t *testing.T) {
	end := func(s *shop, v *visitor) {
		s.t.Helper()
		refresh, _ := v.tokens()
		session, err := s.authority.Peek(s.t.Context(), refresh, tokens.Client{})
		s.must(err)
		s.must(s.authority.EndSession(s.t.Context(), session.ID, tokens.CauseAdmin))
	}
	for name, over := range map[string]func(s *shop, v *visitor){
		"an operator ended it": end,
		"the same, and the access token expired": func(s *shop, v *visitor) {
			end(s, v)
			s.clock.step(accessTTL + time.Minute)
		},
		"it was idle for too long":    func(s *shop, _ *visitor) { s.clock.step(31 * 24 * time.Hour) },
		"WordPress says it is over":   func(s *shop, _ *visitor) { s.wordpress.Users[0].Fingerprint = "fp-alice-2" },
		"the store lost all sessions": func(s *shop, _ *visitor) { s.store.FlushAll(); s.clock.step(accessTTL + time.Minute) },
		"the cookie was cut":          func(_ *shop, v *visitor) { v.cookie = v.cookie[:100] },
		"the cookie is empty":         func(_ *shop, v *visitor) { v.cookie = browser.HostName + "=" },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, cookieMode)
			v := s.visit()
			over(s, v)
			if r := v.do("GET", cartRoute, ""); r.Status != 401 || v.cookie != "" || !strings.Contains(r.Body, "cocart_authentication_error") {
				t.Errorf("%d %s %q", r.Status, r.Body, r.Header["Set-Cookie"])
			}
			if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "guest 0" {
				t.Errorf("then: %d, for %s", r.Status, s.asked())
			}
		})
	}
}

func TestTheCookieWorksWhileRedisIsAway(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	before := v.cookie
	s.store.SetError("LOADING Redis is loading the dataset in memory")
	if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "customer 2" {
		t.Errorf("a valid token: %d, for %s", r.Status, s.asked())
	}
	s.clock.step(accessTTL + time.Minute)
	for _, target := range []string{cartRoute, refreshRoute, logoutRoute} {
		method := "POST"
		if target == cartRoute {
			method = "GET"
		}
		if r := v.do(method, target, ""); r.Status != 503 || r.Header.Get("Retry-After") == "" || len(r.Header["Set-Cookie"]) != 0 {
			t.Errorf("%s: %d %s %v", target, r.Status, r.Body, r.Header)
		}
	}
	s.store.SetError("")
	if r := v.do("GET", cartRoute, ""); r.Status != 200 || v.cookie == before {
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
}

func TestTheCookieOutlivesAKeyRotation(t *testing.T) {
	old, err := keys.NewHMAC("k1", "HS256", []byte(signingSecret))
	if err != nil {
		t.Fatal(err)
	}
	s := openShopWith(t, []keys.Key{old}, cookieMode)
	v := s.visit()
	fresh, err := keys.NewHMAC("k2", "HS256", []byte("another signing secret of the tests, of 32 bytes"))
	s.must(err)
	settings := tokens.Config{Issuer: upstreamtest.SiteURL, Keys: []keys.Key{fresh, old.RetireAt(s.clock.Now())}}
	authority, err := s.authority.Next(settings)
	s.must(err)
	g, ok := s.Config.Handler.(*gateway.Gateway)
	if !ok {
		t.Fatalf("the shop serves a %T", s.Config.Handler)
	}
	cfg := gateway.Config{SiteURL: mustURL(t, upstreamtest.SiteURL), Now: s.clock.Now}
	cookieMode(&cfg)
	next, err := g.Next(cfg, authority)
	s.must(err)
	s.Config.Handler = next
	before := v.cookie
	if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "customer 2" || v.cookie == before {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestWhereCookieModeIsOffItIsRefused(t *testing.T) {
	s := openShop(t)
	if r := s.post(loginRoute, alicesLogin, asCookie); r.Status != 400 || !strings.Contains(r.Body, "cookies.enabled") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	on := openShop(t, cookieMode)
	v := on.visit()
	if r := on.post(loginRoute, alicesLogin, "CoCart-Session: token"); r.Status != 400 || strings.Contains(r.Body, "jwt_token") {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	access, _ := on.login()
	if r := on.post(loginRoute, "{}", asCookie, "Authorization: Bearer "+access); r.Status != 400 || len(r.Header["Set-Cookie"]) != 0 {
		t.Errorf("a bearer becomes a cookie: %d %s", r.Status, r.Body)
	}
	if len(s.wordpress.Seen()) != 0 {
		t.Error("WordPress was asked")
	}
	s.do("GET", cartRoute, "", "Cookie: "+v.cookie)
	if s.asked() != "guest 0" {
		t.Errorf("a cookie counts: %s", s.asked())
	}
}

func TestNoCacheMixesCustomersByCookieWithGuests(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	s.answering(200, "Cache-Control: max-age=600", `Etag: "1"`)
	guest := s.do("GET", productsRoute, "")
	if got := guest.Header.Get("Cache-Control"); got != "max-age=600" || !strings.Contains(guest.Header.Get("Vary"), "Cookie") {
		t.Errorf("a guest: %v", guest.Header)
	}
	r := v.do("GET", productsRoute, "", `If-None-Match: "1"`)
	if r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("Etag") != "" || !strings.Contains(r.Header.Get("Vary"), "Cookie") {
		t.Errorf("a customer: %v", r.Header)
	}
	if s.wordpress.Last().Header.Get("If-None-Match") != "" {
		t.Error("WordPress got a guest's validator")
	}
	s.clock.step(accessTTL + time.Minute)
	if r := v.do("GET", productsRoute, ""); r.Header.Get("Cache-Control") != "private, no-store" || len(r.Header["Set-Cookie"]) != 1 {
		t.Errorf("a renewal: %v", r.Header)
	}
	if r := openShop(t).do("GET", productsRoute, ""); strings.Contains(r.Header.Get("Vary"), "Cookie") {
		t.Errorf("without cookie mode: %v", r.Header)
	}
}

func TestTokensThatFitIntoNoCookieAreAFault(t *testing.T) {
	s := openShop(t, cookieMode)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if seen.Claims.Kind != "login" {
			return false
		}
		assertion := seen.Header.Get("X-CoCart-Gateway")
		w.Header().Set("X-CoCart-Gateway-Login", s.wordpress.Sign("cocart-login+jwt", assertion, map[string]any{"sub": "2", "login": "alice", "fp": "fp-alice-1",
			"claims": map[string]any{"groups": strings.Repeat("g", 4000)}}))
		upstreamtest.JSON(w, 200, `{"user_id":"2","extras":[]}`)
		return true
	}
	r := s.post(loginRoute, alicesLogin, asCookie)
	if r.Status != 500 || len(r.Header["Set-Cookie"]) != 0 || !strings.Contains(s.log.String(), "reduce the extra claims") {
		t.Errorf("%d %s\n%s", r.Status, r.Body, s.log)
	}
}

func TestTheCookieIsGoodAtEveryGateway(t *testing.T) {
	s := openShop(t, cookieMode)
	other := s.beside(cookieMode)
	v := s.visit()
	there := &visitor{s: other, cookie: v.cookie, page: ownPage}
	s.clock.step(accessTTL + time.Minute)
	if r := there.do("GET", cartRoute, ""); r.Status != 200 || there.cookie == v.cookie {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	v.cookie = there.cookie
	if r := v.do("POST", logoutRoute, ""); r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	s.must(other.authority.CatchUp(t.Context()))
	if r := there.do("GET", cartRoute, ""); r.Status != 401 || there.cookie != "" {
		t.Errorf("logged out at the first: %d %s", r.Status, r.Body)
	}
}

// beside returns another gateway in front of the same WordPress, with the same store and clock.
func (s *shop) beside(change ...func(*gateway.Config)) *shop {
	s.t.Helper()
	o := &shop{t: s.t, wordpress: s.wordpress, store: s.store, upstream: s.upstream, registry: prometheus.NewRegistry(), clock: s.clock, log: s.log, keys: s.keys}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	client := s.client()
	var err error
	o.authority, err = tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: s.keys, Now: s.clock.Now, Log: log}, client, o.registry)
	s.must(err)
	cfg := gateway.Config{SiteURL: mustURL(s.t, upstreamtest.SiteURL), Now: s.clock.Now}
	for _, c := range change {
		c(&cfg)
	}
	g, err := gateway.New(cfg, o.authority, s.upstream, o.registry, log)
	s.must(err)
	o.Server = httptest.NewServer(g)
	s.t.Cleanup(func() { o.Close(); _ = client.Close() })
	return o
}
