package gateway_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream/upstreamtest"
)

const codeRoute = "/wp-json/shop/v1/code"

var alice = upstreamtest.User{ID: 2, Login: "alice", Password: "wonderland-1", Fingerprint: "fp-alice-1"}

// beginning has every request but those of CoCart's login and cart begin a session of alice, with this answer.
func (s *shop) beginning(status int, text string, change ...func(http.Header)) {
	s.wordpress.Lock()
	defer s.wordpress.Unlock()
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if strings.Contains(seen.Target, "/v2/cart") || strings.Contains(seen.Target, "/v2/login") {
			return false
		}
		s.wordpress.Begin(w, seen, alice, false)
		for _, c := range change {
			c(w.Header())
		}
		upstreamtest.JSON(w, status, text)
		return true
	}
}

// sessions counts alice's sessions.
func (s *shop) sessions() (n int) {
	s.t.Helper()
	for _, err := range s.authority.Sessions(s.t.Context(), 2) {
		s.must(err)
		n++
	}
	return n
}

func TestAPluginOfTheShopBeginsASession(t *testing.T) {
	for name, send := range map[string]func(s *shop) reply{
		"on a route of its own":       func(s *shop) reply { return s.post(codeRoute, `{"code":"123456"}`) },
		"below another REST prefix":   func(s *shop) reply { return s.post("/?rest_route=/shop/v1/code", `{}`) },
		"by a link":                   func(s *shop) reply { return s.do("GET", codeRoute+"?key=1", "") },
		"on a route of CoCart's":      func(s *shop) reply { return s.post("/wp-json/cocart/v2/passkey", `{}`) },
		"on CoCart's public products": func(s *shop) reply { return s.do("GET", "/wp-json/cocart/v2/products", "") },
		"with a password":             func(s *shop) reply { return s.post("/wp-json/cocart/v2/passkey?username=a&password=b", `{}`) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.beginning(200, `{"user_id":2,"extras":{"hint":"é\/"},"done":true}`, func(h http.Header) {
				h.Set("ETag", `"1"`)
				h.Set("Cache-Control", "public, max-age=600")
				h.Set("X-LiteSpeed-Cache-Control", "public,max-age=600")
			})
			r := send(s)
			access, refresh := r.tokens(t)
			if !strings.HasPrefix(r.Body, `{"user_id":2,"extras":{"hint":"é\/","jwt_token":"`) || !strings.HasSuffix(r.Body, `,"done":true}`) {
				t.Errorf("the rest of the answer changed: %s", r.Body)
			}
			if got := r.Header.Get("Cache-Control") + r.Header.Get("X-LiteSpeed-Cache-Control") + r.Header.Get("ETag") + r.Header.Get("X-CoCart-Gateway-Session"); got != "private, no-storeno-cache" {
				t.Errorf("headers %s", got)
			}
			s.cart(access)
			if got := s.wordpress.Last().Claims; got.Kind != "customer" || got.Subject != "2" || got.Fingerprint != "fp-alice-1" {
				t.Errorf("the session is %+v", got)
			}
			s.refresh(refresh).pair(t)
			line := s.lines("WordPress began or kept a session")
			if len(line) != 1 || line[0]["origin"] != "plugins/one-time-code/routes.php:31" || line[0]["wordpress_route"] != "/shop/v1/code" || line[0]["account_user"] != 2.0 || line[0]["session"] == nil || line[0]["event"] != "session_begun" {
				t.Errorf("log %v", line)
			}
			if n := s.metric("cocart_gateway_granted_sessions_total", "begun"); n != 1 {
				t.Errorf("%v sessions counted", n)
			}
		})
	}
}

