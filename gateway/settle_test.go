package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// replying makes WordPress give one answer to every password.
func (s *guardedShop) replying(answer func(w http.ResponseWriter, r *http.Request)) {
	s.wordpress.Lock()
	defer s.wordpress.Unlock()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		answer(w, r)
		return true
	}
}

func asAlice(target string, headers ...string) func(*guardedShop) reply {
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:guess"))
	method := "GET"
	if strings.HasPrefix(target, "HEAD ") || strings.HasPrefix(target, "OPTIONS ") {
		method, target, _ = strings.Cut(target, " ")
	}
	return func(s *guardedShop) reply {
		return s.do(method, "/wp-json/cocart/v2/cart"+target, "", append(headers, basic)...)
	}
}

// An attacker looks for an answer that hides the wrong password from the gateway,
// or tells it apart from the right one.
func TestNoFormOfAnswerHidesAWrongPassword(t *testing.T) {
	const envelope = `{"status":401,"body":{"code":"cocart_authentication_error"}}`
	for name, row := range map[string]struct {
		send   func(*guardedShop) reply
		status int
		body   string
	}{
		"bad JSONP callback":     {asAlice("?_jsonp=a()"), 400, `{"code":"rest_callback_invalid"}`},
		"another one":            {asAlice("?_jsonp=a.b-c"), 400, `{"code":"rest_callback_invalid"}`},
		"JSONP":                  {asAlice("?_jsonp=cb"), 401, `/**/cb({})`},
		"JSONP by another name":  {asAlice("?%20_jsonp=a()"), 400, `{}`},
		"envelope":               {asAlice("?_envelope"), 200, envelope},
		"envelope=1":             {asAlice("?_envelope=1"), 200, envelope},
		"fields":                 {asAlice("?_fields=x"), 401, `{}`},
		"method":                 {asAlice("?_method=OPTIONS"), 200, `{}`},
		"HEAD":                   {asAlice("HEAD "), 401, ``},
		"OPTIONS":                {asAlice("OPTIONS "), 200, `{"namespace":"cocart/v2"}`},
		"redirect":               {asAlice(""), 302, ``},
		"as a guest":             {asAlice(""), 200, `{"cart_key":"t_1"}`},
		"not found":              {asAlice("/nothing"), 404, `{}`},
		"forbidden":              {asAlice(""), 403, `{}`},
		"fatal error":            {asAlice(""), 500, `{"code":"internal_server_error"}`},
		"too many, by WordPress": {asAlice(""), 429, `{}`},
	} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", without a report: ", silent), func(t *testing.T) {
				s := guarded(t)
				s.judge.silent = silent
				s.replying(func(w http.ResponseWriter, r *http.Request) {
					s.judge.say(w, r, 2, "refused")
					upstreamtest.JSON(w, row.status, row.body)
				})
				r := row.send(s)
				if want := failure(401, "cocart_authentication_error", uniformBody); r.failure() != want && name != "HEAD" || r.Status != 401 {
					t.Errorf("got %d %s", r.Status, r.Body)
				}
				s.statuses("401 401 429", row.send(s), row.send(s), row.send(s))
				if got := fmt.Sprint(s.waited); got != "[1s 1s 1s]" {
					t.Errorf("waited %s", got)
				}
			})
		}
	}
}

