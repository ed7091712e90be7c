package tokens_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
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

// A session that is handed back ends for its app, whose other requests may be on their way.
func TestASessionEndsWithGrace(t *testing.T) {
	w, ctx := embedded(t), context.Background()
	own := redis.NewClient(w.rdb.(*redis.Client).Options())
	t.Cleanup(func() { own.Close() })
	b := &breaking{at: -1}
	own.AddHook(b)
	a := tokenstest.Authority(w, own, w.clock)
	pair, over := w.login(a, alice), w.login(a, alice)
	w.must(a.EndSession(ctx, over.Session, tokens.CauseLogout))
	for range 2 { // again: a repeated command
		w.must(a.EndWithGrace(ctx, pair.Session, tokens.CauseHandedBack))
		w.accessIs(a, pair.Access, nil)
		w.refreshIs(a, pair.Refresh, tokens.Ended)
	}
	w.clock.Advance(time.Minute)
	w.accessIs(a, pair.Access, tokens.Revoked)
	if err := a.EndWithGrace(ctx, over.Session, tokens.CauseHandedBack); err != tokens.Ended {
		t.Errorf("one that was logged out: %v", err)
	}
	if err := a.EndWithGrace(ctx, "nonsense", tokens.CauseHandedBack); err != tokens.Malformed {
		t.Errorf("nonsense: %v", err)
	}
	b.at, b.seen = 0, 0
	if err := a.EndWithGrace(ctx, over.Session, tokens.CauseHandedBack); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("while Redis is away: %v", err)
	}
}
