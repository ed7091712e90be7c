package tokens_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// Redis comes back with a snapshot of before the ends, in which the ended sessions live. A gateway that kept running knows
// them; one that starts afterwards learns of them.
func TestWhatRedisLostIsWrittenBack(t *testing.T) {
	for name, apart := range map[string]bool{"one server": false, "keys apart": true} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority()
				if apart {
					tokens.KeysApart(a)
				}
				ctx := context.Background()
				out, cut, goesOn := w.login(a, alice), w.login(a, tokens.Identity{UserID: 3, Fingerprint: "f"}), w.login(a, alice)
				backOut, backCut := w.snapshot(out.Session), w.snapshot(cut.Session)
				w.must(a.EndSession(ctx, out.Session, tokens.CauseLogout))
				_, err := a.EndUser(ctx, 3, "", tokens.CauseAdmin)
				w.must(err)
				w.catchUp(a)
				w.must(w.rdb.Del(ctx, "cocart:revocations", "cocart:c:3").Err())
				backOut()
				backCut()

				w.must(tokens.LookBack(a))
				w.catchUp(a)
				late := w.authority()
				w.catchUp(late)
				for _, pair := range []tokens.Pair{out, cut} {
					w.accessIs(late, pair.Access, tokens.Revoked)
					w.refreshIs(late, pair.Refresh, tokens.Ended)
				}
				w.accessIs(late, goesOn.Access, nil)
				w.refresh(late, goesOn.Refresh)

				// Long after the log was trimmed the sessions are still over.
				w.must(w.rdb.Del(ctx, "cocart:revocations").Err())
				for _, pair := range []tokens.Pair{out, cut} {
					w.refreshIs(w.authority(), pair.Refresh, tokens.Ended)
				}
			})
		})
	}
}

// After the loss another gateway ended the user's sessions again. What this one writes back is older and must not replace it.
func TestWhatIsWrittenBackLowersNoCutoff(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, b, ctx := w.authority(), w.authority(), context.Background()
		w.login(a, alice)
		_, err := a.EndUser(ctx, alice.UserID, "", tokens.CauseAdmin)
		w.must(err)
		w.must(a.EndAll(ctx, tokens.CauseAdmin))
		w.catchUp(a)
		w.must(w.rdb.Del(ctx, "cocart:revocations", "cocart:cutoff", "cocart:c:2").Err())
		w.clock.Advance(time.Second)
		again := w.login(b, alice)
		w.clock.Advance(time.Second)
		_, err = b.EndUser(ctx, alice.UserID, "", tokens.CauseAdmin)
		w.must(err)
		w.must(b.EndAll(ctx, tokens.CauseAdmin))
		user, all := w.rdb.HGetAll(ctx, "cocart:c:2").Val(), w.rdb.Get(ctx, "cocart:cutoff").Val()

		w.must(tokens.LookBack(a))
		if got := w.rdb.HGetAll(ctx, "cocart:c:2").Val(); len(user) == 0 || !reflect.DeepEqual(got, user) {
			t.Errorf("the cutoffs of the user are %v, want %v", got, user)
		}
		if got := w.rdb.Get(ctx, "cocart:cutoff").Val(); all == "" || got != all {
			t.Errorf("the cutoff of all is %s, want %s", got, all)
		}
		w.refreshIs(a, again.Refresh, tokens.Ended)
	})
}

// A log whose old entries were trimmed lost nothing.
func TestATrimmedLogIsNotALoss(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	out := w.login(a, alice)
	w.must(a.EndSession(context.Background(), out.Session, tokens.CauseLogout))
	w.catchUp(a)
	w.must(tokens.TrimmedTo(a, time.Now().Add(time.Hour)))
	w.must(w.rdb.XTrimMaxLen(context.Background(), "cocart:revocations", 0).Err())
	w.must(tokens.LookBack(a))
	w.catchUp(a)
	if n := w.rdb.XLen(context.Background(), "cocart:revocations").Val(); n != 0 {
		t.Errorf("%d entries were written", n)
	}
}

// A clock that runs an hour ahead for a while makes a gateway forget nothing, and once it is right again the gateway still
// refuses what ended.
func TestAClockThatWasAheadForgetsNoRevocation(t *testing.T) {
	rdb := tokenstest.Redis(t).Client()
	w := &world{t, rdb, tokenstest.NewClock()}
	w.clock.Set(time.Now())
	a := w.authority(func(c *tokens.Config) { c.AccessTTL = 15 * time.Minute })
	out := w.login(a, alice)
	w.must(a.EndSession(context.Background(), out.Session, tokens.CauseLogout))
	w.clock.Advance(time.Hour)
	w.must(tokens.Tend(a))
	w.clock.Advance(-time.Hour)
	w.must(tokens.Tend(a))
	w.accessIs(a, out.Access, tokens.Revoked)
}

