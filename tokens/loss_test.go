package tokens_test

import (
	"context"
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