func TestACompressedAnswerBeginsASession(t *testing.T) {
	s := openShop(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte(`{"done":true}`))
	s.must(err)
	s.must(z.Close())
	s.beginning(200, zipped.String(), func(h http.Header) { h.Set("Content-Encoding", "gzip") })
	r := s.post(codeRoute, `{}`, "Accept-Encoding: br, gzip;q=0.5")
	r.tokens(t)
	if r.Header.Get("Content-Encoding") != "" {
		t.Errorf("headers %v", r.Header)
	}
	for offered, want := range map[string]string{"br, gzip;q=0.5": "gzip", "br, gzip;q=0, zstd": "", "identity": "", "GZIP": "gzip"} {
		s.post(codeRoute, `{}`, "Accept-Encoding: "+offered)
		if got := s.wordpress.Last().Header.Get("Accept-Encoding"); got != want {
			t.Errorf("WordPress may answer a request with %q in %q", offered, got)
		}
	}
	s.do("GET", "/product/hoodie/", "", "Accept-Encoding: br")
	if got := s.wordpress.Last().Header.Get("Accept-Encoding"); got != "br" {
		t.Errorf("a page of the storefront may be in %q", got)
	}
}

func TestAnAnswerThatCannotCarryTokensPasses(t *testing.T) {
	long := `{"x":"` + strings.Repeat("x", 1<<20) + `"}`
	bomb := func() string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(long))
		_ = z.Close()
		return b.String()
	}()
	encoded := func(name string) func(http.Header) {
		return func(h http.Header) { h.Set("Content-Encoding", name) }
	}
	for name, row := range map[string]struct {
		status               int
		target, answer, want string
		change               func(http.Header)
	}{
		"a list":                           {200, codeRoute, `[1]`, "not_object", nil},
		"true":                             {200, codeRoute, `true`, "not_object", nil},
		"a page":                           {200, codeRoute, `<p>done</p>`, "not_object", nil},
		"nothing":                          {200, codeRoute, ``, "not_object", nil},
		"an object with more behind it":    {200, codeRoute, `{}{}`, "not_object", nil},
		"a refusal":                        {403, codeRoute, `{"code":"no"}`, "bad_status", nil},
		"a redirect":                       {302, codeRoute, `{}`, "bad_status", nil},
		"more than a mebibyte":             {200, codeRoute, long, "too_large", nil},
		"more than a mebibyte, compressed": {200, codeRoute, bomb, "too_large", encoded("gzip")},
		"Brotli":                           {200, codeRoute, "\x0b\x01\x80{}\x03", "encoded", encoded("br")},
		"not gzip, though it says so":      {200, codeRoute, "{}", "encoded", encoded("gzip")},
		"an envelope":                      {200, codeRoute + "?_envelope=1", `{"body":{}}`, "not_object", nil},
		"a script":                         {200, codeRoute + "?_jsonp=f", `{}`, "not_object", nil},
		"a batch":                          {200, "/wp-json/cocart/batch", `{"responses":[]}`, "not_object", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.beginning(row.status, row.answer, func(h http.Header) {
				if row.change != nil {
					row.change(h)
				}
			})
			r := s.post(row.target, `{"requests":[]}`, "Accept-Encoding: gzip")
			if r.Status != row.status || r.Body != row.answer || r.Header.Get("CoCart-Session-Refused") != row.want {
				t.Errorf("got %d %.80q %v", r.Status, r.Body, r.Header)
			}
			if n := s.sessions(); n != 0 {
				t.Errorf("%d sessions began", n)
			}
			if line := s.lines("WordPress began or kept a session, and the client gets no tokens"); len(line) != 1 || line[0]["result"] != row.want || line[0]["event"] != "session_not_begun" {
				t.Errorf("log %v", line)
			}
			if s.metric("cocart_gateway_granted_sessions_total", row.want) != 1 {
				t.Error("it was not counted")
			}
		})
	}
}

