package gateway_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream/upstreamtest"
)

const sessionsRoute = "/wp-json/cocart/jwt/sessions"

type listedSession struct {
	ID, Device, Address        string
	Created, Expires, LastUsed time.Time
	Current                    bool
}

func (r reply) sessions(t *testing.T) []listedSession {
	t.Helper()
	var answer struct {
		Sessions []struct {
			listedSession
			LastUsed time.Time `json:"last_used"`
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || answer.Sessions == nil {
		t.Fatalf("no list: %d %s %v", r.Status, r.Body, err)
	}
	all := []listedSession{}
	for _, one := range answer.Sessions {
		one.listedSession.LastUsed = one.LastUsed
		all = append(all, one.listedSession)
	}
	return all
}

// loginAs logs a user in from a device and returns the tokens and the id of the session.
func (s *shop) loginAs(name, password, agent string) (access, refresh, id string) {
	s.t.Helper()
	r := s.post("/wp-json/cocart/v2/login", `{"username":"`+name+`","password":"`+password+`"}`, "User-Agent: "+agent)
	access, refresh = r.tokens(s.t)
	verified, err := s.authority.Verify(access)
	s.must(err)
	return access, refresh, verified.Session
}

func openShopOfTwo(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := openShop(t, change...)
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "bob", Password: "builder-1", Fingerprint: "fp-bob-1"})
	return s
}

const (
	iPhone          = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
	pixel           = "MyShop/3.1 (Android 14; Pixel 8)"
	notOwn          = `Not Found {"code":"cocart_gateway_not_your_session","message":"You have no session with this id.","data":{"status":404}}`
	staleCapability = `Forbidden {"code":"cocart_gateway_bad_capability","message":"This page may not do that any more. Please reload it.","data":{"status":403}}`
	endedOne        = `{"ended":1}`
)

func TestACustomerListsTheirSessions(t *testing.T) {
	s := openShopOfTwo(t)
	phone, _, phoneID := s.loginAs("alice", "wonderland-1", iPhone)
	s.clock.step(time.Minute)
	_, _, tabletID := s.loginAs("alice", "wonderland-1", pixel)
	s.loginAs("bob", "builder-1", "curl/8")
	asked := len(s.wordpress.Seen())
	began := s.clock.Now().Add(-time.Minute)
	for _, target := range []string{sessionsRoute, sessionsRoute + "/", "/wp-json/cocart/JWT/SESSIONS", "/?rest_route=/cocart/jwt/sessions", "/index.php?rest_route=/cocart/jwt/sessions"} {
		r := s.do("GET", target, "", bearer(phone), appOrigin)
		got := r.sessions(t)
		want := []listedSession{
			{phoneID, "Safari on iPhone", "127.0.0.1", began, began.Add(720 * time.Hour), began, true},
			{tabletID, "MyShop on Pixel 8", "127.0.0.1", s.clock.Now(), s.clock.Now().Add(720 * time.Hour), s.clock.Now(), false},
		}
		if !slices.Equal(got, want) || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("%s:\ngot  %+v\nwant %+v\n%v", target, got, want, r.Header)
		}
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times", n-asked)
	}
}

