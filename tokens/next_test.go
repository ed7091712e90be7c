package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

// next is an authority after a change of settings.
func (w *world) next(a *tokens.Authority, changes ...func(*tokens.Config)) *tokens.Authority {
	w.Helper()
	cfg := tokens.Config{Issuer: tokenstest.Issuer, Keys: []keys.Key{tokenstest.Key(w, "k1")}}
	for _, change := range changes {
		change(&cfg)
	}
	b, err := a.Next(cfg)
	w.must(err)
	return b
}

func remembering(c *tokens.Config) { c.VerifiedCache = 100 }

func TestWhatTheNextAuthorityRefusesTheOneBeforeStillServes(t *testing.T) {
	other := tokenstest.Key(t, "k2")
	for name, row := range map[string]struct {
		change func(*tokens.Config)
		want   error
	}{
		"its key is gone":         {withKeys(other), tokens.UnknownKey},
		"its key retired":         {withKeys(other, tokenstest.Key(t, "k1").RetireAt(time.Unix(1, 0))), tokens.UnknownKey},
		"its key is listed again": {withKeys(tokenstest.Key(t, "k1")), nil},
		"it is for nobody":        {func(c *tokens.Config) { c.Audience = "somebody" }, tokens.WrongAudience},
		"its issuer is gone":      {func(c *tokens.Config) { c.Issuer = "https://elsewhere.example" }, tokens.WrongIssuer},
		"nothing is different":    {func(*tokens.Config) {}, nil},
		"revocations are old": {func(c *tokens.Config) {
			c.Audience, c.OnStale, c.MaxStaleness = "", tokens.Deny, time.Minute
		}, tokens.Stale},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(remembering)
			pair := w.login(a, alice)
			w.accessIs(a, pair.Access, nil) // and is remembered
			b := w.next(a, remembering, row.change)
			b.TakeOver()
			w.accessIs(b, pair.Access, row.want)
			w.accessIs(a, pair.Access, nil)
			w.accessIs(b, pair.Access, row.want)
		})
	}
}

func TestTheNextAuthorityKnowsWhatWasRevokedBefore(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair, late := w.login(a, alice), w.login(a, alice)
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	b := w.next(a)
	w.accessIs(b, pair.Access, tokens.Revoked)
	w.must(a.EndSession(context.Background(), late.Session, tokens.CauseLogout)) // in flight, under the one before
	w.accessIs(b, late.Access, tokens.Revoked)
}

func TestTheNextAuthorityIssuesByItsSettings(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	b := w.next(a, func(c *tokens.Config) { c.AccessTTL, c.RefreshTTL = 15*time.Minute, time.Hour })
	b.TakeOver()
	pair, before := w.login(b, alice), w.login(a, alice)
	now := w.clock.Now()
	got := [3]time.Duration{pair.AccessExpiry.Sub(now), pair.RefreshExpiry.Sub(now), before.AccessExpiry.Sub(now)}
	if want := [3]time.Duration{15 * time.Minute, time.Hour, 240 * time.Hour}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
	w.refresh(b, before.Refresh)
}

func TestRefreshTokensSurviveAnotherSecretInFront(t *testing.T) {
	w := embedded(t)
	secrets := func(all ...string) func(*tokens.Config) {
		return func(c *tokens.Config) {
			for _, s := range all {
				c.RefreshSecrets = append(c.RefreshSecrets, []byte(strings.Repeat(s, 32)))
			}
		}
	}
	a := w.authority(secrets("a"))
	pair, other := w.login(a, alice), w.login(a, alice)
	both := w.next(a, secrets("b", "a"))
	pair = w.refresh(both, pair.Refresh)
	last := w.next(both, secrets("b"))
	w.refresh(last, pair.Refresh)
	w.refreshIs(last, other.Refresh, tokens.UnknownKey)
}

// A longer lifetime is told to others with the first token, so that no gateway forgets revocations too early.
func TestANewLifetimeIsNotedAtOnce(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.login(a, alice)
	b := w.next(a, func(c *tokens.Config) { c.AccessTTL = 365 * 24 * time.Hour })
	b.TakeOver()
	w.login(b, alice)
	noted, err := w.rdb.ZRange(context.Background(), "cocart:lifetimes", 0, -1).Result()
	w.must(err)
	if got := fmt.Sprint(noted); !strings.Contains(got, "31536000000") {
		t.Errorf("noted are %s", got)
	}
}

