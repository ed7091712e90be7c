package gateway_test

import (
	"compress/gzip"
	"encoding/base64"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func TestLoginAnswersWithCoCartsOwnWordsAndTheTokens(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	access, refresh := r.tokens(t)
	want := strings.Replace(upstreamtest.LoginAnswer(s.wordpress.Users[0]), `"extras":[]`, `"extras":{"jwt_token":"`+access+`","jwt_refresh":"`+refresh+`","token_type":"Bearer","expires_in":864000}`, 1)
	if r.Body != want {
		t.Errorf("got  %s\nwant %s", r.Body, want)
	}
	if r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("headers: %v", r.Header)
	}
	if got := s.cart(access); got.Status != 200 || !strings.Contains(got.Body, `"cart_key":"2"`) {
		t.Errorf("cart: %d %s", got.Status, got.Body)
	}
}

func TestLoginTakesCredentialsWhereCoCartDoes(t *testing.T) {
	const password = `p<b>a%41 ss  ü"\&=+`
	form := url.Values{"username": {"carol"}, "password": {password}}.Encode()
	var multi strings.Builder
	w := multipart.NewWriter(&multi)
	_ = w.WriteField("username", "carol")
	_ = w.WriteField("password", password)
	_ = w.Close()
	basic := "Authorization: basic " + base64.StdEncoding.EncodeToString([]byte("carol:"+password))
	asJSON := `{"username":"carol","password":"p<b>a%41 ss  \u00fc\"\\&=+"}`
	const jsonType, formType = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	for name, send := range map[string]struct {
		query, body string
		headers     []string
	}{
		"JSON":                         {"", asJSON, []string{jsonType}},
		"JSON with charset":            {"", asJSON, []string{"Content-Type: Application/JSON; charset=utf-8"}},
		"form":                         {"", form, []string{formType}},
		"multipart":                    {"", multi.String(), []string{"Content-Type: " + w.FormDataContentType()}},
		"query":                        {"?" + form, "", nil},
		"query, JSON type without any": {"?" + form, "", []string{jsonType}},
		"Basic":                        {"", "", []string{basic}},
		"Basic beats the body":         {"", `{"username":"x","password":"y"}`, []string{jsonType, basic}},
		"form beats the query":         {"?username=x&password=y", form, []string{formType}},
		"query beats JSON":             {"?" + form, `{"username":"x","password":"y"}`, []string{jsonType}},
		"the last JSON duplicate":      {"", `{"username":"x","username":"carol","password":"y",` + asJSON[len(`{"username":"carol",`):], []string{jsonType}},
		"blanks around both":           {"", strings.NewReplacer(`"carol"`, `" carol\t"`, `+"`, `+ "`).Replace(asJSON), []string{jsonType}},
		"other spellings of the names": {"?" + strings.NewReplacer("username", "+username", "password", "%20password").Replace(form), "", nil},
		"method override":              {"?_method=POST&" + form, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.wordpress.Users = []upstreamtest.User{{ID: 7, Login: "carol", Password: password, Fingerprint: "fp"}}
			r := s.do("POST", "/wp-json/cocart/v2/login"+send.query, send.body, send.headers...)
			if r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			r.tokens(t)
		})
	}
}

func TestLoginBodyReachesWordPressUnchanged(t *testing.T) {
	s := openShop(t)
	const body = ` {"username" : "alice", "password":"wonderland-1", "2fa_code":"123 456","2fa_provider":"email","device":{"a":[1]}} `
	s.post("/wp-json/cocart/v2/login?lang=de&_fields=a", body, "Cookie: wordpress_logged_in_x=1; other=2", "X-App: 3")
	got := s.wordpress.Last()
	if got.Body != body || got.Target != "/wp-json/cocart/v2/login?lang=de&_fields=a" || got.Header.Get("X-App") != "3" || got.Header.Get("Cookie") != "" {
		t.Errorf("arrived: %+v", got)
	}
}

