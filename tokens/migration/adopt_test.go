package migration_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
)

func TestWhichRefreshTokensAreForeign(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	for text, want := range map[string]bool{
		foreign: true, foreign[1:]: true, foreign[:32]: true, "8c6d2f3a-77aa-4bcd-9d3e-0a1b2c3d4e5f": true, "~!x@ $%^ é.ö.{} y&*()": true, // filters make them in any form
		w.login(a).Refresh: false, w.login(a).Access: false, "": false, foreign + "\n": false, foreign[:15]: false, "undefined": false,
		strings.Repeat("x", 512): true, strings.Repeat("x", 513): false, strings.Repeat("x", 20) + "\xff": false,
	} {
		if got := migration.Foreign(a, text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestAForeignTokenBecomesOneSessionForAllTabs(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		one, other := w.authority(), w.authority()
		from := &plugin{w: w}
		pairs := make([]tokens.Pair, 20)
		var tabs sync.WaitGroup
		for i := range pairs {
			a := one
			if i%2 > 0 {
				a = other
			}
			tabs.Go(func() {
				pair, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from)
				if err != nil {
					t.Error(err)
				}
				pairs[i] = pair
			})
		}
		tabs.Wait()
		for _, p := range pairs {
			if p.Refresh != pairs[0].Refresh || p.Session != pairs[0].Session {
				t.Errorf("tabs diverge: %s and %s", p.Session, pairs[0].Session)
			}
			w.accessIs(other, p.Access, nil)
		}
		if n := from.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		w.refresh(one, pairs[0].Refresh)
	})
}

func TestAForeignTokenThatCameAgain(t *testing.T) {
	for name, row := range map[string]struct {
		policy tokens.LostAnswer
		used   bool // the session's second generation
		later  time.Duration
		want   error
	}{
		"within the grace, after the session was refreshed":        {tokens.UntilUsed, true, 29 * time.Second, nil},
		"a day later, because the answer was lost":                 {tokens.UntilUsed, false, 24 * time.Hour, nil},
		"a day later, after the session was refreshed":             {tokens.UntilUsed, true, 24 * time.Hour, tokens.Reused},
		"a day later, where a lost answer is never repeated":       {tokens.Never, false, 24 * time.Hour, tokens.Reused},
		"a day later, by a client that never stores the new token": {tokens.Always, false, 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(func(c *tokens.Config) { c.LostAnswer = row.policy })
			from := &plugin{w: w}
			first := w.adopt(a, from)
			if row.used {
				w.refresh(a, first.Refresh)
			}
			w.clock.Advance(row.later)
			again, _, err := migration.New(a, false).Refresh(context.Background(), foreign, thief, from)
			if !errors.Is(err, row.want) {
				t.Fatalf("%v, want %v", err, row.want)
			}
			if err == nil && again.Session != first.Session {
				t.Error("it became a second session")
			}
			if row.want != nil {
				w.refreshIs(a, first.Refresh, tokens.Ended)
			}
			if n := from.asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestAForeignTokenOfASessionThatEnded(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	from := &plugin{w: w}
	pair := w.adopt(a, from)
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from); !errors.Is(err, tokens.Ended) {
		t.Errorf("%v", err)
	}
}

func TestAClientThatLeavesDoesNotLoseItsToken(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	ctx, leave := context.WithCancel(context.Background())
	_, _, err := migration.New(a, false).Refresh(ctx, foreign, phone, &plugin{w: w, during: leave})
	if err != nil {
		t.Error(err)
	}
	from := &plugin{w: w}
	w.adopt(a, from)
	if from.asked.Load() != 0 {
		t.Error("it was asked about twice")
	}
}

func TestAFailoverAfterThePluginSpentATokenLosesNoCustomer(t *testing.T) {
	for name, passing := range map[string]int64{"as what ended is read": 0, "as the session is written": 1} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			store := &failing{}
			w.rdb.AddHook(store)
			from := &plugin{w: w, during: func() { store.begin(passing, 2) }}
			pair := w.adopt(a, from)
			w.refresh(a, pair.Refresh)
			w.adopt(a, from) // as another tab
			if n := from.asked.Load(); n != 1 || store.failed() != 2 || len(w.list(a)) != 1 {
				t.Errorf("asked %d times, %d commands failed, %d sessions", n, store.failed(), len(w.list(a)))
			}
		})
	}
}

func TestAForeignTokenEndsWithWhatEndedItsUser(t *testing.T) {
	for name, end := range map[string]func(*tokens.Authority) error{
		"a new password": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, "fp-alice-0", tokens.CauseAccount)
			return err
		},
		"a logout by another token of the plugin": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
			return err
		},
		"an operator who ended the user's sessions": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
			return err
		},
		"an operator who ended all sessions": func(a *tokens.Authority) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				w.must(end(w.authority()))
				w.clock.Advance(24 * time.Hour)
				from := &plugin{w: w}
				pair, _, err := migration.New(w.authority(), false).Refresh(context.Background(), foreign, phone, from)
				if !errors.Is(err, tokens.Ended) || pair != (tokens.Pair{}) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestTheEndOfOneUserLeavesTheForeignTokensOfAnother(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	_, err := a.EndUser(context.Background(), alice.UserID+1, "", tokens.CauseAdmin)
	w.must(err)
	from := &plugin{w: w}
	w.adopt(a, from)
}

func TestAClaimSurvivesALostAnswer(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(&disturbed{twice: "evalsha"}) // as the client does by itself when a connection breaks
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	from := &plugin{w: w}
	if _, _, err := migration.New(a, false).Refresh(ctx, foreign, phone, from); err != nil || from.asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, from.asked.Load())
	}
}

func TestASpentForeignTokenThatRedisDoesNotStoreIsAnswered(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(&disturbed{failing: "set"})
	from := &plugin{w: w}
	w.refresh(a, w.adopt(a, from).Refresh)
}

func TestAForeignTokenIsNotAskedAboutWhileRedisIsAway(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.must(w.rdb.Close())
	from := &plugin{w: w}
	if _, _, err := migration.New(a, false).Refresh(context.Background(), foreign, phone, from); !errors.Is(err, tokens.ErrUnavailable) || from.asked.Load() != 0 {
		t.Errorf("%v, asked %d times", err, from.asked.Load())
	}
}

func TestNoForeignTokenCanBeReadFromRedis(t *testing.T) {
	w := embedded(t)
	from := &plugin{w: w}
	w.adopt(w.authority(), from)
	keys, err := w.rdb.Keys(context.Background(), "*").Result()
	w.must(err)
	for _, k := range keys {
		if strings.Contains(k, foreign[:16]) {
			t.Errorf("it is in %s", k)
		}
	}
}
