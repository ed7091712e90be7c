package gateway_test

import (
	"strings"
	"testing"
	"time"
)

// What hand-back must not be good for: getting tokens of the plugin that one
// could not get by logging in.
func TestWhoIsNotHandedBack(t *testing.T) {
	for name, spoil := range map[string]func(s *shop, access, refresh string) string{
		"who logged out": func(s *shop, access, refresh string) string {
			s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access)
			return refresh
		},
		"who has another password": func(s *shop, _, refresh string) string {
			s.wordpress.Users[0].Fingerprint = "fp-alice-2"
			return refresh
		},
		"who was deleted": func(s *shop, _, refresh string) string { s.wordpress.Users = nil; return refresh },
		"whose sessions were ended": func(s *shop, _, refresh string) string {
			_, err := s.authority.EndUser(s.t.Context(), 2, "", "admin")
			s.must(err)
			return refresh
		},
		"who changes a digit": func(_ *shop, _, refresh string) string {
			return refresh[:100] + strings.Repeat("0", 28)
		},
		"who invents a token of the plugin": func(*shop, string, string) string { return oldRefresh(99) },
		"who shows an access token":         func(_ *shop, access, _ string) string { return access },
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t)
			access, refresh := s.fromBefore()
			if r := s.refresh(spoil(s, access, refresh)); r.Status != 401 || strings.Contains(r.Body, `"token"`) {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			if r := s.refresh(refresh); name != "who changes a digit" && name != "who invents a token of the plugin" && name != "who shows an access token" && r.Status != 401 {
				t.Errorf("a second time: %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestEndsOfSessionsEndTheTokensTheyWentBackTo(t *testing.T) {
	for name, end := range map[string]func(s *shop, access string){
		"a logout": func(s *shop, access string) { s.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access) },
		"an operator": func(s *shop, _ string) {
			_, err := s.authority.EndUser(s.t.Context(), 2, "", "admin")
			s.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShopGoingBack(t)
			_, refresh := s.fromBefore()
			access, next := s.refresh(refresh).pair(t)
			s.clock.step(time.Second)
			end(s, access)
			if r := s.cart(access); r.Status != 401 {
				t.Errorf("her access token: %d", r.Status)
			}
			if r := s.refresh(next); r.Status != 401 {
				t.Errorf("her refresh token: %d", r.Status)
			}
			s.clock.step(time.Second)
			access, next = s.login()
			if r := s.cart(access); r.Status != 200 {
				t.Errorf("a new login: %d", r.Status)
			}
			s.refresh(next).pair(t)
		})
	}
}

// The old plugin counts in seconds: what it issues in the second of a new password
// looks like what that ended.
func TestALoginInTheSecondOfALogoutIsValid(t *testing.T) {
	s := openShopGoingBack(t)
	_, refresh := s.fromBefore()
	s.clock.step(300 * time.Millisecond)
	_, err := s.authority.EndUser(t.Context(), 2, "fp-alice-0", "account")
	s.must(err)
	s.clock.step(300 * time.Millisecond)
	access, next := s.login()
	if r := s.cart(access); r.Status != 200 {
		t.Errorf("the login: %d %s", r.Status, r.Body)
	}
	for name, token := range map[string]string{"of the login": next, "from before": refresh} {
		access, next := s.refresh(token).pair(t)
		if r := s.cart(access); r.Status != 200 {
			t.Errorf("the session %s: %d %s", name, r.Status, r.Body)
		}
		s.clock.step(time.Second)
		if access, _ := s.refresh(next).pair(t); !byPlugin(access) || s.cart(access).Status != 200 {
			t.Errorf("the session %s does not go back with the next refresh", name)
		}
	}
	if s.metric("cocart_gateway_security_events_total", "not_handed_back") != 0 {
		t.Error("a fault was reported")
	}
}

func TestNoSessionGoesBackWhileTheStoreIsAway(t *testing.T) {
	s := openShopGoingBack(t)
	_, refresh := s.fromBefore()
	s.store.SetError("LOADING")
	if r := s.refresh(refresh); r.Status != 503 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	s.store.SetError("")
	s.refresh(refresh).pair(t)
}