func TestConsumerParametersDoNotReachALogin(t *testing.T) {
	var multi strings.Builder
	w := multipart.NewWriter(&multi)
	for _, f := range [][2]string{{"username", "alice"}, {"consumer.key", "x"}, {"password", "wonderland-1"}, {"consumer_secret", "y"}} {
		_ = w.WriteField(f[0], f[1])
	}
	_ = w.Close()
	for name, send := range map[string]struct{ query, contentType, body, wantQuery, wantBody string }{
		"query":     {"?consumer_key=x&username=alice&consumer[secret=y&password=wonderland-1", "", "", "?username=alice&password=wonderland-1", ""},
		"form":      {"", "application/x-www-form-urlencoded", "username=alice&+consumer_key=x&password=wonderland-1", "", "username=alice&password=wonderland-1"},
		"multipart": {"", w.FormDataContentType(), multi.String(), "", "username=alice&password=wonderland-1"},
		"JSON":      {"", "application/json", `{"consumer_key":"x","username":"alice","password":"wonderland-1","n":1.50}`, "", `{"username":"alice","password":"wonderland-1","n":1.50}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			r := s.do("POST", "/wp-json/cocart/v2/login"+send.query, send.body, "Content-Type: "+send.contentType)
			if r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			got := s.wordpress.Last()
			if got.Target != "/wp-json/cocart/v2/login"+send.wantQuery || got.Body != send.wantBody {
				t.Errorf("arrived: %s\n%s", got.Target, got.Body)
			}
		})
	}
}

func TestRefusedLoginIsWordPresssAnswer(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong"}`)
	if got, want := r.failure(), failure(401, "cocart_authentication_error", "The password you entered is incorrect."); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSecondFactorIsAskedForByWordPress(t *testing.T) {
	s := openShop(t)
	const challenge = `{"code":"cocart_2fa_required","message":"Two-factor authentication is required.","data":{"status":401,"available_providers":["email"],"default_provider":"email","email_sent":true}}`
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 401, challenge)
		return true
	}
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	if r.Status != 401 || r.Body != challenge {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if got := s.metric("cocart_gateway_logins_total", "challenge"); got != 1 {
		t.Errorf("counted %v challenges", got)
	}
}

func TestBearerBesideGoodCredentialsDoesNotDisturb(t *testing.T) {
	s := openShop(t)
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 3, Login: "bob", Password: "b", Fingerprint: "fp-bob"})
	access, _ := s.login()
	for name, bearer := range map[string]string{"garbage": "garbage", "a JWT of another issuer": "a.b.c", "valid, of another customer": access, "empty": ""} {
		r := s.post("/wp-json/cocart/v2/login", `{"username":"bob","password":"b"}`, "Authorization: Bearer "+bearer)
		if r.Status != 200 || !strings.Contains(r.Body, `"user_id":"3"`) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func TestBearerLoginRefreshAnswersWithTheWholePair(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.BearerLoginRefresh = true })
	access, refresh := s.login()
	r := s.post("/wp-json/cocart/v2/login", "", "Authorization: Bearer "+access)
	if r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	if a, f := r.tokens(t); a != access || f != refresh {
		t.Error("the tokens are not the same")
	}
	if kind := s.wordpress.Last().Claims; kind.Kind != "customer" || kind.Subject != "2" {
		t.Errorf("asserted %+v", kind)
	}
	// After a rotation the answer holds the successor.
	newAccess, newRefresh := s.refresh(refresh).pair(t)
	if _, f := s.post("/wp-json/cocart/v2/login", "", "Authorization: Bearer "+newAccess).tokens(t); f != newRefresh {
		t.Error("not the current refresh token")
	}
}

