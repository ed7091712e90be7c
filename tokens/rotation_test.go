package tokens_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

func policy(p tokens.LostAnswer) func(*tokens.Config) {
	return func(c *tokens.Config) { c.LostAnswer = p }
}

func TestTheCurrentTokenRotates(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		w.clock.Advance(time.Hour)
		second := w.refresh(a, first.Refresh)
		if second.Refresh == first.Refresh || second.Access == first.Access || second.Session != first.Session {
			t.Errorf("a refresh gave %+v after %+v", second, first)
		}
		if !second.RefreshExpiry.Equal(w.clock.Now().Add(720 * time.Hour)) {
			t.Errorf("the new refresh token expires %v", second.RefreshExpiry)
		}
		w.accessIs(a, second.Access, nil)
	})
}

func TestThePreviousAccessTokenLivesForTheGraceAndNoLonger(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(), w.authority()
		first := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		w.catchUp(other)
		w.clock.Advance(30*time.Second - time.Millisecond)
		for _, gateway := range []*tokens.Authority{a, other} {
			w.accessIs(gateway, first.Access, nil)
		}
		w.clock.Advance(time.Millisecond)
		for _, gateway := range []*tokens.Authority{a, other} {
			w.accessIs(gateway, first.Access, tokens.Revoked)
			w.accessIs(gateway, second.Access, nil)
		}
	})
}

func TestParallelRefreshesConverge(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		pairs := make([]tokens.Pair, 50)
		errs := make([]error, len(pairs))
		var clients sync.WaitGroup
		for i := range pairs {
			clients.Go(func() { pairs[i], _, errs[i] = a.Refresh(context.Background(), first.Refresh, phone) })
		}
		clients.Wait()
		for i, pair := range pairs {
			w.must(errs[i])
			if pair.Refresh != pairs[0].Refresh {
				t.Errorf("client %d got another successor", i)
			}
			w.accessIs(a, pair.Access, nil)
		}
		w.refresh(a, pairs[0].Refresh)
	})
}

// Age counts, not ancestry: a grandparent that was itself retired a moment ago is a slow tab.
func TestASlowTabConvergesWithinTheGrace(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		third := w.refresh(a, second.Refresh)
		w.clock.Advance(29 * time.Second)
		if got := w.refresh(a, first.Refresh); got.Refresh != third.Refresh {
			t.Error("the grandparent did not lead to the current token")
		}
	})
}

func TestAnOldTokenGainsNothingFromARotationThatJustHappened(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		w.clock.Advance(31 * time.Second)
		third := w.refresh(a, second.Refresh)
		w.refreshIs(a, first.Refresh, tokens.Reused)
		w.refreshIs(a, third.Refresh, tokens.Ended)
		w.accessIs(a, third.Access, tokens.Revoked)
	})
}

func TestTheParentAfterTheGrace(t *testing.T) {
	for _, row := range []struct {
		name   string
		policy tokens.LostAnswer
		used   bool
		want   error
	}{
		{"until_used: the successor was never used: the answer was lost", tokens.UntilUsed, false, nil},
		{"until_used: the successor was used: a theft", tokens.UntilUsed, true, tokens.Reused},
		{"always: the client never stores the successor", tokens.Always, true, nil},
		{"never: a theft", tokens.Never, false, tokens.Reused},
	} {
		t.Run(row.name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority(policy(row.policy))
				first := w.login(a, alice)
				second := w.refresh(a, first.Refresh)
				if row.used {
					w.use(a, second.Access)
				}
				w.clock.Advance(31 * time.Second)
				w.refreshIs(a, first.Refresh, row.want)
				if row.want == nil {
					w.refreshIs(a, second.Refresh, nil)
				}
			})
		})
	}
}

// use has the access token seen by Verify, and what Verify noted written down by Run.
func (w *world) use(a *tokens.Authority, access string) {
	w.Helper()
	stop := tokenstest.Follow(w, a)
	defer stop()
	w.accessIs(a, access, nil)
}

// The Flutter SDK presents its first refresh token for ever.
func TestAlwaysServesAClientThatNeverStoresTheSuccessor(t *testing.T) {
	w := embedded(t)
	a := w.authority(policy(tokens.Always))
	first := w.login(a, alice)
	for range 10 {
		w.clock.Advance(10 * 24 * time.Hour)
		pair := w.refresh(a, first.Refresh)
		w.accessIs(a, pair.Access, nil)
	}
}

func TestReuseEndsTheSessionEverywhere(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(), w.authority()
		first := w.login(a, alice)
		bystander := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		w.clock.Advance(31 * time.Second)
		third := w.refresh(a, second.Refresh)
		w.refreshIs(other, first.Refresh, tokens.Reused)

		w.catchUp(a)
		for _, gateway := range []*tokens.Authority{a, other} {
			for _, dead := range []tokens.Pair{first, second, third} {
				w.accessIs(gateway, dead.Access, tokens.Revoked)
				w.refreshIs(gateway, dead.Refresh, tokens.Ended)
			}
			w.accessIs(gateway, bystander.Access, nil)
		}
	})
}

func TestIdleLimit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		w.clock.Advance(720*time.Hour - time.Millisecond)
		pair = w.refresh(a, pair.Refresh)
		w.clock.Advance(720 * time.Hour)
		w.refreshIs(a, pair.Refresh, tokens.Expired)
	})
}

func TestAbsoluteLimit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority(func(c *tokens.Config) { c.SessionTTL = 1000 * time.Hour })
		end := w.clock.Now().Add(1000 * time.Hour)
		pair := w.login(a, alice)
		w.clock.Advance(700 * time.Hour)
		pair = w.refresh(a, pair.Refresh)
		w.clock.Advance(200 * time.Hour)
		pair = w.refresh(a, pair.Refresh)
		if !pair.RefreshExpiry.Equal(end) || !pair.AccessExpiry.Equal(end) {
			t.Errorf("tokens expire %v and %v, the session ends %v", pair.AccessExpiry, pair.RefreshExpiry, end)
		}
		w.clock.Advance(100 * time.Hour)
		w.refreshIs(a, pair.Refresh, tokens.Expired)
	})
}

// A client in a hurry is told the current token again rather than made to look like a thief.
func TestMoreRotationsThanTheListHoldsEndNoSession(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		pair := first
		for range 40 {
			pair = w.refresh(a, pair.Refresh)
		}
		if got := w.refresh(a, first.Refresh); got.Refresh != pair.Refresh {
			t.Error("the slowest tab did not lead to the current token")
		}
		w.clock.Advance(31 * time.Second)
		if got := w.refresh(a, pair.Refresh); got.Refresh == pair.Refresh {
			t.Error("after the grace the current token did not rotate")
		}
	})
}

// A clock that is set back must not make a young token old, nor stop a rotation.
func TestAClockThatIsSetBackLogsNobodyOut(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		second := w.refresh(a, first.Refresh)
		w.clock.Advance(-20 * time.Second)
		if got := w.refresh(a, first.Refresh); got.Refresh != second.Refresh {
			t.Error("a slow tab did not converge")
		}
		third := w.refresh(a, second.Refresh)
		w.accessIs(a, third.Access, nil)
		w.accessIs(a, second.Access, nil)
	})
}
