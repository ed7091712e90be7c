package gateway_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// leaves sends a request whose client has hung up before anything of it is done.
func (s *shop) leaves(target, body string, headers ...string) {
	s.t.Helper()
	ctx, leave := context.WithCancel(s.t.Context())
	leave()
	req := httptest.NewRequestWithContext(ctx, "POST", target, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	defer func() {
		if thrown := recover(); thrown != nil && thrown != http.ErrAbortHandler { // the connection is cut
			panic(thrown)
		}
	}()
	s.Config.Handler.ServeHTTP(httptest.NewRecorder(), req)
}

// Apps log out and hang up: a page that is closed, a request without a reader.
func TestALogoutCountsThoughItsClientHasLeft(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	old := s.oldAccess(nil)
	for _, token := range []string{access, old} {
		s.leaves("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+token)
		if got := s.wordpress.Last(); got.Target != "/wp-json/cocart/v2/logout" || got.Claims.Kind != "customer" {
			t.Errorf("WordPress was not asked: %s as %s", got.Target, got.Claims.Kind)
		}
	}
	if ours, olds, again := s.cart(access), s.cart(old), s.refresh(refresh); ours.Status != 401 || olds.Status != 401 || again.Status != 401 {
		t.Errorf("the cart: %d, with a token of the plugin: %d, a refresh: %d", ours.Status, olds.Status, again.Status)
	}
}

func TestAClientThatLeftIsNoFailureOfOurs(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.leaves("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`)
	s.leaves("/wp-json/cocart/v2/cart?_method=GET", "{}", "Authorization: Bearer "+access+"x")
	s.leaves("/wp-json/cocart/v2/cart/add-item", "{}", "Authorization: Bearer "+access)
	if got := s.wordpress.Last(); got.Target != "/wp-json/cocart/v2/cart/add-item" || got.Body != "{}" { // it acts
		t.Errorf("WordPress got %s with %q", got.Target, got.Body)
	}
	for i, line := range s.lines("request")[1:] {
		if want := []float64{499, 401, 200}[i]; line["status"] != want || line["level"] != "INFO" {
			t.Errorf("%v", line)
		}
	}
}
