package gateway_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// uniformBody is the text of every refusal.
const uniformBody = "Authentication failed. Please check your login details and try again."

// guardedShop is a shop whose passwords are counted by small limits, and in
// which waiting takes no time; waited has how long it would have been.
type guardedShop struct {
	*shop
	waited []time.Duration
	judge  *judge
}

// judge is a WordPress that says what became of each password, unless silent.
type judge struct {
	s      *shop
	silent bool
	old    bool             // the plugin knows no list of checks
	ids    map[string]int64 // by any name
}

func guarded(t *testing.T, change ...func(*attempts.Config, *gateway.Config)) *guardedShop {
	t.Helper()
	s := &guardedShop{shop: openShop(t)}
	s.distinct = true
	s.judge = &judge{s: s.shop, ids: map[string]int64{"alice": 2, "alice@example.com": 2, "+15550100": 2, "bob": 3}}
	s.wordpress.Answer = s.judge.answer
	per := func(n int) attempts.Limit { return attempts.Limit{N: n, Per: 15 * time.Minute} }
	counting := attempts.Config{
		Account: per(3), Address: per(20), Overall: per(1000), SecondFactor: per(2), Refresh: per(4), Validate: per(5),
		Secret: []byte(upstreamtest.Secret), KeyPrefix: "cocart:", Now: s.clock.Now,
	}
	cfg := gateway.Config{SiteURL: mustURL(t, upstreamtest.SiteURL), Passwords: gateway.PasswordConfig{
		UniformErrors: true, SiteLogin: true, Now: s.clock.Now,
		Wait: func(_ context.Context, d time.Duration) error { s.waited = append(s.waited, d); return nil },
	}}
	for _, c := range change {
		c(&counting, &cfg)
	}
	client := s.client()
	t.Cleanup(func() { client.Close() })
	var err error
	cfg.Passwords.Attempts, err = attempts.New(counting, wprequest.NameKey, client)
	s.must(err)
	s.registry = prometheus.NewRegistry()
	g, err := gateway.New(cfg, s.authority, s.upstream, s.registry, slog.New(slog.NewJSONHandler(s.log, nil)))
	s.must(err)
	s.Close()
	s.Server = httptest.NewServer(g)
	return s
}

func (j *judge) answer(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
	if seen.Claims.Kind != "login" && seen.Claims.Kind != "credentials" {
		return false
	}
	name, password := j.find(r, seen)
	id := j.ids[strings.ToLower(strings.TrimSpace(name))]
	right := id != 0 && map[int64]string{2: "wonderland-1", 3: "builder-2"}[id] == password
	switch {
	case !right && id != 0:
		j.say(w, r, id, "refused")
		upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"The password you entered is incorrect.","data":{"status":401}}`)
	case !right:
		j.say(w, r, 0, "refused")
		upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"Authentication is invalid. Please check your login details are correct and try again.","data":{"status":401}}`)
	case id == 3 && strings.Contains(seen.Body, "2fa_code") && !strings.Contains(seen.Body, "123456"):
		j.say(w, r, id, "code_refused")
		upstreamtest.JSON(w, 401, `{"code":"cocart_2fa_invalid_code","message":"Invalid code.","data":{"status":401}}`)
	case id == 3 && !strings.Contains(seen.Body, "123456"):
		j.say(w, r, id, "challenge")
		upstreamtest.JSON(w, 401, `{"code":"cocart_2fa_required","message":"Code, please.","data":{"status":401}}`)
	default:
		j.say(w, r, id, "accepted")
		if seen.Claims.Kind == "login" {
			w.Header().Set("X-CoCart-Gateway-Login", j.s.wordpress.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"),
				map[string]any{"sub": strconv.FormatInt(id, 10), "login": "x", "fp": "fp-" + strconv.FormatInt(id, 10)}))
		}
		upstreamtest.JSON(w, 200, fmt.Sprintf(`{"user_id":"%d","extras":[]}`, id))
	}
	return true
}

func (j *judge) find(r *http.Request, seen upstreamtest.Seen) (name, password string) {
	if name, password, ok := r.BasicAuth(); ok {
		return name, password
	}
	return r.URL.Query().Get("username"), r.URL.Query().Get("password")
}

