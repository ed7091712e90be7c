package tokens_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

func TestRevokeEndsTheSessionOfAnyOfItsTokens(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		for name, pick := range map[string]func(first, second tokens.Pair) string{
			"its access token":              func(_, second tokens.Pair) string { return second.Access },
			"its refresh token":             func(_, second tokens.Pair) string { return second.Refresh },
			"the refresh token spent first": func(first, _ tokens.Pair) string { return first.Refresh },
		} {
			first := w.login(a, alice)
			second := w.refresh(a, first.Refresh)
			other := w.login(a, alice)
			if err := a.Revoke(context.Background(), pick(first, second)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			w.accessIs(a, second.Access, tokens.Revoked)
			w.refreshIs(a, second.Refresh, tokens.Ended)
			w.accessIs(a, other.Access, nil)
		}
	})
}

func TestRevokingWhatIsNotGoodIsNoError(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.login(a, alice)
	w.must(a.Revoke(context.Background(), pair.Refresh))
	for name, token := range map[string]string{
		"garbage": "x", "nothing": "", "like a JWT": "a.b.c", "like a refresh token": strings.Repeat("0", 128), "revoked already": pair.Refresh, "its access token": pair.Access,
	} {
		if err := a.Revoke(context.Background(), token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	expired := w.login(a, alice)
	w.clock.Advance(11 * 24 * time.Hour)
	w.must(a.Revoke(context.Background(), expired.Access))
	w.refresh(a, expired.Refresh) // an expired token proves nothing
}