// The id is in answers, pages and logs.
func TestTheIdOfASessionIsNoToken(t *testing.T) {
	s := openShop(t)
	_, _, id := s.loginAs("alice", "wonderland-1", iPhone)
	for name, r := range map[string]reply{
		"bearer": s.cart(id), "list": s.do("GET", sessionsRoute, "", bearer(id)), "refresh": s.refresh(id),
		"capability": s.do("GET", sessionsRoute, "", "CoCart-Capability: "+id),
	} {
		if r.Status != 401 && r.Status != 403 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func TestACustomerEndsOneSession(t *testing.T) {
	for name, send := range map[string]func(s *shop, id, access string) reply{
		"DELETE": func(s *shop, id, access string) reply {
			return s.do("DELETE", sessionsRoute+"/"+id, "", bearer(access))
		},
		"a slash, in capitals": func(s *shop, id, access string) reply {
			return s.do("DELETE", "/wp-json/COCART/jwt/Sessions/"+id+"/", "", bearer(access))
		},
		"by rest_route": func(s *shop, id, access string) reply {
			return s.do("DELETE", "/?rest_route=/cocart/jwt/sessions/"+id, "", bearer(access))
		},
		"by _method": func(s *shop, id, access string) reply {
			return s.post(sessionsRoute+"/"+id+"?_method=delete", "", bearer(access))
		},
		"by the override header": func(s *shop, id, access string) reply {
			return s.post(sessionsRoute+"/"+id, "", bearer(access), "X-HTTP-Method-Override: DELETE")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopOfTwo(t)
			phone, _, _ := s.loginAs("alice", "wonderland-1", iPhone)
			tablet, refresh, id := s.loginAs("alice", "wonderland-1", pixel)
			if r := send(s, id, phone); r.Status != 200 || r.Body != endedOne {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			if s.cart(tablet).Status != 401 || s.refresh(refresh).Status != 401 || s.cart(phone).Status != 200 {
				t.Error("the tablet is logged in, or the phone is not")
			}
			if r := send(s, id, phone); r.Body != `{"ended":0}` { // the answer got lost
				t.Errorf("once more: %d %s", r.Status, r.Body)
			}
			if !strings.Contains(s.log.String(), `"event":"sessions_ended"`) || !strings.Contains(s.log.String(), `"account_user":2,"by":2,"sessions":1`) {
				t.Error("the log lacks the event")
			}
		})
	}
}

func TestTheSessionOfAnotherUserIsAsUnknownAsNone(t *testing.T) {
	s := openShopOfTwo(t)
	access, _, _ := s.loginAs("alice", "wonderland-1", iPhone)
	bob, _, bobs := s.loginAs("bob", "builder-1", pixel)
	swapped := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 32
		}
		return r
	}, bobs)
	for name, id := range map[string]string{
		"another user's": bobs, "unknown": "AAAAAAAAAAAAAAAAAAAAAA", "too short": "x", "too long": bobs + "A", "in capitals": swapped,
		"below it": bobs + "/x", "a blank": "%20", "a number": "3",
	} {
		if got := s.do("DELETE", sessionsRoute+"/"+id, "", bearer(access)).failure(); got != notOwn {
			t.Errorf("%s: %s", name, got)
		}
	}
	if s.cart(bob).Status != 200 {
		t.Error("bob's session ended")
	}
}

func TestACustomerEndsAllOtherSessions(t *testing.T) {
	s := openShopOfTwo(t)
	phone, refresh, _ := s.loginAs("alice", "wonderland-1", iPhone)
	tablet, _, _ := s.loginAs("alice", "wonderland-1", pixel)
	laptop, _, _ := s.loginAs("alice", "wonderland-1", "node")
	bob, _, _ := s.loginAs("bob", "builder-1", pixel)
	if r := s.do("DELETE", sessionsRoute, "", bearer(phone)); r.Body != `{"ended":2}` {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if s.cart(tablet).Status != 401 || s.cart(laptop).Status != 401 || s.cart(phone).Status != 200 || s.cart(bob).Status != 200 {
		t.Error("not the others ended")
	}
	s.refresh(refresh).pair(t)
	if r := s.do("DELETE", sessionsRoute, "", bearer(phone)); r.Body != `{"ended":0}` {
		t.Errorf("once more: %d %s", r.Status, r.Body)
	}
	if all := s.do("GET", sessionsRoute, "", bearer(phone)).sessions(t); len(all) != 1 || !all[0].Current {
		t.Errorf("left: %+v", all)
	}
}

func TestSessionsAreRefusedToOthers(t *testing.T) {
	s := openShop(t)
	access, _, id := s.loginAs("alice", "wonderland-1", iPhone)
	forbidden := failure(401, "rest_forbidden", "Sorry, you are not allowed to do that.")
	method := failure(405, "cocart_gateway_method_not_allowed", "This method is not accepted here.")
	for name, row := range map[string]struct {
		method, target, want string
		headers              []string
	}{
		"a guest lists":       {"GET", sessionsRoute, forbidden, nil},
		"a guest ends":        {"DELETE", sessionsRoute + "/" + id, forbidden, nil},
		"a password":          {"GET", sessionsRoute, forbidden, []string{"Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"}},
		"a bad token":         {"DELETE", sessionsRoute, failure(401, "cocart_authentication_error", "Authentication failed."), []string{bearer("a.b.c")}},
		"POST":                {"POST", sessionsRoute, method, []string{bearer(access)}},
		"GET of one":          {"GET", sessionsRoute + "/" + id, method, []string{bearer(access)}},
		"a script":            {"GET", sessionsRoute + "?_jsonp=x", failure(400, "cocart_gateway_bad_request", "The parameter _jsonp is not accepted here."), []string{bearer(access)}},
		"token and page":      {"GET", sessionsRoute, failure(400, "cocart_gateway_ambiguous_request", "The request can be read in more than one way: a capability is beside another one, or beside a token."), []string{bearer(access), "CoCart-Capability: " + s.wordpress.Capability(2, "list", "", 2)}},
		"garbage from a page": {"GET", sessionsRoute, staleCapability, []string{"CoCart-Capability: x"}},
		"an empty one":        {"GET", sessionsRoute, staleCapability, []string{"CoCart-Capability: "}},
	} {
		if got := s.do(row.method, row.target, "", row.headers...).failure(); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, row.want)
		}
	}
	if s.cart(access).Status != 200 {
		t.Error("the session ended")
	}
	for _, target := range []string{sessionsRoute, sessionsRoute + "/" + id} {
		r := s.do("OPTIONS", target, "", appOrigin, "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: authorization")
		if r.Status != 204 || !strings.Contains(r.Header.Get("Access-Control-Allow-Methods"), "DELETE") {
			t.Errorf("%s: preflight: %d %v", target, r.Status, r.Header)
		}
		if r := s.do("OPTIONS", target, ""); r.Status != 200 || !strings.Contains(r.Body, `"DELETE"`) {
			t.Errorf("%s: OPTIONS: %d %s", target, r.Status, r.Body)
		}
	}
}

