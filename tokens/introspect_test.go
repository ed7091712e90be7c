package tokens_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

func (w *world) introspection(a *tokens.Authority, token string) tokens.Introspection {
	w.Helper()
	got, err := a.Introspect(context.Background(), token)
	w.must(err)
	return got
}

func TestIntrospectionOfGoodTokens(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		now := time.Unix(w.clock.Now().Unix(), 0)
		want := tokens.Introspection{Active: true, UserID: 2, Login: "alice", Session: pair.Session, IssuedAt: now, Expiry: pair.AccessExpiry}
		if got := w.introspection(a, pair.Access); got != want {
			t.Errorf("access token: got %+v, want %+v", got, want)
		}
		got := w.introspection(a, pair.Refresh)
		if !got.IssuedAt.Equal(w.clock.Now()) || !got.Expiry.Equal(pair.RefreshExpiry) {
			t.Errorf("times of the refresh token: %+v", got)
		}
		got.IssuedAt, got.Expiry = time.Time{}, time.Time{}
		if want := (tokens.Introspection{Active: true, Refresh: true, UserID: 2, Login: "alice", Session: pair.Session}); got != want {
			t.Errorf("refresh token: got %+v, want %+v", got, want)
		}
		w.refresh(a, pair.Refresh) // it was not used up
	})
}

func TestIntrospectionOfTokensThatAreNotActive(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	first := w.login(a, alice)
	second := w.refresh(a, first.Refresh)
	ended := w.login(a, alice)
	w.must(a.EndSession(context.Background(), ended.Session, tokens.CauseLogout))
	for name, token := range map[string]string{
		"garbage": "x", "like a JWT": "a.b.c", "like a refresh token": strings.Repeat("0", 128), "spent": first.Refresh,
		"of an ended session": ended.Refresh, "its access token": ended.Access,
	} {
		if got := w.introspection(a, token); got != (tokens.Introspection{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	w.clock.Advance(31 * 24 * time.Hour)
	for _, token := range []string{second.Access, second.Refresh} {
		if got := w.introspection(a, token); got.Active {
			t.Errorf("expired: %+v", got)
		}
	}
}

func TestIntrospectionSaysWhenItCannotTell(t *testing.T) {
	w := embedded(t)
	stale := w.authority(func(c *tokens.Config) { c.MaxStaleness, c.OnStale = time.Minute, tokens.Deny })
	pair := w.login(w.authority(), alice)
	if _, err := stale.Introspect(context.Background(), pair.Access); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("with a view that was never read: %v", err)
	}
}