func TestASteppedClockIsNoticed(t *testing.T) {
	var watch tokens.ClockWatch
	start := time.Now()
	for _, row := range []struct {
		wall, steady time.Duration
		want         bool
	}{{0, 0, false}, {time.Minute, time.Minute, false}, {time.Hour, 2 * time.Minute, true}, {2 * time.Hour, 3 * time.Minute, true}, {0, 4 * time.Minute, true}, {time.Minute, 5 * time.Minute, false}} {
		if got := tokens.Stepped(&watch, start.Add(row.wall), start.Add(row.steady)); got != row.want {
			t.Errorf("%v after %v: %v", row.wall, row.steady, got)
		}
	}
}

// Redis comes back emptied or older. on_loss decides about tokens from before that, at gateways that run and at those that
// begin, until an operator confirms the data.
func TestOnLossDecidesAboutTokensFromBeforeTheLoss(t *testing.T) {
	for _, row := range []struct {
		policy          tokens.OnLoss
		access, refresh error
	}{{tokens.ServeLoss, nil, nil}, {tokens.RefreshLoss, tokens.DataLost, nil}, {tokens.DenyLoss, tokens.DataLost, tokens.DataLost}} {
		t.Run(string(row.policy), func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				w.clock.Set(time.Now())
				ctx, set := context.Background(), func(c *tokens.Config) { c.OnLoss = row.policy }
				a := w.authority(set)
				w.must(a.EndSession(ctx, w.login(a, alice).Session, tokens.CauseLogout)) // a store in use
				w.must(tokens.LookForLoss(a))
				w.clock.Advance(-10 * time.Second)
				pair := w.login(a, alice)
				w.accessIs(a, pair.Access, nil)
				back := w.snapshot(pair.Session)
				w.must(w.rdb.FlushAll(ctx).Err())
				back()
				w.must(tokens.LookForLoss(a))
				late := w.authority(set)
				if row.policy == tokens.DenyLoss { // it has not looked yet
					w.accessIs(late, pair.Access, tokens.Stale)
					w.refreshIs(late, pair.Refresh, tokens.ErrUnavailable)
				}
				w.must(tokens.LookForLoss(late))
				if s := late.DataLoss(); !s.Open() {
					t.Errorf("a gateway that begins sees %+v", s)
				}
				w.clock.Advance(20 * time.Second)
				for _, one := range []*tokens.Authority{a, late} {
					w.accessIs(one, pair.Access, row.access)
					next, _, err := one.Refresh(ctx, pair.Refresh, phone)
					if !errors.Is(err, row.refresh) {
						t.Errorf("refresh: %v, want %v", err, row.refresh)
					}
					if err == nil {
						w.accessIs(one, next.Access, nil)
					}
					w.accessIs(one, w.login(one, alice).Access, nil)
				}
				_, err := a.KeepData(ctx)
				w.must(err)
				w.must(tokens.LookForLoss(late))
				w.accessIs(late, pair.Access, nil)
				w.refresh(late, pair.Refresh)
			})
		})
	}
}

// The time of a loss is that of Redis, and the clock of a gateway may be behind it. What the gateway hands out afterwards is
// valid at once.
func TestTokensFromAfterALossAreValidAtASlowerClock(t *testing.T) {
	for _, policy := range []tokens.OnLoss{tokens.RefreshLoss, tokens.DenyLoss} {
		t.Run(string(policy), func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				w.clock.Set(time.Now().Add(-20 * time.Second))
				a := w.authority(func(c *tokens.Config) { c.OnLoss = policy })
				w.must(a.EndSession(context.Background(), w.login(a, alice).Session, tokens.CauseLogout)) // a store in use
				w.must(tokens.LookForLoss(a))
				before := w.login(a, alice)
				back := w.snapshot(before.Session)
				w.must(w.rdb.FlushAll(context.Background()).Err())
				back()
				w.must(tokens.LookForLoss(a))
				w.accessIs(a, before.Access, tokens.DataLost)
				pair := w.login(a, alice)
				w.accessIs(a, pair.Access, nil)
				w.accessIs(a, w.refresh(a, pair.Refresh).Access, nil)
				if policy == tokens.RefreshLoss {
					w.accessIs(a, w.refresh(a, before.Refresh).Access, nil)
				}
			})
		})
	}
}

// What a gateway finds by its mark is written back as what it finds by the log.
func TestALossThatTheMarkShowsIsWrittenBack(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, b, ctx := w.authority(), w.authority(), context.Background()
		w.must(tokens.LookForLoss(a))
		out := w.login(a, alice)
		back := w.snapshot(out.Session)
		w.must(a.EndSession(ctx, out.Session, tokens.CauseLogout)) // a did not read the log since
		w.must(w.rdb.FlushAll(ctx).Err())
		back()
		w.must(tokens.LookForLoss(a))
		w.catchUp(a)
		w.refreshIs(b, out.Refresh, tokens.Ended)
	})
}