// A page of WordPress acts by a capability, which does one thing with the sessions of one user.
func TestACapabilityDoesOneThing(t *testing.T) {
	s := openShopOfTwo(t)
	access, _, id := s.loginAs("alice", "wonderland-1", iPhone)
	other, _, otherID := s.loginAs("alice", "wonderland-1", pixel)
	bob, _, bobs := s.loginAs("bob", "builder-1", pixel)
	by := func(act, session string) string {
		return "CoCart-Capability: " + s.wordpress.Capability(2, act, session, 1)
	}
	staging := "Authorization: Basic c3RhZ2luZzpwYXNzd29yZA==" // of a web server in front
	if all := s.do("GET", sessionsRoute, "", by("list", ""), staging).sessions(t); len(all) != 2 || all[0].Current || all[1].Current {
		t.Errorf("%+v", all)
	}
	for name, r := range map[string]reply{
		"list, then end":         s.do("DELETE", sessionsRoute+"/"+id, "", by("list", "")),
		"list, then end all":     s.do("DELETE", sessionsRoute, "", by("list", "")),
		"end, then list":         s.do("GET", sessionsRoute, "", by("end", id)),
		"end, then end all":      s.do("DELETE", sessionsRoute, "", by("end", id)),
		"end one, then another":  s.do("DELETE", sessionsRoute+"/"+id, "", by("end", otherID)),
		"of alice, then of bob":  s.do("DELETE", sessionsRoute+"/"+bobs, "", by("end", id)),
		"a reply of the plugin":  s.do("GET", sessionsRoute, "", "CoCart-Capability: "+s.wordpress.Sign("cocart-capability+jwt", "", map[string]any{"sub": "2", "act": "list", "sid": "", "by": "2"})),
		"the token of a session": s.do("GET", sessionsRoute, "", "CoCart-Capability: "+access),
	} {
		if got := r.failure(); got != staleCapability {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := s.do("DELETE", sessionsRoute+"/"+bobs, "", by("end", bobs)).failure(); got != notOwn {
		t.Errorf("a session of bob as one of alice's: %s", got)
	}
	late := by("list", "")
	if r := s.do("DELETE", sessionsRoute+"/"+id, "", by("end", id)); r.Body != endedOne {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if s.cart(access).Status != 401 || s.cart(other).Status != 200 || s.cart(bob).Status != 200 {
		t.Error("not the one session ended")
	}
	if !strings.Contains(s.log.String(), `"account_user":2,"by":1,"sessions":1`) {
		t.Error("the log does not say who ended it")
	}
	s.clock.step(71 * time.Second)
	if got := s.do("GET", sessionsRoute, "", late).failure(); got != staleCapability {
		t.Errorf("a minute later: %s", got)
	}
	if r := s.do("GET", "/wp-json/cocart/v2/cart", "", by("list", "")); r.Status != 200 || s.wordpress.Last().Claims.Kind != "guest" {
		t.Errorf("on another route: %d %s", r.Status, s.wordpress.Last().Claims.Kind)
	}
}

func TestSessionsWhileRedisIsAway(t *testing.T) {
	s := openShop(t)
	access, _, id := s.loginAs("alice", "wonderland-1", iPhone)
	s.store.Close()
	for _, row := range [][2]string{{"GET", sessionsRoute}, {"DELETE", sessionsRoute}, {"DELETE", sessionsRoute + "/" + id}} {
		if r := s.do(row[0], row[1], "", bearer(access)); r.Status != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.Body, `"cocart_gateway_store_unavailable"`) {
			t.Errorf("%v: %d %s", row, r.Status, r.Body)
		}
	}
	s.must(s.store.Restart())
	if r := s.do("DELETE", sessionsRoute+"/"+id, "", bearer(access)); r.Body != endedOne || s.cart(access).Status != 401 {
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
}

// Another gateway refuses the tokens of a session that ended here, and lists the same, also
// while one of them signs with a newer key.
func TestSessionsAtSeveralGateways(t *testing.T) {
	s := openShop(t)
	next, err := keys.NewHMAC("k2", "HS256", []byte("another signing secret of the tests, long enough"))
	s.must(err)
	client := s.client()
	defer client.Close()
	there, err := tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: append([]keys.Key{next}, s.keys...), Now: s.clock.Now}, client, prometheus.NewRegistry())
	s.must(err)
	second := s.another(there)
	access, _, id := s.loginAs("alice", "wonderland-1", iPhone)
	s.clock.step(time.Second) // the list is in the order of their logins
	pair, err := there.Issue(t.Context(), tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-1"}, tokens.Client{Device: pixel})
	s.must(err)
	if all := second.do("GET", sessionsRoute, "", bearer(access)).sessions(t); len(all) != 2 || all[0].ID != id || !all[0].Current || all[1].ID != pair.Session {
		t.Errorf("%+v", all)
	}
	if r := second.do("DELETE", sessionsRoute+"/"+id, "", bearer(pair.Access)); r.Body != endedOne {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	s.must(s.authority.CatchUp(t.Context()))
	if s.cart(access).Status != 401 {
		t.Error("the first gateway takes the token")
	}
}

// another is a second gateway in front of the same shop.
func (s *shop) another(authority *tokens.Authority) *shop {
	s.t.Helper()
	g, err := gateway.New(gateway.Config{SiteURL: mustURL(s.t, upstreamtest.SiteURL), Now: s.clock.Now}, authority, s.upstream, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	s.must(err)
	second := &shop{Server: httptest.NewServer(g), t: s.t, wordpress: s.wordpress, authority: authority, clock: s.clock}
	s.t.Cleanup(second.Close)
	return second
}

func TestSessionsAreLimitedByAddress(t *testing.T) {
	s := guarded(t)
	access, _, _ := s.loginAs("alice", "wonderland-1", iPhone)
	for range 5 {
		s.do("GET", sessionsRoute, "", bearer(access)).sessions(t)
	}
	for _, r := range []reply{s.do("GET", sessionsRoute, "", bearer(access)), s.do("DELETE", sessionsRoute, "", bearer(access)), s.do("GET", sessionsRoute, "", "CoCart-Capability: x")} {
		if r.Status != 429 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.Body, `"rate_limit_exceeded"`) {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	}
	if r := s.do("GET", meRoute, "", bearer(access)); r.Status != 200 { // which uses nothing that is shared
		t.Errorf("me: %d %s", r.Status, r.Body)
	}
	if !strings.Contains(s.log.String(), `"setting":"limits.validate"`) {
		t.Error("the log does not name the setting")
	}
}

// In cookie mode the session of the browser is the current one, and another site cannot end any.
func TestSessionsInCookieMode(t *testing.T) {
	s := openShop(t, cookieMode)
	v := s.visit()
	s.clock.step(time.Second) // the list is in the order of their logins
	phone, _, phoneID := s.loginAs("alice", "wonderland-1", iPhone)
	all := v.do("GET", sessionsRoute, "").sessions(t)
	if len(all) != 2 || !all[0].Current || all[1].Current || all[1].ID != phoneID {
		t.Fatalf("%+v", all)
	}
	attacker := &visitor{s: s, cookie: v.cookie, page: []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}}
	for _, row := range [][2]string{{"DELETE", sessionsRoute}, {"DELETE", sessionsRoute + "/" + phoneID}, {"GET", sessionsRoute + "?_method=DELETE"}, {"POST", sessionsRoute + "?_method=DELETE"}} {
		if r := attacker.do(row[0], row[1], ""); r.Status != 403 || !strings.Contains(r.Body, `"cocart_gateway_cross_site"`) {
			t.Errorf("%v by another site: %d %s", row, r.Status, r.Body)
		}
	}
	if r := v.do("DELETE", sessionsRoute, ""); r.Body != endedOne || s.cart(phone).Status != 401 {
		t.Errorf("the others: %d %s", r.Status, r.Body)
	}
	if r := v.do("DELETE", sessionsRoute+"/"+all[0].ID, ""); r.Body != endedOne || v.cookie != "" {
		t.Errorf("its own: %d %s, cookie %q", r.Status, r.Body, v.cookie)
	}
}