// What WordPress says of the right password, and signs nothing of, is what it says
// of a wrong one.
func TestARightPasswordWithoutAReportIsARefusal(t *testing.T) {
	s := guarded(t)
	s.judge.silent = true
	want := failure(401, "cocart_authentication_error", uniformBody)
	for name, r := range map[string]reply{"Basic": s.basic("alice", "wonderland-1"), "unknown": s.basic("nobody", "x")} {
		if r.failure() != want {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	s.replying(func(w http.ResponseWriter, r *http.Request) { // a login of whom nothing is signed
		s.judge.say(w, r, 2, "accepted")
		upstreamtest.JSON(w, 200, `{"user_id":"2"}`)
	})
	if r := s.try("alice", "wonderland-1"); r.failure() != want {
		t.Errorf("login: %d %s", r.Status, r.Body)
	}
	if got := fmt.Sprint(s.waited); got != "[1s 1s 1s]" {
		t.Errorf("waited %s", got)
	}
	if n := s.metric("cocart_gateway_attempts_total", "unreported"); n != 3 {
		t.Errorf("unreported: %v", n)
	}
	if !strings.Contains(s.log.String(), "plugin_did_not_sign") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

func TestARequestWithoutACheckIsNoWrongPassword(t *testing.T) {
	s := guarded(t)
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.report(w, r)
		upstreamtest.JSON(w, 200, `{"cart_key":"t_1"}`)
	})
	for range 10 {
		s.statuses("200 200", s.basic("alice", "x"), s.do("PUT", "/wp-json/cocart/v2/cart", `{"username":"alice","password":"x"}`, "Content-Type: application/json"))
	}
	if len(s.waited) > 0 || strings.Contains(s.log.String(), "login_refused") {
		t.Errorf("waited %v, log %s", s.waited, s.log)
	}
}

// A request may name seven customers in the places where versions of CoCart look;
// WordPress checks one of them, and only that one is charged.
func TestOnlyTheAccountThatWasCheckedIsCharged(t *testing.T) {
	s := guarded(t)
	for i, name := range []string{"bob", "carol", "dave", "erin"} {
		s.judge.ids[name] = int64(3 + i)
	}
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.say(w, r, 2, "refused")
		upstreamtest.JSON(w, 401, `{}`)
	})
	basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("alice:guess"))
	for range 3 {
		s.statuses("401", s.do("POST", "/wp-json/cocart/v2/login?username=bob&password=x&consumer_key=carol", `{"username":"dave","password":"x","oauth_consumer_key":"erin"}`, basic, "Content-Type: application/json"))
	}
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.report(w, r)
		upstreamtest.JSON(w, 200, `{}`)
	})
	for _, name := range []string{"bob", "carol", "dave", "erin"} {
		if r := s.basic(name, "y"); r.Status != 200 {
			t.Errorf("%s is locked: %d", name, r.Status)
		}
	}
	s.wordpress.Answer = s.judge.answer
	s.statuses("429", s.basic("alice", "wonderland-1"))
}

func TestEachOfSeveralPasswordsIsCounted(t *testing.T) {
	s := guarded(t)
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.report(w, r, upstreamtest.Check{User: 2, Result: "refused", Times: 3}, upstreamtest.Check{User: 3, Result: "refused", Times: 2})
		upstreamtest.JSON(w, 200, `{}`)
	})
	s.do("POST", "/xmlrpc.php", "<methodCall/>", "Content-Type: text/xml")
	s.wordpress.Answer = s.judge.answer
	s.statuses("401", s.try("bob", "x"))
	s.statuses("401 401", s.try("bob", "builder-2"), s.try("alice", "wonderland-1")) // both are locked
	if got := s.metric("cocart_gateway_attempts_total", "refused"); got != 6 {
		t.Errorf("counted %v", got)
	}
}

// The log says why logins fail: CoCart checks no password over plain http in
// production, and the plugin lets none be checked under another secret.
func TestAttemptsThatWordPressDoesNotCheckAreNotCharged(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		header string
		report bool
	}{
		"plain http":                     {401, `{"code":"cocart_rest_not_authorized","message":"Sorry, you are not authorized.","data":{"status":401}}`, "", true},
		"plain http, an older plugin":    {401, `{"code":"cocart_rest_not_authorized"}`, "", false},
		"another secret":                 {403, `{"code":"cocart_gateway_bad_assertion"}`, "cocart_gateway_bad_assertion", false},
		"another secret, older plugin":   {403, `{"code":"cocart_gateway_bad_assertion"}`, "", false},
		"the header of the gateway lost": {403, `{"code":"cocart_gateway_required"}`, "cocart_gateway_required", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			s.replying(func(w http.ResponseWriter, r *http.Request) {
				if !row.report {
					w.Header().Del("X-CoCart-Gateway-Attempt")
				}
				if row.header != "" {
					w.Header().Set("X-CoCart-Gateway-Refused", row.header)
				}
				upstreamtest.JSON(w, row.status, row.body)
			})
			for range 10 {
				if r := s.try("alice", "wonderland-1"); r.Status != row.status || r.Header.Get("X-CoCart-Gateway-Refused") != "" {
					t.Fatalf("%d %s %v", r.Status, r.Body, r.Header)
				}
			}
			if row.header != "" {
				s.statuses(fmt.Sprint(row.status), s.basic("alice", "wonderland-1"))
			}
			code, _, _ := strings.Cut(strings.TrimPrefix(row.body, `{"code":"`), `"`)
			for _, want := range []string{`"event":"password_not_checked"`, `"cause":"` + code} {
				if !strings.Contains(s.log.String(), want) {
					t.Errorf("the log lacks %s", want)
				}
			}
		})
	}
}