// An attacker who reads the traffic, or a page cache in PHP, has the header of another answer.
func TestAReplayedOrForgedReplyBeginsNothing(t *testing.T) {
	s := openShop(t)
	s.beginning(200, `{}`)
	s.post(codeRoute, `{}`).tokens(t)
	first := s.wordpress.Last()
	recorded := http.Header{}
	s.wordpress.Begin(headerOnly(recorded), first, alice, false)
	genuine := recorded.Get("X-CoCart-Gateway-Session")
	flipped := []byte(genuine)
	flipped[len(flipped)-5] ^= 1
	login := strings.Split(genuine, ".")
	for name, value := range map[string]string{
		"of another request": genuine, "with another signature": string(flipped), "of no form": "alice", "without a signature": login[0] + "." + login[1] + ".",
	} {
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
			w.Header().Set("X-CoCart-Gateway-Session", value)
			upstreamtest.JSON(w, 200, `{"done":true}`)
			return true
		}
		if r := s.post(codeRoute, `{}`); r.Status != 200 || r.Body != `{"done":true}` || r.Header.Get("CoCart-Session-Refused") != "bad_reply" {
			t.Errorf("%s: %d %s %v", name, r.Status, r.Body, r.Header)
		}
		if r := s.post("/wp-json/cocart/v2/passkey", `{}`); r.Status != 502 {
			t.Errorf("%s, on a route of CoCart's: %d %s", name, r.Status, r.Body)
		}
	}
	if n := s.sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// headerOnly is a ResponseWriter that keeps headers.
type headerOnly http.Header

func (h headerOnly) Header() http.Header       { return http.Header(h) }
func (h headerOnly) Write([]byte) (int, error) { return 0, nil }
func (h headerOnly) WriteHeader(int)           {}

// The client sends what only WordPress may send.
func TestAClientBeginsNoSessionByTheHeader(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		for name := range seen.Header {
			if strings.Contains(strings.ToLower(name), "session") {
				t.Errorf("WordPress got %s", name)
			}
		}
		upstreamtest.JSON(w, 200, `{}`)
		return true
	}
	if r := s.post(codeRoute, `{}`, "X-CoCart-Gateway-Session: a.b.c"); r.Body != `{}` {
		t.Errorf("got %s", r.Body)
	}
}

// The app would take its customer for logged in if it read the route's own 200. What the route says is not lost.
func TestASessionThatCannotBeginWhileRedisIsAway(t *testing.T) {
	s := openShop(t)
	s.beginning(201, `{"user_id":2,"created":true}`)
	s.store.SetError("LOADING Redis is loading the dataset in memory")
	r := s.post(codeRoute, `{}`)
	want := `{"code":"cocart_gateway_store_unavailable","message":"Signing in and out is not possible at the moment. Please try again shortly.","data":{"status":503,"answer":{"user_id":2,"created":true}}}`
	if r.Status != 503 || r.Body != want || r.Header.Get("Retry-After") != "5" || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("got %d %s %v", r.Status, r.Body, r.Header)
	}
	s.store.SetError("")
	if n := s.sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
	s.post(codeRoute, `{}`).tokens(t)
}

func TestASessionOfALockedAccountDoesNotBegin(t *testing.T) {
	s := guarded(t)
	for range 3 {
		s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong-1"}`)
	}
	s.beginning(200, `{"done":true}`)
	r := s.post(codeRoute, `{}`)
	if r.Status != 429 || !strings.Contains(r.Body, `"code":"rate_limit_exceeded"`) || !strings.Contains(r.Body, `"answer":{"done":true}`) || r.Header.Get("Retry-After") == "" {
		t.Errorf("locked: %d %s %v", r.Status, r.Body, r.Header)
	}
	if n := s.sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
	s.clock.step(time.Hour)
	s.post(codeRoute, `{}`).tokens(t)
}

func TestBegunSessionsCountTowardsTheLimit(t *testing.T) {
	s := openShop(t)
	s.beginning(200, `{}`)
	var all []string
	for range 6 {
		_, refresh := s.post(codeRoute, `{}`).tokens(t)
		all = append(all, refresh)
		s.clock.step(time.Second)
	}
	if n := s.sessions(); n != 5 {
		t.Errorf("%d sessions", n)
	}
	if r := s.refresh(all[0]); r.Status != 401 {
		t.Errorf("the oldest: %d", r.Status)
	}
	s.refresh(all[5]).pair(t)
}

