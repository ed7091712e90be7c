package gateway_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

const refreshRoute = "/wp-json/cocart/jwt/refresh-token"

func TestRefreshRotatesTheToken(t *testing.T) {
	s := openShop(t)
	_, refresh := s.login()
	asked := len(s.wordpress.Seen())
	r := s.refresh(refresh)
	access, successor := r.pair(t)
	if successor == refresh || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("not rotated, or cacheable: %v", r.Header)
	}
	if len(s.wordpress.Seen()) != asked {
		t.Error("WordPress was asked")
	}
	if got := s.cart(access); got.Status != 200 {
		t.Errorf("the new access token: %d %s", got.Status, got.Body)
	}
}

func TestRefreshTakesTheTokenWhereWordPressDoes(t *testing.T) {
	const jsonType, formType = "Content-Type: application/json", "Content-Type: application/x-www-form-urlencoded"
	for name, send := range map[string]struct{ query, body, contentType string }{
		"JSON":                 {"", `{"refresh_token":"T"}`, jsonType},
		"form":                 {"", "refresh_token=T", formType},
		"query":                {"?refresh_token=T", "", jsonType},
		"JSON beats query":     {"?refresh_token=x", `{"refresh_token":"T"}`, jsonType},
		"form beats query":     {"?refresh_token=x", "refresh_token=T", formType},
		"PHP's spelling":       {"?refresh.token=T", "", jsonType},
		"the last of several":  {"?refresh_token=x&refresh_token=T", "", jsonType},
		"null in JSON is none": {"?refresh_token=T", `{"refresh_token":null}`, jsonType},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			_, refresh := s.login()
			fill := strings.NewReplacer("T", refresh)
			s.do("POST", refreshRoute+fill.Replace(send.query), fill.Replace(send.body), send.contentType).pair(t)
		})
	}
}

func TestRefreshDoesNotLookAtTheAuthorizationHeader(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	for _, header := range []string{"Bearer " + access, "Bearer garbage", "Bearer a.b.c", "Basic YTpi", ""} {
		_, refresh = s.post(refreshRoute, `{"refresh_token":"`+refresh+`"}`, "Authorization: "+header).pair(t)
	}
}

func TestSpentRefreshTokenIsRefused(t *testing.T) {
	s := openShop(t)
	_, first := s.login()
	_, second := s.refresh(first).pair(t)
	s.clock.step(time.Minute) // beyond the grace for parallel tabs
	access, third := s.refresh(second).pair(t)
	want := failure(401, "cocart_authentication_error", "Invalid refresh token.")
	if got := s.stolen(first).failure(); got != want {
		t.Errorf("spent: %s", got)
	}
	// Another client holds the chain: it ends for both.
	if got := s.refresh(third).failure(); got != want {
		t.Errorf("its successor: %s", got)
	}
	if got := s.cart(access).Status; got != 401 {
		t.Errorf("its access token: %d", got)
	}
}

// A tab in the background presents what another tab of the same browser spent long ago.
func TestATabInTheBackgroundIsNotTakenForAThief(t *testing.T) {
	s := openShop(t)
	_, first := s.login()
	_, second := s.refresh(first).pair(t)
	_, third := s.refresh(second).pair(t)
	s.clock.step(24 * time.Hour)
	access, again := s.refresh(first).pair(t)
	if again != third || s.cart(access).Status != 200 {
		t.Errorf("not the current token")
	}
	if got := s.stolen(first).Status; got != 401 {
		t.Errorf("a thief: %d", got)
	}
}

func TestParallelTabsConverge(t *testing.T) {
	s := openShop(t)
	_, first := s.login()
	_, second := s.refresh(first).pair(t)
	_, again := s.refresh(first).pair(t)
	if again != second {
		t.Error("the second tab got another successor")
	}
}

func TestOddRefreshRequestsAreToldWhatIsWrong(t *testing.T) {
	s := openShop(t)
	missing := failure(400, "cocart_jwt_auth_missing_refresh_token", "Refresh token is required.")
	wrongType := failure(400, "rest_invalid_param", "Invalid parameter(s): refresh_token. It must be a string.")
	noJSON := failure(400, "rest_invalid_json", "Invalid JSON body passed.")
	unknown := failure(401, "cocart_authentication_error", "Invalid refresh token.")
	for name, row := range map[string]struct{ query, body, want string }{
		"no body":          {"", "", missing},
		"blank body":       {"", " \n", missing},
		"empty object":     {"", "{}", missing},
		"empty string":     {"", `{"refresh_token":""}`, missing},
		"null":             {"", `{"refresh_token":null}`, missing},
		"other case":       {"", `{"Refresh_Token":"x"}`, missing},
		"array":            {"", `{"refresh_token":["x"]}`, wrongType},
		"object":           {"", `{"refresh_token":{"x":1}}`, wrongType},
		"number":           {"", `{"refresh_token":12}`, wrongType},
		"true":             {"", `{"refresh_token":true}`, wrongType},
		"array in a query": {"?refresh_token[]=x", "", wrongType},
		"not JSON":         {"", "refresh_token=x", noJSON},
		"half JSON":        {"", `{"refresh_token":"x"`, noJSON},
		"a JSON list":      {"", `["x"]`, noJSON},
		"a BOM":            {"", "\ufeff{}", noJSON},
		"garbage":          {"", `{"refresh_token":"garbage"}`, unknown},
		"right form only":  {"", `{"refresh_token":"` + strings.Repeat("0", 128) + `"}`, unknown},
		"escape in it":     {"", `{"refresh_token":"\u0000"}`, unknown},
	} {
		if got := s.post(refreshRoute+row.query, row.body).failure(); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, row.want)
		}
	}
}

func TestRefreshTokenInAnotherSpellingIsAnother(t *testing.T) {
	s := openShop(t)
	_, refresh := s.login()
	for _, other := range []string{strings.ToUpper(refresh), refresh + " ", " " + refresh, refresh[1:]} {
		if got := s.do("POST", refreshRoute+"?refresh_token="+url.QueryEscape(other), "").Status; got != 401 {
			t.Errorf("%.10q…: %d", other, got)
		}
	}
	s.refresh(refresh).pair(t) // and did the session no harm
}

func TestIdleSessionExpires(t *testing.T) {
	s := openShop(t)
	_, refresh := s.login()
	s.clock.step(31 * 24 * time.Hour)
	if got, want := s.refresh(refresh).failure(), failure(401, "cocart_authentication_error", "Refresh token expired."); got != want {
		t.Errorf("got %s", got)
	}
}

func TestInvalidTokenStatusIsTheOperators(t *testing.T) {
	s := openShop(t, plugin403)
	if got, want := s.refresh("garbage").failure(), failure(403, "cocart_authentication_error", "Invalid refresh token."); got != want {
		t.Errorf("refresh: %s", got)
	}
	if got, want := s.cart("a.b.c").failure(), failure(403, "cocart_authentication_error", "Authentication failed."); got != want {
		t.Errorf("cart: %s", got)
	}
}