// An app that repeats a refused refresh for ever takes no turn of those that note the lifetime.
func TestARequestThatNotesNoLifetimeLeavesThatToTheNext(t *testing.T) {
	longer := func(c *tokens.Config) { c.AccessTTL = 365 * 24 * time.Hour }
	onEachStore(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		for what, fails := range map[string]func(a *tokens.Authority, ended tokens.Pair){
			"a refused refresh": func(a *tokens.Authority, ended tokens.Pair) { w.refreshIs(a, ended.Refresh, tokens.Ended) },
			"a login that Redis refused": func(a *tokens.Authority, _ tokens.Pair) {
				w.must(w.rdb.Set(ctx, "cocart:u:2", "of another type", 0).Err())
				if _, err := a.Issue(ctx, alice, phone); !errors.Is(err, tokens.ErrUnavailable) {
					t.Errorf("the login: %v", err)
				}
				w.must(w.rdb.Del(ctx, "cocart:u:2").Err())
			},
		} {
			a := w.authority()
			ended := w.login(a, alice)
			w.must(a.EndSession(ctx, ended.Session, tokens.CauseLogout))
			b := w.authority(longer)
			fails(b, ended)
			w.must(w.rdb.Del(ctx, "cocart:lifetimes").Err())
			w.login(b, alice)
			if n := w.rdb.ZCard(ctx, "cocart:lifetimes").Val(); n != 1 {
				t.Errorf("%s: %d lifetimes are noted", what, n)
			}
		}
	})
}

func TestMetricsGoOnAfterAChangeOfSettings(t *testing.T) {
	w, reg := embedded(t), prometheus.NewRegistry()
	a, err := tokens.New(tokens.Config{Issuer: tokenstest.Issuer, Keys: []keys.Key{tokenstest.Key(t, "k1")}, Now: w.clock.Now}, w.rdb, reg)
	w.must(err)
	w.login(a, alice)
	w.login(w.next(a), alice)
	want := "# HELP cocart_gateway_sessions_started_total Sessions started by a login.\n# TYPE cocart_gateway_sessions_started_total counter\ncocart_gateway_sessions_started_total 2\n"
	if err := testutil.GatherAndCompare(reg, bytes.NewBufferString(want), "cocart_gateway_sessions_started_total"); err != nil {
		t.Error(err)
	}
}

func TestSettingsThatAreRefusedChangeNothing(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.login(a, alice)
	if b, err := a.Next(tokens.Config{Issuer: "i", AccessTTL: -1}); b != nil || err == nil || !strings.Contains(err.Error(), "none can sign") || !strings.Contains(err.Error(), "access lifetime") {
		t.Errorf("%v", err)
	}
	w.accessIs(a, pair.Access, nil)
}

// Shoppers verify and refresh, and one Run follows the revocations, while settings are exchanged.
func TestSettingsChangeUnderLoad(t *testing.T) {
	w := embedded(t)
	old, new := tokenstest.Key(t, "k1"), tokenstest.Key(t, "k2")
	first := w.authority(withKeys(old), remembering)
	tokenstest.Follow(t, first)
	var mu sync.Mutex
	current := first
	inForce := func() *tokens.Authority { mu.Lock(); defer mu.Unlock(); return current }
	var shoppers sync.WaitGroup
	for user := range 4 {
		pair := w.login(first, tokens.Identity{UserID: int64(user + 1)})
		shoppers.Go(func() {
			for range 50 {
				a := inForce()
				if _, err := a.Verify(pair.Access); err != nil {
					t.Errorf("verify: %v", err)
				}
				var err error
				if pair, _, err = a.Refresh(t.Context(), pair.Refresh, phone); err != nil {
					t.Errorf("refresh: %v", err)
					return
				}
			}
		})
	}
	for i := range 20 {
		both := [][]keys.Key{{old, new}, {new, old}}[i%2]
		b := w.next(inForce(), withKeys(both...), remembering)
		b.TakeOver()
		mu.Lock()
		current = b
		mu.Unlock()
	}
	shoppers.Wait()
	gone := w.login(inForce(), alice)
	other := w.authority(withKeys(old, new))
	w.must(other.EndSession(t.Context(), gone.Session, tokens.CauseAdmin))
	w.must(inForce().CatchUp(t.Context()))
	w.accessIs(inForce(), gone.Access, tokens.Revoked)
}
