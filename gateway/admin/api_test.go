package admin_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream/upstreamtest"
)

func sessionsIn(t *testing.T, r reply) []tokens.Session {
	t.Helper()
	var answer struct{ Sessions []tokens.Session }
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 {
		t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	return answer.Sessions
}

func TestOperatorsSeeAndEndSessions(t *testing.T) {
	s := openShop(t)
	a := s.api()
	first, other := s.login(), s.login()
	list := sessionsIn(t, s.administer(a, "GET", "/sessions?user_id=2", ""))
	if len(list) != 2 || len(sessionsIn(t, s.administer(a, "GET", "/sessions", ""))) != 2 || len(sessionsIn(t, s.administer(a, "GET", "/sessions?user_id=3", ""))) != 0 {
		t.Fatalf("listed: %+v", list)
	}
	if got := strings.Trim(fmt.Sprint([]any{list[0].UserID, list[0].Login, list[0].Device, list[0].Address, list[0].Created.Equal(s.clock.Now())}), "[]"); got != "2 alice Go-http-client/1.1 127.0.0.1 true" {
		t.Errorf("the first: %s", got)
	}
	id := list[0].ID
	if r := s.administer(a, "DELETE", "/sessions/"+id, ""); r.Status != 200 || r.Body != `{"ended":1}` {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if r := s.administer(a, "GET", "/sessions/"+id, ""); r.Status != 200 || !strings.Contains(r.Body, `"cause":"admin"`) {
		t.Errorf("afterwards: %d %s", r.Status, r.Body)
	}
	good := fmt.Sprint(s.verifies(first.Access), s.refreshes(first.Refresh), s.verifies(other.Access))
	if good != "false false true" && good != "true true false" { // two sessions of one millisecond have no order
		t.Errorf("afterwards: %s", good)
	}
	if r := s.administer(a, "DELETE", "/sessions?user_id=2", ""); r.Status != 200 || r.Body != `{"ended":1}` {
		t.Errorf("the user's: %d %s", r.Status, r.Body)
	}
	if got := [2]bool{s.verifies(first.Access), s.verifies(other.Access)}; got != [2]bool{} {
		t.Errorf("the user's other session: %v", got)
	}
	last := s.login()
	if r := s.administer(a, "DELETE", "/sessions?all=true", ""); r.Status != 200 || r.Body != `{"ended":"all"}` {
		t.Errorf("all: %d %s", r.Status, r.Body)
	}
	if s.verifies(last.Access) {
		t.Error("after all it is still valid")
	}
}

func TestOperatorsNameUsersByLoginNameOrAddress(t *testing.T) {
	for _, name := range []string{"2", "alice", "alice@example.com"} {
		s := openShop(t)
		a := s.api()
		s.login()
		if n := len(sessionsIn(t, s.administer(a, "GET", "/sessions?user="+name, ""))); n != 1 {
			t.Errorf("%s: %d sessions", name, n)
		}
		if r := s.administer(a, "DELETE", "/sessions?user="+name, ""); r.Status != 200 || r.Body != `{"ended":1}` {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
		if strings.Contains(s.log.String(), "alice") {
			t.Errorf("%s: the log has the name: %s", name, s.log)
		}
	}
}

func TestAnOperatorLearnsThatWordPressCannotNameAUser(t *testing.T) {
	s := openShop(t)
	s.wordpress.NoPlugin = true
	if r := s.administer(s.api(), "DELETE", "/sessions?user=alice", ""); r.Status != 502 || !strings.Contains(r.Body, "cocart_gateway_upstream_unusable") {
		t.Errorf("without the plugin: %d %s", r.Status, r.Body)
	}
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	if r := s.administer(s.api(), "DELETE", "/sessions?user=alice", ""); r.Status != 502 || !strings.Contains(r.Body, "cocart_gateway_upstream_unavailable") {
		t.Errorf("without WordPress: %d %s", r.Status, r.Body)
	}
	if r := s.administer(s.api(), "DELETE", "/sessions?user_id=2", ""); r.Status != 200 {
		t.Errorf("by id: %d %s", r.Status, r.Body)
	}
}

func TestAdministrationSaysWhatIsWrong(t *testing.T) {
	s := openShop(t)
	s.wordpress.Users = append(s.wordpress.Users, upstreamtest.User{ID: 9, Login: "carol"}, upstreamtest.User{ID: 10, Login: "carol@example.com"})
	a := s.api()
	for request, want := range map[string]string{
		"GET /sessions?user_id=alice":              "400 cocart_gateway_bad_request",
		"GET /sessions?user_id=-1":                 "400 cocart_gateway_bad_request",
		"GET /sessions?usr=2":                      "400 cocart_gateway_bad_request",
		"GET /sessions?user=0":                     "400 cocart_gateway_bad_request",
		"GET /sessions?user=2&user_id=2":           "400 cocart_gateway_bad_request",
		"GET /sessions?user=dave":                  "404 cocart_gateway_no_such_user",
		"DELETE /sessions?user=dave":               "404 cocart_gateway_no_such_user",
		"DELETE /sessions?user=carol@example.com":  "409 cocart_gateway_ambiguous_user",
		"DELETE /sessions/x?user_id=2":             "400 cocart_gateway_bad_request",
		"GET /sessions/x?limit=2":                  "400 cocart_gateway_bad_request",
		"POST /tokens?user_id=2":                   "400 cocart_gateway_bad_request",
		"GET /sessions?sort=device":                "400 cocart_gateway_bad_request",
		"GET /sessions?limit=0":                    "400 cocart_gateway_bad_request",
		"GET /sessions?limit=5&limit=6":            "400 cocart_gateway_bad_request",
		"GET /sessions?order=up":                   "400 cocart_gateway_bad_request",
		"GET /sessions?address=localhost":          "400 cocart_gateway_bad_request",
		"GET /sessions?after=x":                    "400 cocart_gateway_bad_request",
		"DELETE /sessions?all=true&yes=1":          "400 cocart_gateway_bad_request",
		"GET /sessions/x":                          "400 cocart_gateway_bad_request",
		"GET /sessions/AZas9kgAQTGtGQ4nT5nEWw":     "404 cocart_gateway_no_such_session",
		"DELETE /sessions/AZas9kgAQTGtGQ4nT5nEWw":  "404 cocart_gateway_no_such_session",
		"DELETE /sessions":                         "400 cocart_gateway_bad_request",
		"DELETE /sessions?all=1":                   "400 cocart_gateway_bad_request",
		"DELETE /sessions?all=true&user_id=2":      "400 cocart_gateway_bad_request",
		"POST /oauth/revoke":                       "400 cocart_gateway_bad_request",
		"POST /oauth/introspect?token=not-in-urls": "400 cocart_gateway_bad_request",
	} {
		method, target, _ := strings.Cut(request, " ")
		r := s.administer(a, method, target, "")
		var answer struct{ Code string }
		_ = json.Unmarshal([]byte(r.Body), &answer) // then the code is ""
		if got := fmt.Sprint(r.Status, " ", answer.Code); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	s.store.SetError("LOADING")
	if r := s.administer(a, "GET", "/sessions", ""); r.Status != 503 || r.Header.Get("Retry-After") != "5" {
		t.Errorf("without Redis: %d %s", r.Status, r.Body)
	}
}

// A holder of the token can act as any customer.
func TestTheLogHasEachChange(t *testing.T) {
	s := openShop(t)
	a := s.api()
	s.login()
	id := sessionsIn(t, s.administer(a, "GET", "/sessions", ""))[0].ID
	access := s.login().Access
	s.administer(a, "POST", "/tokens", `{"user_id": 2}`, "Content-Type: application/json")
	s.administer(a, "POST", "/tokens", `{"user_id": 7}`, "Content-Type: application/json") // without a fingerprint
	s.administer(a, "DELETE", "/sessions/"+id, "")
	s.administer(a, "DELETE", "/sessions/canary", "")
	s.administer(a, "POST", "/oauth/revoke", "token="+access)
	s.administer(a, "DELETE", "/sessions?user_id=2", "")
	s.administer(a, "DELETE", "/sessions?all=true", "")
	s.administer(a, "POST", "/tokens/inspect", `{"token": "x"}`, "Content-Type: application/json")
	s.administer(a, "DELETE", "/sessions/canary?all=true", "", "Authorization: Bearer canary")
	var said []string
	for _, line := range s.lines("administration") {
		said = append(said, fmt.Sprint(line["action"], " ", line["user"], " ", line["sessions"], " ", line["session"] == id, " ", line["client"]))
	}
	want := []string{"start session 2 <nil> false 192.0.2.1", "end session <nil> <nil> true 192.0.2.1", "revoke token <nil> <nil> false 192.0.2.1",
		"end sessions 2 1 false 192.0.2.1", "end all sessions <nil> <nil> false 192.0.2.1"}
	if !slices.Equal(said, want) {
		t.Errorf("%q\nwant\n%q", said, want)
	}
	if refused := s.lines("administration refused"); len(refused) != 1 || refused[0]["client"] != "192.0.2.1" || refused[0]["level"] != "WARN" {
		t.Errorf("refused: %v", refused)
	}
}

func TestAdministrationNeedsItsToken(t *testing.T) {
	s := openShop(t)
	access := s.login().Access
	for name, header := range map[string]string{
		"none": "", "another": "Bearer x", "a customer's": "Bearer " + access, "longer": "Bearer " + adminToken + "x", "as user name": "Basic " + base64.StdEncoding.EncodeToString([]byte(adminToken+":")),
	} {
		for _, target := range []string{"GET /sessions", "DELETE /sessions?all=true", "POST /oauth/revoke", "POST /oauth/introspect"} {
			method, path, _ := strings.Cut(target, " ")
			if r := s.administer(s.api(), method, path, "token="+access, "Authorization: "+header); r.Status != 401 || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %s: %d %s", name, target, r.Status, r.Body)
			}
		}
	}
	if !s.verifies(access) {
		t.Error("a session was ended all the same")
	}
	for name, cfg := range map[string]admin.Config{"no token": {OAuth: true}, "no OAuth": {Token: adminToken}} {
		a := s.listener(cfg)
		if r := s.administer(a, "POST", "/oauth/revoke", "token=x"); r.Status != 404 {
			t.Errorf("%s: %d", name, r.Status)
		}
	}
	if r := s.administer(s.listener(admin.Config{}), "GET", "/sessions", ""); r.Status != 404 {
		t.Errorf("switched off: %d", r.Status)
	}
}

func TestIntrospectionAsRFC7662HasIt(t *testing.T) {
	s := openShop(t)
	pair := s.login()
	access, refresh := pair.Access, pair.Refresh
	introspect := func(token string) map[string]any {
		r := s.administer(s.api(), "POST", "/oauth/introspect", url.Values{"token": {token}}.Encode(),
			"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("billing:"+adminToken)))
		var answer map[string]any
		if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || r.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s: %v", r.Status, r.Body, err)
		}
		delete(answer, "sid")
		return answer
	}
	now := float64(s.clock.Now().Unix())
	for name, row := range map[string]struct {
		token string
		want  map[string]any
	}{
		"access":  {access, map[string]any{"active": true, "token_type": "Bearer", "sub": "2", "username": "alice", "iat": now, "exp": now + 864000}},
		"refresh": {refresh, map[string]any{"active": true, "token_type": "refresh_token", "sub": "2", "username": "alice", "iat": now, "exp": now + 2592000}},
		"garbage": {"x", map[string]any{"active": false}},
		"forged":  {access + "x", map[string]any{"active": false}},
	} {
		if got := introspect(row.token); fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s: got %v, want %v", name, got, row.want)
		}
	}
}

func TestRevocationAsRFC7009HasIt(t *testing.T) {
	s := openShop(t)
	pair := s.login()
	access, refresh := pair.Access, pair.Refresh
	for _, token := range []string{"garbage", refresh, refresh, access} { // 200 each time, section 2.2
		if r := s.administer(s.api(), "POST", "/oauth/revoke", "token="+token+"&token_type_hint=refresh_token"); r.Status != 200 {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	}
	if got := [2]bool{s.verifies(access), s.refreshes(refresh)}; got != [2]bool{} {
		t.Errorf("afterwards: %v", got)
	}
}

func TestOperatorsCreateAndInspectTokens(t *testing.T) {
	s := openShop(t)
	a := s.api()
	const asJSON = "Content-Type: application/json"
	if r := s.administer(a, "POST", "/tokens", `{"user_id":2}`, asJSON); r.Status != 409 {
		t.Errorf("without a fingerprint: %d %s", r.Status, r.Body)
	}
	for _, row := range [][2]string{{"given", `{"user_id":2,"fingerprint":"fp-alice-1","login":"alice"}`}, {"known by now", `{"user_id":2}`}} {
		name, body := row[0], row[1]
		r := s.administer(a, "POST", "/tokens", body, asJSON)
		var pair struct {
			Session, AccessToken, RefreshToken string
		}
		if err := json.Unmarshal([]byte(strings.NewReplacer("access_token", "AccessToken", "refresh_token", "RefreshToken").Replace(r.Body)), &pair); err != nil || r.Status != 201 {
			t.Fatalf("%s: %d %s", name, r.Status, r.Body)
		}
		if access, err := s.authority.Verify(pair.AccessToken); err != nil || access.UserID != 2 {
			t.Errorf("%s: the access token: %+v %v", name, access, err)
		}
		r = s.administer(a, "POST", "/tokens/inspect", `{"token":"`+pair.AccessToken+`"}`, asJSON)
		if r.Status != 200 || !strings.HasPrefix(r.Body, `{"good":true,"kind":"access"`) || !strings.Contains(r.Body, `"session_id":"`+pair.Session+`"`) {
			t.Errorf("%s: inspected: %d %s", name, r.Status, r.Body)
		}
		if !s.refreshes(pair.RefreshToken) {
			t.Errorf("%s: the refresh token is not valid", name)
		}
	}
	if r := s.administer(a, "POST", "/tokens/inspect", `{"token":"a.b.c"}`, asJSON); r.Status != 200 || !strings.HasPrefix(r.Body, `{"good":false,"kind":"access","rejection":"malformed"`) {
		t.Errorf("garbage: %d %s", r.Status, r.Body)
	}
	for _, body := range []string{"", "[]", `{"user":"2"}`, `{"user":0}`, `{"usr":2}`, `{"token":""}`} {
		for _, target := range []string{"/tokens", "/tokens/inspect"} {
			if r := s.administer(a, "POST", target, body, asJSON); r.Status != 400 {
				t.Errorf("%s %s: %d %s", target, body, r.Status, r.Body)
			}
		}
	}
}

// Attack: a page of another site lets the operator's browser send requests, to which it cannot add the header Authorization.
func TestRequestsWithoutATokenLockNoOperatorOut(t *testing.T) {
	s := openShop(t)
	a := s.listener(admin.Config{Token: adminToken})
	for i := range 30 {
		if got := s.administer(a, "GET", "/sessions", "", "Authorization: "); got.Status != http.StatusUnauthorized {
			t.Errorf("request %d without a token: %d", i, got.Status)
		}
	}
	if got := s.administer(a, "GET", "/sessions", ""); got.Status != http.StatusOK {
		t.Errorf("the right token afterwards: %d", got.Status)
	}
	if n := strings.Count(s.log.String(), "administration refused"); n != 10 {
		t.Errorf("the log says it %d times", n)
	}
}

// Attack: DNS rebinding, and guessing the token.
func TestTheListenerChecksItsNameAndLimitsWrongTokens(t *testing.T) {
	s := openShop(t)
	a := s.listener(admin.Config{Token: adminToken, Hosts: []string{"metrics.internal"}})
	for _, path := range []string{"/metrics", "/healthz", "/servez", "/readyz", "/sessions"} {
		for host, known := range map[string]bool{"evil.example": false, "metrics.internal:9090": true, "127.0.0.1:9090": true} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			r.Header.Set("Authorization", "Bearer "+adminToken)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if got := w.Code != http.StatusMisdirectedRequest; got != known {
				t.Errorf("%s of %s: %d", path, host, w.Code)
			}
		}
	}
	for i := range 11 {
		want := http.StatusUnauthorized
		if i == 10 {
			want = http.StatusTooManyRequests
		}
		if got := s.administer(a, "GET", "/sessions", "", "Authorization: Bearer wrong"); got.Status != want {
			t.Errorf("wrong token %d: %d", i, got.Status)
		}
	}
	if got := s.administer(a, "GET", "/sessions", "", "Authorization: Bearer wrong"); got.Header.Get("Retry-After") != "61" {
		t.Errorf("Retry-After %s", got.Header.Get("Retry-After"))
	}
	// Behind a proxy all operators have one address.
	if got := s.administer(a, "GET", "/sessions", ""); got.Status != http.StatusOK {
		t.Errorf("the right token meanwhile: %d", got.Status)
	}
	if got := s.administer(a, "GET", "/sessions", "", "Authorization: Bearer wrong"); got.Status != http.StatusTooManyRequests {
		t.Errorf("a wrong token after the right one: %d", got.Status)
	}
	if n := strings.Count(s.log.String(), "administration refused"); n != 10 {
		t.Errorf("the log says it %d times", n)
	}
	s.clock.Advance(time.Minute)
	if got := s.administer(a, "GET", "/sessions", "", "Authorization: Bearer wrong"); got.Status != http.StatusUnauthorized {
		t.Errorf("a wrong token later: %d", got.Status)
	}
}