func (j *judge) say(w http.ResponseWriter, r *http.Request, id int64, result string) {
	if j.silent {
		w.Header().Del("X-CoCart-Gateway-Attempt")
		return
	}
	if !j.old {
		j.report(w, r, upstreamtest.Check{User: id, Result: result})
		return
	}
	w.Header().Set("X-CoCart-Gateway-Attempt", j.s.wordpress.Sign("cocart-attempt+jwt", r.Header.Get("X-CoCart-Gateway"),
		map[string]any{"sub": strconv.FormatInt(id, 10), "result": result}))
}

// report says which passwords were checked; by none, that none was.
func (j *judge) report(w http.ResponseWriter, r *http.Request, checks ...upstreamtest.Check) {
	j.s.wordpress.Report(w, r.Header.Get("X-CoCart-Gateway"), checks...)
}

func (s *guardedShop) try(name, password string, more ...string) reply {
	s.t.Helper()
	return s.post("/wp-json/cocart/v2/login", `{"username":"`+name+`","password":"`+password+`"}`, more...)
}

// basic asks for the cart by Basic; any kind of credentials comes the same way.
func (s *guardedShop) basic(name, password string) reply {
	s.t.Helper()
	return s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
}

func (s *guardedShop) statuses(want string, replies ...reply) {
	s.t.Helper()
	var got []string
	for _, r := range replies {
		got = append(got, strconv.Itoa(r.Status))
	}
	if text := strings.Join(got, " "); text != want {
		s.t.Errorf("got %s, want %s; the last said %s", text, want, replies[len(replies)-1].Body)
	}
}