// An access token that leaked must not buy a session that renews itself.
func TestALoginByBearerAloneAnswersWithoutARefreshToken(t *testing.T) {
	for name, ask := range map[string]func(s *shop, access string) reply{
		"no body":         func(s *shop, access string) reply { return s.post(loginRoute, "", "Authorization: Bearer "+access) },
		"an empty object": func(s *shop, access string) reply { return s.post(loginRoute, "{}", "Authorization: Bearer "+access) },
		"half a password": func(s *shop, access string) reply {
			return s.post(loginRoute, `{"username":"alice"}`, "Authorization: Bearer "+access)
		},
		"by rest_route": func(s *shop, access string) reply {
			return s.post("/?rest_route=/cocart/v2/login", "", "Authorization: Bearer "+access)
		},
		"an alias of the SDK": func(s *shop, access string) reply {
			return s.post("/wp-json/cocart/jwt/token", "{}", "Authorization: Bearer "+access)
		},
	} {
		s := openShop(t)
		access, _ := s.login()
		r := ask(s, access)
		if r.Status != 200 || !strings.Contains(r.Body, `"jwt_token":"`+access+`"`) || strings.Contains(r.Body, "refresh") {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		if claims := s.wordpress.Last().Claims; claims.Kind != "customer" || claims.Subject != "2" {
			t.Errorf("%s: asserted %+v", name, claims)
		}
	}
}

func TestBadBearerWithoutCredentialsIsRefused(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/v2/login", "{}", "Authorization: Bearer a.b.c")
	if got, want := r.failure(), failure(401, "cocart_authentication_error", "Authentication failed."); got != want {
		t.Errorf("got %s", got)
	}
	if n := len(s.wordpress.Seen()); n != 0 {
		t.Errorf("WordPress was asked %d times", n)
	}
}

func TestLoginWithoutThePluginIsNotPretended(t *testing.T) {
	s := openShop(t)
	s.wordpress.NoPlugin = true
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	if got, want := r.failure(), failure(502, "cocart_gateway_upstream_unusable", "The shop gave an answer that cannot be used."); got != want {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(s.log.String(), "the must-use plugin did not sign the login") {
		t.Errorf("the log does not say why: %s", s.log)
	}
}

func TestExtrasKeepWhatOthersPutThere(t *testing.T) {
	for name, row := range map[string]struct{ answer, want string }{
		"object":              {`{"a":1,"extras":{"points":"\/5"},"z":null}`, `{"a":1,"extras":{"points":"\/5","jwt_token":T,"jwt_refresh":R,"token_type":"Bearer","expires_in":864000},"z":null}`},
		"list":                {`{"extras":["x",{"y":1}]}`, `{"extras":{"0":"x","1":{"y":1},"jwt_token":T,"jwt_refresh":R,"token_type":"Bearer","expires_in":864000}}`},
		"none (before 3.8.1)": {`{"user_id":"2"}`, `{"user_id":"2","extras":{"jwt_token":T,"jwt_refresh":R,"token_type":"Bearer","expires_in":864000}}`},
		"null":                {`{"extras":null}`, `{"extras":{"jwt_token":T,"jwt_refresh":R,"token_type":"Bearer","expires_in":864000}}`},
		"of the old plugin":   {`{"extras":{"jwt_token":"old","k":1,"expires_in":1,"jwt_refresh":"old"}}`, `{"extras":{"k":1,"jwt_token":T,"jwt_refresh":R,"token_type":"Bearer","expires_in":864000}}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
				w.Header().Set("X-CoCart-Gateway-Login", s.wordpress.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"), map[string]any{"sub": "2", "login": "alice", "fp": "f"}))
				upstreamtest.JSON(w, 200, row.answer)
				return true
			}
			r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
			access, refresh := r.tokens(t)
			want := strings.NewReplacer("T", `"`+access+`"`, "R", `"`+refresh+`"`).Replace(row.want)
			if r.Body != want {
				t.Errorf("got  %s\nwant %s", r.Body, want)
			}
		})
	}
}

func TestLoginRefusesWhatWouldWrapItsAnswer(t *testing.T) {
	s := openShop(t)
	for _, route := range []string{"v2/login", "jwt/refresh-token", "jwt/validate-token"} {
		for _, query := range []string{"?_jsonp=cb", "?_envelope", "?_envelope=1", "?%20_jsonp=x"} {
			if r := s.post("/wp-json/cocart/"+route+query, `{}`); r.Status != 400 {
				t.Errorf("%s%s: %d %s", route, query, r.Status, r.Body)
			}
		}
	}
}

func TestLoginBodyIsBounded(t *testing.T) {
	s := openShop(t)
	r := s.post("/wp-json/cocart/v2/login", `{"username":"`+strings.Repeat("a", 64<<10)+`"}`)
	if got, want := r.failure(), failure(413, "cocart_gateway_body_too_large", "The request body is larger than 65536 bytes (limits.login_body)."); got != want {
		t.Errorf("got %s", got)
	}
}

// It is asked for as it is; what comes compressed all the same is never unpacked,
// so that no few bytes can become many.
func TestACompressedLoginAnswerIsNotUnpacked(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		if asked := seen.Header.Get("Accept-Encoding"); asked != "" {
			t.Errorf("asked for %s", asked)
		}
		w.Header().Set("X-CoCart-Gateway-Login", s.wordpress.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"), map[string]any{"sub": "2", "login": "alice", "fp": "f"}))
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = zip.Write([]byte(`{"user_id":"2","extras":[]}`))
		_ = zip.Close()
		return true
	}
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, "Accept-Encoding: gzip")
	if got, want := r.failure(), failure(502, "cocart_gateway_upstream_unusable", "The shop gave an answer that cannot be used."); got != want {
		t.Errorf("got %s", got)
	}
}

// Whom a callback of cocart_gateway_allow_customer refuses knows the password.
func TestALoginThatTheShopItselfRefusesIsNoWrongPassword(t *testing.T) {
	s := guarded(t)
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		s.judge.say(w, r, 2, "accepted")
		upstreamtest.JSON(w, 403, `{"code":"cocart_gateway_not_allowed","message":"This account cannot be used here.","data":{"status":403}}`)
		return true
	}
	for range 10 { // more than the account has
		if got, want := s.try("alice", "wonderland-1").failure(), failure(403, "cocart_gateway_not_allowed", "This account cannot be used here."); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
	if len(s.waited) > 0 || strings.Contains(s.log.String(), "login refused") {
		t.Errorf("it is treated as a wrong password: waited %v, the log: %s", s.waited, s.log.String())
	}
}