func TestAShopThatIsDownIsNoWrongPassword(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504} {
		s := guarded(t)
		s.wordpress.NoPlugin = true // no PHP, no database, maintenance: the plugin is not even loaded
		s.replying(func(w http.ResponseWriter, _ *http.Request) { upstreamtest.JSON(w, status, `{}`) })
		for range 5 {
			s.statuses(fmt.Sprint(status, status), s.try("alice", "x"), s.basic("alice", "x"))
		}
	}
}

// siteLogin is how a browser, an app or a bot logs in past CoCart.
var siteLogins = map[string]struct {
	method, target, body string
	headers              []string
	refusal              string // a part of the answer when there were too many
	status               int
}{
	"wp-login.php":         {"POST", "/wp-login.php", "log=alice&pwd=x", []string{"Content-Type: application/x-www-form-urlencoded"}, "<!doctype html>", 429},
	"interim login":        {"POST", "/wp-login.php?interim-login=1", "log=alice&pwd=x", []string{"Content-Type: application/x-www-form-urlencoded"}, "<!doctype html>", 429},
	"My account":           {"POST", "/my-account/", "username=alice&password=x&woocommerce-login-nonce=n", []string{"Content-Type: application/x-www-form-urlencoded", "Accept: text/html"}, "<!doctype html>", 429},
	"xmlrpc.php":           {"POST", "/xmlrpc.php", "<methodCall><methodName>wp.getUsersBlogs</methodName></methodCall>", []string{"Content-Type: text/xml"}, "<int>403</int>", 200},
	"xmlrpc.php in a path": {"POST", "/blog/xmlrpc.php", "<methodCall/>", []string{"Content-Type: text/xml"}, "<int>403</int>", 200},
	"admin-ajax.php":       {"POST", "/wp-admin/admin-ajax.php", "action=login&user=alice", []string{"Content-Type: application/x-www-form-urlencoded"}, `"code":"rate_limit_exceeded"`, 429},
	"Basic on wp/v2":       {"GET", "/wp-json/wp/v2/users/me", "", []string{"Authorization: Basic YWxpY2U6eA=="}, `"code":"rate_limit_exceeded"`, 429},
}

func TestLoginsElsewhereCountOnTheSameCounters(t *testing.T) {
	for name, to := range siteLogins {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			result := "refused"
			s.replying(func(w http.ResponseWriter, r *http.Request) {
				s.judge.say(w, r, 2, result)
				http.SetCookie(w, &http.Cookie{Name: "wordpress_logged_in_1", Value: "alice"})
				w.Header().Set("Content-Type", "text/html")
				_, _ = fmt.Fprint(w, "the answer of WordPress")
			})
			send := func() reply { return s.do(to.method, to.target, to.body, to.headers...) }
			for range 3 {
				if r := send(); r.Status != 200 || r.Body != "the answer of WordPress" {
					t.Fatalf("%d %s", r.Status, r.Body)
				}
			}
			result = "accepted" // and what it says of the right one is withheld
			r := send()
			if r.Status != to.status || !strings.Contains(r.Body, to.refusal) || r.Header.Get("Set-Cookie") != "" || r.Header.Get("Retry-After") == "" {
				t.Errorf("%d %s %v", r.Status, r.Body, r.Header)
			}
			s.wordpress.Answer = s.judge.answer
			s.statuses("401", s.try("alice", "wonderland-1"))
			if n := s.metric("cocart_gateway_attempts_total", "site"); n == 0 {
				t.Error("no metric")
			}
		})
	}
}

func TestLoginsElsewhereAreLimitedByAddress(t *testing.T) {
	s := guarded(t, func(c *attempts.Config, _ *gateway.Config) { c.Address.N = 2 })
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.say(w, r, 0, "refused")
		_, _ = fmt.Fprint(w, "unknown user name")
	})
	send := func() reply {
		return s.do("POST", "/wp-login.php", "log=x&pwd=y", "Content-Type: application/x-www-form-urlencoded")
	}
	s.statuses("200 200 429", send(), send(), send())
}

func TestLoginsElsewhereNeedNotCount(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { c.Passwords.SiteLogin = false })
	s.replying(func(w http.ResponseWriter, r *http.Request) { s.judge.say(w, r, 2, "refused") })
	for range 10 {
		s.statuses("200", s.do("POST", "/wp-login.php", "log=alice&pwd=y"))
	}
}