func TestTooManyWrongPasswordsAreAnsweredBeforeWordPressIsAsked(t *testing.T) {
	s := guarded(t)
	s.statuses("401 401 401", s.try("alice", "a"), s.try("alice", "b"), s.try("alice", "c"))
	asked := len(s.wordpress.Seen())
	r := s.try("alice", "wonderland-1")
	if got, want := r.Status, 429; got != want || r.Body != `{"code":"rate_limit_exceeded","message":"Too many requests. Please wait 300 seconds before trying again.","data":{"status":429}}` {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	want := map[string]string{"Retry-After": "300", "RateLimit-Limit": "3", "RateLimit-Remaining": "0", "X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0",
		"RateLimit-Reset": strconv.FormatInt(s.clock.Now().Add(15*time.Minute).Unix(), 10), "Cache-Control": "private, no-store"}
	for name, value := range want {
		if got := r.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times more", n-asked)
	}
	if n := s.metric("cocart_gateway_rate_limited_total", "account"); n != 1 {
		t.Errorf("rate_limited_total: %v", n)
	}
	s.clock.step(5 * time.Minute)
	s.statuses("200", s.try("alice", "wonderland-1"))
}

func TestCredentialsAreCountedWhereverTheyAre(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	const fields = "username=alice&password=wrong"
	for name, send := range map[string]func(s *guardedShop) reply{
		"Basic on the cart": func(s *guardedShop) reply { return s.basic("alice", "wrong") },
		"query on the cart": func(s *guardedShop) reply { return s.do("GET", "/wp-json/cocart/v2/cart?"+fields, "") },
		"form on the cart":  func(s *guardedShop) reply { return s.do("POST", "/wp-json/cocart/v2/cart", fields, form) },
		"JSON on the cart": func(s *guardedShop) reply {
			return s.post("/wp-json/cocart/v2/cart", `{"username":"alice","password":"wrong"}`)
		},
		"query on a batch":  func(s *guardedShop) reply { return s.post("/wp-json/cocart/batch?"+fields, `{"requests":[]}`) },
		"query on a logout": func(s *guardedShop) reply { return s.post("/wp-json/cocart/v2/logout?"+fields, "") },
		"rest_route":        func(s *guardedShop) reply { return s.do("GET", "/?rest_route=/cocart/v2/cart&"+fields, "") },
		"PHP's other spelling": func(s *guardedShop) reply {
			return s.do("GET", "/wp-json/cocart/v2/cart?+username=alice&%20password=x", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
				s.judge.say(w, r, 2, "refused")
				upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"x","data":{"status":401}}`)
				return true
			}
			s.statuses("401 401 401 429 429", send(s), send(s), send(s), send(s), s.try("alice", "wonderland-1"))
		})
	}
}

func TestAnOldPluginThatSaysNothingIsEnough(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	s.statuses("401 401 401 429 429", s.try("alice", "a"), s.basic("Alice", "b"), s.try(" ALICE ", "c"), s.basic("alice", "wonderland-1"), s.try("alice", "wonderland-1"))
	s.statuses("401", s.try("alice@example.com", "d")) // another name, as far as anybody knows
}

func TestNamesOfOneAccountAreOne(t *testing.T) {
	s := guarded(t)
	s.statuses("401 401 401", s.try("alice", "a"), s.try("alice@example.com", "b"), s.basic("+15550100", "c"))
	asked := len(s.wordpress.Seen())
	// An unknown name gets no other answer: see TestALockDoesNotTellWhichNamesBelongTogether.
	s.statuses("401 401 401", s.try("alice", "wonderland-1"), s.basic("alice@example.com", "wonderland-1"), s.try("+15550100", "wonderland-1"))
	if n := len(s.wordpress.Seen()); n != asked {
		t.Errorf("WordPress was asked %d times more", n-asked)
	}
	s.judge.ids["a new spelling"] = 2
	r := s.try("a new spelling", "wonderland-1")
	if want := failure(401, "cocart_authentication_error", uniformBody); r.failure() != want {
		t.Errorf("a new spelling got past, or says that the account is locked: %d %s", r.Status, r.Body)
	}
}

func TestASuccessForgivesTheAccount(t *testing.T) {
	s := guarded(t)
	for range 3 {
		s.statuses("401 401 200", s.try("alice", "a"), s.try("alice", "b"), s.basic("alice", "wonderland-1"))
	}
	s.statuses("401 401 401 429", s.try("alice", "a"), s.try("alice", "b"), s.try("alice", "c"), s.try("alice", "d"))
}

func TestACookieOfAnotherCustomerForgivesNothing(t *testing.T) {
	for name, old := range map[string]bool{"plugin": false, "old plugin": true} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			s.judge.old = old
			judged := s.wordpress.Answer
			s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
				if r.Header.Get("Cookie") == "" {
					return judged(w, r, seen)
				}
				if s.judge.report(w, r); old {
					s.judge.say(w, r, 0, "accepted") // the cookie was what counted
				}
				upstreamtest.JSON(w, 200, `{}`)
				return true
			}
			s.statuses("401 401", s.try("alice", "a"), s.try("alice", "b"))
			cookie := s.do("GET", "/wp-json/cocart/v2/cart?username=alice&password=x", "", "Cookie: wordpress_logged_in_1=mallory", "X-WP-Nonce: n")
			s.statuses("200 401 429", cookie, s.try("alice", "c"), s.try("alice", "d"))
		})
	}
}

// Beside some plugins CoCart answers a wrong password as it answers a guest, and
// the right one as it does its owner.
func TestAWrongPasswordThatIsAnsweredAsAGuestIsCounted(t *testing.T) {
	for _, target := range []string{"/wp-json/cocart/v2/cart", "/wp-json/cocart/v2/cart?_envelope"} {
		s := guarded(t)
		s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
			s.judge.say(w, r, 2, "refused")
			upstreamtest.JSON(w, 200, `{"cart_key":"t_1"}`)
			return true
		}
		try := func() reply { return s.do("GET", target, "", "Authorization: Basic YWxpY2U6eA==") }
		if got := try().failure(); got != failure(401, "cocart_authentication_error", "Authentication failed. Please check your login details and try again.") {
			t.Errorf("%s: %s", target, got)
		}
		s.statuses("401 401 429", try(), try(), try())
		if len(s.waited) != 3 {
			t.Errorf("%s: refused in less than the usual time: %v", target, s.waited)
		}
	}
}

func TestALockedAccountsSessionGoesOn(t *testing.T) {
	s := guarded(t)
	access, refresh := s.try("alice", "wonderland-1").tokens(t)
	s.statuses("401 401 401 429", s.try("alice", "a"), s.try("alice", "b"), s.try("alice", "c"), s.try("alice", "wonderland-1"))
	s.wordpress.Users[0].Fingerprint = "fp-2"
	s.statuses("200 200", s.cart(access), s.refresh(refresh))
}

func TestSecondFactorsAreCountedApart(t *testing.T) {
	s := guarded(t)
	code := func(c string) reply {
		return s.post("/wp-json/cocart/v2/login", `{"username":"bob","password":"builder-2","2fa_code":"`+c+`"}`)
	}
	for range 5 {
		if r := s.try("bob", "builder-2"); r.Status != 401 || !strings.Contains(r.Body, "cocart_2fa_required") {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	if r := code("1"); r.Body != `{"code":"cocart_2fa_invalid_code","message":"Invalid code.","data":{"status":401}}` {
		t.Errorf("the words of a wrong code: %s", r.Body)
	}
	s.statuses("401 429 429", code("2"), code("3"), code("123456"))
	if len(s.waited) > 0 {
		t.Errorf("second factors waited: %v", s.waited)
	}
	s.statuses("401", s.try("bob", "wrong")) // none was a wrong password
	s.clock.step(8 * time.Minute)
	s.statuses("200", code("123456"))
	for result, want := range map[string]float64{"challenge": 5, "code_refused": 2, "refused": 1, "accepted": 1} {
		if got := s.metric("cocart_gateway_attempts_total", result); got != want {
			t.Errorf("attempts_total %s: %v, want %v", result, got, want)
		}
	}
}

func TestAddressesAndEverybodyAreLimited(t *testing.T) {
	for name, change := range map[string]func(*attempts.Config, *gateway.Config){
		"address": func(c *attempts.Config, _ *gateway.Config) { c.Address.N = 2 },
		"overall": func(c *attempts.Config, _ *gateway.Config) { c.Overall.N = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t, change)
			s.statuses("401 401 429", s.try("a", "x"), s.basic("b", "x"), s.try("alice", "wonderland-1"))
			if n := s.metric("cocart_gateway_rate_limited_total", name); n != 1 {
				t.Errorf("counted %v", n)
			}
		})
	}
}

func TestWhatWordPressDidNotJudgeIsNotCounted(t *testing.T) {
	for name, status := range map[string]int{"broken": 500, "away": 503, "a redirect": 302} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
				upstreamtest.JSON(w, status, `{}`) // and the plugin says that it checked none
				return true
			}
			for range 5 {
				s.statuses(fmt.Sprint(status, status), s.try("alice", "x"), s.basic("alice", "x"))
			}
		})
	}
	s := guarded(t)
	s.wordpress.Close()
	for range 5 {
		s.statuses("502 502", s.try("alice", "x"), s.basic("alice", "x"))
	}
}

func TestALoginWithoutCredentialsIsNoWrongPassword(t *testing.T) {
	s := guarded(t, func(c *attempts.Config, _ *gateway.Config) { c.Address.N = 2 })
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 401, `{"code":"cocart_rest_not_authorized","message":"Sorry, you are not authorized.","data":{"status":401}}`)
		return true
	}
	for range 5 {
		s.statuses("401", s.post("/wp-json/cocart/v2/login", "{}"))
	}
}

func TestRefreshAndValidateHaveTheirOwnLimits(t *testing.T) {
	s := guarded(t)
	for route, n := range map[string]int{"jwt/refresh-token": 4, "jwt/validate-token": 5} {
		for i := range n {
			r := s.post("/wp-json/cocart/"+route, "{}")
			if left := strconv.Itoa(n - 1 - i); r.Status == 429 || r.Header.Get("RateLimit-Remaining") != left || r.Header.Get("X-RateLimit-Remaining") != left {
				t.Errorf("%s %d: %d %v", route, i, r.Status, r.Header)
			}
		}
		r := s.post("/wp-json/cocart/"+route, "{}")
		if r.Status != 429 || r.Header.Get("Retry-After") != strconv.Itoa(900/n) || !strings.Contains(r.Body, "rate_limit_exceeded") {
			t.Errorf("%s: %d %s %v", route, r.Status, r.Body, r.Header)
		}
	}
	s.statuses("200", s.try("alice", "wonderland-1"))
}

func TestLimitHeadersDoNotReplaceThoseOfWordPress(t *testing.T) {
	s := guarded(t)
	if r := s.try("alice", "a"); r.Header.Get("RateLimit-Limit") != "20" || r.Header.Get("RateLimit-Remaining") != "19" {
		t.Errorf("wrong: %v", r.Header)
	}
	if r := s.try("alice", "wonderland-1"); r.Header.Get("X-RateLimit-Limit") != "20" || r.Header.Get("RateLimit-Remaining") != "19" {
		t.Errorf("right: %v", r.Header) // a success takes nothing from it, and gives nothing back
	}
	judged := s.wordpress.Answer
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		w.Header().Set("RateLimit-Limit", "7")
		return judged(w, r, seen)
	}
	if r := s.try("alice", "a"); r.Header.Get("RateLimit-Limit") != "7" || len(r.Header.Values("RateLimit-Limit")) != 1 || r.Header.Get("X-RateLimit-Limit") != "20" {
		t.Errorf("upstream's: %v", r.Header)
	}
	if r := s.basic("alice", "wonderland-1"); r.Header.Get("X-RateLimit-Limit") != "" {
		t.Errorf("the cart: %v", r.Header)
	}
}

func TestRefusalsDoNotTellWhoIsACustomer(t *testing.T) {
	s := guarded(t)
	want := failure(401, "cocart_authentication_error", "Authentication failed. Please check your login details and try again.")
	for name, r := range map[string]reply{
		"wrong password": s.try("alice", "x"), "unknown user": s.try("nobody", "x"), "wrong Basic": s.basic("alice", "x"), "unknown Basic": s.basic("nobody", "x"),
	} {
		if got := r.failure(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := fmt.Sprint(s.waited); got != "[1s 1s 1s 1s]" {
		t.Errorf("waited %s", got)
	}
	s.statuses("200", s.try("alice", "wonderland-1"))
	if len(s.waited) != 4 {
		t.Error("a good login waited")
	}
}

func TestASlowRefusalWaitsForTheNextStep(t *testing.T) {
	s := guarded(t)
	judged := s.wordpress.Answer
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		s.clock.step(1300 * time.Millisecond)
		return judged(w, r, seen)
	}
	s.try("alice", "x")
	if got := fmt.Sprint(s.waited); got != "[700ms]" {
		t.Errorf("waited %s", got)
	}
}

func TestUniformErrorsCanBeOff(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { c.Passwords.UniformErrors = false })
	for _, r := range []reply{s.try("alice", "x"), s.basic("alice", "x")} {
		if got, want := r.failure(), failure(401, "cocart_authentication_error", "The password you entered is incorrect."); got != want {
			t.Errorf("got %s", got)
		}
	}
	if len(s.waited) > 0 {
		t.Errorf("waited %v", s.waited)
	}
}

func TestTheLogTellsWhoIsAttackedAndNeverAName(t *testing.T) {
	s := guarded(t)
	for range 3 {
		s.try("alice", "hunter-2")
		s.try("my-password-by-mistake", "hunter-3")
	}
	for _, want := range []string{`"msg":"login refused"`, `"account":"user:2"`, `"account":"name:`, `"msg":"account locked out"`, `"scope":"account"`, `"until":"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for _, never := range []string{"alice", "my-password", "hunter"} {
		if strings.Contains(s.log.String(), never) {
			t.Errorf("the log holds %s", never)
		}
	}
}

func TestPasswordsAreLimitedWhileRedisIsAway(t *testing.T) {
	s := guarded(t)
	s.store.Close()
	s.statuses("401 401 401 429", s.basic("alice", "a"), s.basic("alice", "b"), s.basic("alice", "c"), s.basic("alice", "d"))
	s.statuses("429", s.try("alice", "wonderland-1"))
}

func TestEveryNameInALoginIsCounted(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("mallory:x"))
	form := s.do("POST", "/wp-json/cocart/v2/cart", "username=alice&password=a", basic, "Content-Type: application/x-www-form-urlencoded")
	query := s.do("GET", "/wp-json/cocart/v2/cart?username=alice&password=b", "", basic)
	s.clock.step(15 * time.Minute / 3) // mallory's own three are not what this is about
	s.statuses("401 401 401 401 429", form, query, s.try("alice", "c", basic), s.try("alice", "d"), s.try("alice", "e"))
}

func TestBasicHeadersAreCountedAsPHPReadsThem(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	encoded := base64.StdEncoding.EncodeToString([]byte("alice:wrong"))
	for _, header := range []string{strings.TrimRight(encoded, "="), "*" + encoded[:4] + "-.-" + encoded[4:], encoded + "==="} {
		s.statuses("401", s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Basic "+header))
	}
	s.statuses("429", s.basic("alice", "wonderland-1"))
}

// What is too long to be read is never taken for empty: PHP reads on.
func TestAPasswordBehindTheLimitIsNotTried(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { c.Bounds.Form, c.Bounds.JSON = 64<<10, 64<<10 })
	const form = "Content-Type: application/x-www-form-urlencoded"
	padding := strings.Repeat("a", 64<<10)
	long := "x=" + padding + "&username=alice&password=guess"
	parts := "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + padding + "\r\n--b\r\nContent-Disposition: form-data; name=\"cart_key\"\r\n\r\n2\r\n--b--\r\n"
	for name, r := range map[string]reply{
		"form":               s.do("POST", "/wp-json/cocart/v2/cart?username=mallory&password=x", long, form),
		"form beside Basic":  s.do("POST", "/wp-json/cocart/v2/cart", long, form, "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("alice:wonderland-1"))),
		"multipart":          s.do("POST", "/wp-json/cocart/v2/cart", parts, "Content-Type: multipart/form-data; boundary=b"),
		"JSON":               s.post("/wp-json/cocart/v2/cart", `{"x":"`+padding+`","username":"alice","password":"guess"}`),
		"JSON under another": s.do("POST", "/wp-json/cocart/v2/cart", `{"x":"`+padding+`","username":"alice","password":"guess"}`, `Content-Type: text/plain; a="application/json"`),
	} {
		if r.Status != 413 || !strings.Contains(r.Body, "(limits.") {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

// CoCart since 4.7 looks for a password in JSON wherever the Content-Type contains application/json.
func TestEveryTypeOfJSONForCoCartIsCounted(t *testing.T) {
	const credentials = `{"username":"alice","password":"guess"}`
	for kind, status := range map[string]int{
		"application/json": 401, "APPLICATION/JSON; charset=utf-8": 401, "application/json;charset": 401, "text/plain; application/json": 401,
		`text/plain; a="application/json"`: 401, "text/html, application/json": 401, "application/x<b>/json": 415, "text/plain; appli%00cation/json": 401,
		"text/plain; appl<i>ication/json": 401, "text/plain; appl%2%300ication/json": 401, "text/plain; appl<script>x</script>ication/json": 401, "application/vnd.api+json; application/json": 401, "application/json, application/json": 401,
		";application/json": 415, "application/json/x": 415, "(application/json)": 415, "json; application/json": 415, "application /json": 415,
		"application/x-www-form-urlencoded; application/json": 400, "multipart/form-data; boundary=application/json": 400,
	} {
		s := guarded(t, func(c *attempts.Config, _ *gateway.Config) { c.Account.N = 2 })
		s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
			s.judge.say(w, r, 2, "refused")
			upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"The password you entered is incorrect.","data":{"status":401}}`)
			return true
		}
		ask := func() reply {
			return s.do("POST", "/wp-json/cocart/v2/cart/add-item", credentials, "Content-Type: "+kind)
		}
		first, _, third := ask(), ask(), ask()
		want := status
		if status == 401 {
			want = 429
		}
		if first.Status != status || third.Status != want {
			t.Errorf("%s: %d, then %d; want %d, then %d", kind, first.Status, third.Status, status, want)
		}
	}
}

func TestAClientThatLeavesBeforeTheAnswerGainsNoGuess(t *testing.T) {
	s := guarded(t, func(c *attempts.Config, _ *gateway.Config) { c.Wait = time.Hour }) // no request waits for clients that left
	arrived := make(chan struct{})
	judged := s.wordpress.Answer
	s.wordpress.Answer = func(_ http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		arrived <- struct{}{}
		<-r.Context().Done() // the gateway hung up
		return true
	}
	for range 3 {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/wp-json/cocart/v2/cart?username=alice&password=x", nil)
			req.Host = "shop.example"
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
		<-arrived
		leave()
		<-left
	}
	s.wordpress.Lock()
	s.wordpress.Answer = judged
	s.wordpress.Unlock()
	s.statuses("429", s.try("alice", "wonderland-1"))
}

func TestABadWordAboutAPasswordIsNotBelieved(t *testing.T) {
	s := guarded(t)
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("X-CoCart-Gateway-Attempt", s.wordpress.Sign("cocart-attempt+jwt", "another assertion", map[string]any{"sub": "2", "result": "accepted"}))
		upstreamtest.JSON(w, 200, "{}")
		return true
	}
	s.statuses("401 401 401 429", s.basic("alice", "x"), s.try("alice", "x"), s.basic("alice", "x"), s.basic("alice", "x"))
	if !strings.Contains(s.log.String(), "plugin_reply_not_good") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