// A hook that ends all sessions and begins one, as some shops do at a login.
func TestASessionBeginsAfterTheOthersEnded(t *testing.T) {
	s := openShop(t)
	before, _ := s.login()
	changed := alice
	changed.Fingerprint = "fp-alice-2"
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if !strings.Contains(seen.Target, "/code") {
			return false
		}
		s.wordpress.Users = []upstreamtest.User{changed}
		s.wordpress.End(w, seen, 2, "fp-alice-1")
		s.wordpress.Begin(w, seen, changed, false)
		upstreamtest.JSON(w, 200, `{}`)
		return true
	}
	access, refresh := s.post(codeRoute, `{}`, "Authorization: Bearer "+before).tokens(t)
	if got := []int{s.cart(before).Status, s.cart(access).Status, s.refresh(refresh).Status}; !slices.Equal(got, []int{401, 200, 200}) {
		t.Errorf("the session before, the new one, its refresh: %v", got)
	}
}

const passwordRoute = "/wp-json/cocart/v2/account/password"

// changing has alice's requests for passwordRoute change her password, as the must-use plugin reports it.
func (s *shop) changing(answer string) {
	changed := alice
	changed.Fingerprint = "fp-alice-2"
	s.wordpress.Lock()
	defer s.wordpress.Unlock()
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if !strings.Contains(seen.Target, "/password") || seen.Claims.Fingerprint != "fp-alice-1" {
			return false
		}
		s.wordpress.Lock()
		s.wordpress.Users = []upstreamtest.User{changed}
		s.wordpress.Unlock()
		s.wordpress.End(w, seen, 2, "fp-alice-1")
		s.wordpress.Begin(w, seen, changed, true)
		upstreamtest.JSON(w, 200, answer)
		return true
	}
}

func (s *shop) changePassword(access string) reply {
	return s.post(passwordRoute, `{}`, "Authorization: Bearer "+access)
}

func TestTheSessionThatChangedThePasswordGoesOn(t *testing.T) {
	s := openShop(t)
	phone, phoneRefresh := s.login()
	tablet, tabletRefresh := s.login()
	s.changing(`{"changed":true}`)
	r := s.changePassword(phone)
	access, refresh := r.tokens(t)
	if refresh == phoneRefresh || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("got %v", r.Header)
	}
	// Before anything else is said to any gateway: what was out before is worth nothing.
	if got := []int{s.cart(phone).Status, s.cart(tablet).Status, s.refresh(tabletRefresh).Status, s.cart(access).Status}; !slices.Equal(got, []int{401, 401, 401, 200}) {
		t.Errorf("the old access token, the other device, its refresh, the new access token: %v", got)
	}
	if session := s.wordpress.Last().Claims.Session; session == "" || s.sessions() != 1 {
		t.Errorf("session %s of %d", session, s.sessions())
	}
	next, _ := s.refresh(refresh).pair(t)
	if r := s.cart(next); r.Status != 200 || s.wordpress.Last().Claims.Fingerprint != "fp-alice-2" {
		t.Errorf("after a refresh: %d", r.Status)
	}
	// A copy of the refresh token from before the change is a thief's now.
	s.clock.step(time.Hour)
	if r := s.stolen(phoneRefresh); r.Status != 401 || s.sessions() != 0 {
		t.Errorf("a copy of the old refresh token: %d, %d sessions", r.Status, s.sessions())
	}
}

// The client did not receive the answer, or knows nothing of tokens in it.
func TestAfterALostAnswerThePasswordChangerRefreshes(t *testing.T) {
	for name, answer := range map[string]string{"the answer was lost": `{"changed":true}`, "the answer carries no tokens": `true`} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			phone, phoneRefresh := s.login()
			_, tabletRefresh := s.login()
			s.changing(answer)
			if r := s.changePassword(phone); r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			s.clock.step(time.Hour)
			if r := s.cart(phone); r.Status != 401 {
				t.Errorf("the access token from before: %d", r.Status)
			}
			access, _ := s.refresh(phoneRefresh).pair(t)
			if got := []int{s.cart(access).Status, s.refresh(tabletRefresh).Status}; !slices.Equal(got, []int{200, 401}) {
				t.Errorf("after a refresh, the other device: %v", got)
			}
		})
	}
}

