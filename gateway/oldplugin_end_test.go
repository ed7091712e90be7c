package gateway_test

import (
	"net/http"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/upstream/upstreamtest"
)

// Who has guessed the secret of the old plugin can make a token for anybody, but
// not its PAT: WordPress refuses it, and it ends nothing.
func TestALogoutThatWordPressRefusesEndsNothing(t *testing.T) {
	for name, status := range map[string]int{"a PAT that the plugin forgot": 401, "WordPress in maintenance": 503} {
		t.Run(name, func(t *testing.T) {
			s := openOldShop(t)
			access := s.oldAccess(nil)
			made := s.oldAccess(func(c jwt.MapClaims) {
				c["data"] = map[string]any{"user": map[string]any{"id": 2, "pat": "pat_made_up"}}
			})
			if status != 401 {
				s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
					upstreamtest.JSON(w, status, `{}`)
					return true
				}
			}
			for _, target := range []string{"/wp-json/cocart/v2/logout", "/wp-json/cocart/jwt/logout"} {
				if r := s.post(target, "", "Authorization: Bearer "+made); r.Status != status {
					t.Errorf("logout: %d %s", r.Status, r.Body)
				}
			}
			s.wordpress.Answer = nil
			if r := s.cart(access); r.Status != 200 {
				t.Errorf("the customer was logged out: %d %s", r.Status, r.Body)
			}
			s.refresh(oldRefresh(1)).pair(t)
		})
	}
}

func TestARefreshTokenOfTheOldPluginEndsWithANewPassword(t *testing.T) {
	s := openOldShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("X-CoCart-Gateway-Ended", s.wordpress.Sign("cocart-ended+jwt", r.Header.Get("X-CoCart-Gateway"),
			map[string]any{"sub": "2", "fp": "fp-alice-0", "reason": "changed"}))
		return false
	}
	s.do("POST", "/my-account/lost-password/", "")
	s.wordpress.Answer = nil
	if got, want := s.refresh(oldRefresh(1)).failure(), failure(401, "cocart_authentication_error", "Invalid refresh token."); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
