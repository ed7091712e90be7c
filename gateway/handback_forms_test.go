package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// A filter of the shop's may make the plugin's refresh tokens in any form.
func TestARefreshTokenOfAnotherFormArrivesWhole(t *testing.T) {
	const odd = "8<j&k~%+ 'x\"é.\\ö!"
	s := openShopGoingBack(t)
	issue := s.wordpress.OldPair
	s.wordpress.OldPair = func(u upstreamtest.User) (access, refresh string) {
		access, _ = issue(u)
		return access, odd
	}
	if _, refresh := s.login(); refresh != odd {
		t.Errorf("a login: %q", refresh)
	}
	r := s.post("/wp-json/cocart/jwt/token", `{"username":"alice","password":"wonderland-1"}`)
	if _, refresh := r.pair(t); refresh != odd {
		t.Errorf("a login under its alias: %q", refresh)
	}
	_, ours := s.fromBefore()
	if _, refresh := s.refresh(ours).pair(t); refresh != odd {
		t.Errorf("a refresh: %q", refresh)
	}
	text, err := json.Marshal(map[string]string{"refresh_token": odd})
	s.must(err)
	if access, _ := s.post("/wp-json/cocart/jwt/refresh-token", string(text)).pair(t); !byPlugin(access) {
		t.Error("it was not passed on")
	}
}

// An app would store an empty token over its good one.
func TestAnAnswerOfTheOldPluginWithoutTokensIsNoPair(t *testing.T) {
	for name, pair := range map[string][2]string{"neither": {}, "no access token": {"", oldRefresh(7)}, "no refresh token": {"a.new.token", ""}} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t)
			s.wordpress.OldPair = func(upstreamtest.User) (access, refresh string) { return pair[0], pair[1] }
			if r := s.refresh(oldRefresh(1)); r.Status != 502 || strings.Contains(r.Body, `"token"`) {
				t.Errorf("%d %s", r.Status, r.Body)
			}
		})
	}
}

// compat.hand_back may be on before the plugin is active.
func TestARefreshTokenWaitsForTheOldPlugin(t *testing.T) {
	s := openShopGoingBack(t)
	known := s.wordpress.OldRefresh
	s.wordpress.OldRefresh = nil
	if r := s.refresh(oldRefresh(1)); r.Status != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.Body, "cocart_gateway_not_handed_back") {
		t.Errorf("%d %v %s", r.Status, r.Header, r.Body)
	}
	s.wordpress.OldRefresh = known
	if access, _ := s.refresh(oldRefresh(1)).pair(t); !byPlugin(access) {
		t.Error("it is not good afterwards")
	}
}