// Promise 8: whatever is lost, a new password ends the others. The own session ends, too.
func TestANewPasswordEndsTheOthersThoughRedisIsAway(t *testing.T) {
	s := openShop(t)
	phone, phoneRefresh := s.login()
	_, tabletRefresh := s.login()
	s.changing(`{"changed":true}`)
	s.store.SetError("LOADING Redis is loading the dataset in memory")
	if r := s.changePassword(phone); r.Status != 200 || r.Body != `{"changed":true}` || r.Header.Get("CoCart-Session-Refused") != "unavailable" {
		t.Errorf("the password is changed: %d %s %v", r.Status, r.Body, r.Header)
	}
	s.store.SetError("")
	for name, refresh := range map[string]string{"phone": phoneRefresh, "tablet": tabletRefresh} {
		r := s.refresh(refresh)
		if r.Status == 401 {
			continue // the other one's use ended both
		}
		access, _ := r.pair(t)
		if got := s.cart(access).Status; got != 401 {
			t.Errorf("%s: %d", name, got)
		}
	}
	if n := s.sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// Another request of the same app meets the new password before its answer is there, and ends the session.
func TestAParallelRequestDoesNotLogThePasswordChangerOut(t *testing.T) {
	s := openShop(t)
	phone, _ := s.login()
	s.changing(`{"changed":true}`)
	change := s.wordpress.Answer
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		if strings.Contains(seen.Target, "/password") {
			_, err := s.authority.EndUser(t.Context(), 2, "fp-alice-1", tokens.CauseAccount)
			s.must(err)
		}
		return change(w, r, seen)
	}
	access, refresh := s.changePassword(phone).tokens(t)
	if got := []int{s.cart(access).Status, s.refresh(refresh).Status, s.sessions()}; !slices.Equal(got, []int{200, 200, 1}) {
		t.Errorf("the cart, a refresh, sessions: %v", got)
	}
}

// An operator, or the customer's own logout, ends the session while its password changes.
func TestASessionThatEndsOtherwiseDoesNotComeBack(t *testing.T) {
	for _, cause := range []tokens.Cause{tokens.CauseAdmin, tokens.CauseLogout, tokens.CauseReuse} {
		s := openShop(t)
		phone, _ := s.login()
		s.changing(`{"changed":true}`)
		change := s.wordpress.Answer
		s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
			s.must(s.authority.EndSession(t.Context(), seen.Claims.Session, cause))
			return change(w, r, seen)
		}
		if r := s.changePassword(phone); r.Body != `{"changed":true}` || r.Header.Get("CoCart-Session-Refused") != "over" || s.sessions() != 0 {
			t.Errorf("%s: %s %v, %d sessions", cause, r.Body, r.Header, s.sessions())
		}
	}
}

// WordPress keeps the session that asks, and no other.
func TestAReplyThatKeepsAnotherSessionIsNotBelieved(t *testing.T) {
	s := openShop(t)
	phone, _ := s.login()
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if !strings.Contains(seen.Target, "/password") {
			return false
		}
		seen.Claims.Session = "AAAAAAAAAAAAAAAAAAAAAA"
		s.wordpress.Begin(w, seen, alice, true)
		upstreamtest.JSON(w, 200, `{}`)
		return true
	}
	if r := s.changePassword(phone); r.Status != 502 {
		t.Errorf("got %d %s", r.Status, r.Body)
	}
}

func TestTheGrantMetricBeginsAtZero(t *testing.T) {
	s := openShop(t, func(*gateway.Config) {})
	for _, r := range []string{"begun", "kept", "kept_silent", "locked", "unavailable", "over", "bad_status", "not_object", "too_large", "encoded", "bad_reply"} {
		if got := fmt.Sprint(s.metric("cocart_gateway_granted_sessions_total", r)); got != "0" {
			t.Errorf("%s: %s", r, got)
		}
	}
}