func TestTheStorefrontGoesOnWithoutRedis(t *testing.T) {
	s := guarded(t)
	s.store.Close()
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			s.judge.say(w, r, 2, "refused")
		}
		_, _ = fmt.Fprint(w, "page")
	})
	send := func() reply { return s.do("POST", "/wp-login.php", "log=alice&pwd=y") }
	s.statuses("200 200 200 200 429", s.do("GET", "/", ""), send(), send(), send(), send())
	s.statuses("200", s.do("GET", "/", ""))
}

// A page cache inside PHP may keep the header of the request that filled it.
func TestAReportOfAnotherRequestBreaksNoPage(t *testing.T) {
	s := guarded(t)
	s.replying(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-CoCart-Gateway-Attempt", s.wordpress.Sign("cocart-attempt+jwt", "another", map[string]any{"sub": "2", "result": "refused"}))
		_, _ = fmt.Fprint(w, "page")
	})
	for range 5 {
		s.statuses("200", s.do("GET", "/", ""))
	}
}

// observed is all that a client sees of an answer.
func observed(s *guardedShop, send func() reply) string {
	before := len(s.waited)
	r := send()
	text := fmt.Sprintln(r.Status, r.Body, s.waited[before:])
	for _, name := range []string{"Retry-After", "Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset", "X-Ratelimit-Remaining", "Cache-Control", "Www-Authenticate", "Content-Type", "Content-Length"} {
		text += fmt.Sprintln(name, r.Header.Values(name))
	}
	return text
}

// An attacker locks the account of one name and tries another. The answers must
// not tell whether both names are of one account, or whether there is one.
func TestALockDoesNotTellWhichNamesBelongTogether(t *testing.T) {
	lock := map[string]func(*guardedShop){
		"locked at the login": func(s *guardedShop) {
			s.statuses("401 401 401", s.try("alice", "a"), s.try("alice", "b"), s.try("alice", "c"))
		},
		"locked by Basic": func(s *guardedShop) {
			s.statuses("401 401 401", s.basic("alice", "a"), s.basic("alice", "b"), s.basic("alice", "c"))
		},
		"one try is left":       func(s *guardedShop) { s.statuses("401 401", s.try("alice", "a"), s.try("alice", "b")) },
		"not locked":            func(s *guardedShop) { s.statuses("401 401", s.try("carl", "a"), s.try("carl", "b")) },
		"locked at the website": func(s *guardedShop) { s.lockElsewhere() },
	}
	send := map[string]func(s *guardedShop, name, password string) reply{
		"login": func(s *guardedShop, name, password string) reply { return s.try(name, password) },
		"Basic": func(s *guardedShop, name, password string) reply { return s.basic(name, password) },
		"beside a decoy": func(s *guardedShop, name, password string) reply {
			return s.do("GET", "/wp-json/cocart/v2/cart?username=decoy&password=x", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
		},
		"as a decoy": func(s *guardedShop, name, password string) reply {
			return s.do("GET", "/wp-json/cocart/v2/cart?username="+name+"&password="+password, "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("nobody:x")))
		},
	}
	for how, first := range lock {
		for where, try := range send {
			t.Run(how+", then "+where, func(t *testing.T) {
				var seen [2]string
				for i, name := range []string{"alice@example.com", "nobody@example.com"} {
					s := guarded(t)
					s.judge.ids["carl"] = 7
					first(s)
					for n := range 6 {
						password := fmt.Sprint("guess", n)
						if n == 3 && strings.HasPrefix(how, "locked") {
							password = "wonderland-1" // the answer to the right one is no other
						}
						seen[i] += observed(s, func() reply { return try(s, name, password) })
					}
				}
				if seen[0] != seen[1] {
					t.Errorf("a name of the account sees\n%s\nan unknown name sees\n%s", seen[0], seen[1])
				}
			})
		}
	}
}

// lockElsewhere uses up the attempts of alice at wp-login.php.
func (s *guardedShop) lockElsewhere() {
	s.replying(func(w http.ResponseWriter, r *http.Request) {
		s.judge.report(w, r, upstreamtest.Check{User: 2, Result: "refused", Times: 3})
	})
	s.do("POST", "/wp-login.php", "log=alice&pwd=x")
	s.wordpress.Answer = s.judge.answer
}
