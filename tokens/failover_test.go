package tokens_test

import (
	"context"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

// snapshot copies a session's hash, and back puts it there again: what a failover to a replica that lags does.
func (w *world) snapshot(session string) (back func()) {
	ctx, key := context.Background(), "cocart:s:"+session
	was, err := w.rdb.HGetAll(ctx, key).Result()
	w.must(err)
	return func() {
		w.must(w.rdb.Del(ctx, key).Err())
		for field, value := range was {
			w.must(w.rdb.HSet(ctx, key, field, value).Err())
		}
	}
}

func TestAFailoverThatLostTheLastRotation(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first := w.login(a, alice)
		back := w.snapshot(first.Session)
		second := w.refresh(a, first.Refresh)
		back()
		third := w.refresh(a, second.Refresh)
		w.accessIs(a, third.Access, nil)
		if got := w.refresh(a, first.Refresh); got.Refresh != third.Refresh {
			t.Error("a slow tab did not converge after the failover")
		}
		w.clock.Advance(31 * time.Second)
		w.refresh(a, third.Refresh)
	})
}

// Redis came back with a snapshot. Each customer goes on from the token that he has, and so does his other tab, which holds
// the one before; a token that was spent long before is still a theft.
func TestASnapshotThatLostSeveralRotationsLogsNoCustomerOut(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for _, lost := range []int{2, 3, 5} {
			a := w.authority()
			pair := w.login(a, alice)
			first := pair
			back := w.snapshot(pair.Session)
			before := pair
			for range lost {
				before, pair = pair, w.refresh(a, pair.Refresh)
				w.clock.Advance(time.Minute)
			}
			back()
			next := w.refresh(a, pair.Refresh)
			if next.Outcome != tokens.OutcomeAhead {
				t.Errorf("%d rotations lost: %s", lost, next.Outcome)
			}
			if got := w.refresh(a, before.Refresh); got.Refresh != next.Refresh {
				t.Error("the other tab did not converge")
			}
			w.accessIs(a, next.Access, nil)
			w.clock.Advance(time.Minute)
			w.refreshIs(a, first.Refresh, tokens.Reused)
		}
	})
}

func TestAFailoverThatLostTheSession(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		w.must(w.rdb.Del(context.Background(), "cocart:s:"+pair.Session).Err())
		w.refreshIs(a, pair.Refresh, tokens.Unknown)
		// Its access token still lives; a logout must end it all the same.
		w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
		w.accessIs(a, pair.Access, tokens.Revoked)
	})
}

// A session that no index lists and no message reached is still found by the cutoff when it comes.
func TestARefreshFindsACutoffThatCouldNotFindIt(t *testing.T) {
	for name, cut := range map[string]func(a *tokens.Authority) error{
		"of the user": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), 2, "", tokens.CauseAdmin)
			return err
		},
		"of the fingerprint": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), 2, "fp-alice-1", tokens.CauseAccount)
			return err
		},
		"of all": func(a *tokens.Authority) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority()
				pair := w.login(a, alice)
				w.must(w.rdb.Del(context.Background(), "cocart:u:2").Err())
				w.must(cut(a))
				w.must(w.rdb.Del(context.Background(), "cocart:revocations").Err())
				fresh := w.authority()
				w.refreshIs(fresh, pair.Refresh, tokens.Ended)
				w.accessIs(fresh, pair.Access, tokens.Revoked)
			})
		})
	}
}

// The failover lost the tombstone, but this gateway knows of the end.
func TestAFailoverThatLostTheEndOfASession(t *testing.T) {
	for name, end := range map[string]func(a *tokens.Authority, pair tokens.Pair) error{
		"logout": func(a *tokens.Authority, pair tokens.Pair) error {
			return a.EndSession(context.Background(), pair.Session, tokens.CauseLogout)
		},
		"password change": func(a *tokens.Authority, pair tokens.Pair) error {
			_, err := a.EndUser(context.Background(), 2, alice.Fingerprint, tokens.CauseAccount)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority()
				pair := w.login(a, alice)
				back := w.snapshot(pair.Session)
				w.must(end(a, pair))
				back()
				w.must(w.rdb.Del(context.Background(), "cocart:c:2").Err())
				w.refreshIs(a, pair.Refresh, tokens.Ended)
				if _, err := a.Resume(context.Background(), pair.Session); err != tokens.Ended {
					t.Errorf("resume: %v", err)
				}
			})
		})
	}
}

// The failover lost an end before any gateway read it in the log, which is how gateways notice a loss. The one that wrote it writes
// it again: the session is over also once its access tokens have expired, and no gateway knows of the end any more.
func TestAnEndThatAFailoverLostUnreadIsWrittenAgain(t *testing.T) {
	for name, end := range map[string]func(a *tokens.Authority, session string) error{
		"logout": func(a *tokens.Authority, session string) error {
			return a.EndSession(context.Background(), session, tokens.CauseLogout)
		},
		"of the user": func(a *tokens.Authority, _ string) error {
			_, err := a.EndUser(context.Background(), 2, "", tokens.CauseAdmin)
			return err
		},
		"of all": func(a *tokens.Authority, _ string) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
		"handed back": func(a *tokens.Authority, session string) error {
			return a.EndWithGrace(context.Background(), session, tokens.CauseHandedBack)
		},
	} {
		for topology, prepare := range map[string]func(a *tokens.Authority){"together": func(*tokens.Authority) {}, "apart": tokens.KeysApart} {
			t.Run(name+", "+topology, func(t *testing.T) {
				onEachStore(t, func(t *testing.T, w *world) {
					a, ctx := w.authority(), context.Background()
					prepare(a)
					pair := w.login(a, alice)
					back := w.snapshot(pair.Session)
					w.must(end(a, pair.Session))
					back()
					lost := []string{"cocart:revocations", "cocart:c:2", "cocart:cutoff"}
					w.must(w.rdb.Del(ctx, lost...).Err())
					broken, cancel := context.WithCancel(ctx)
					cancel()
					if a.CatchUp(broken) == nil {
						t.Fatal("the connection did not break")
					}
					w.catchUp(a)
					w.must(tokens.LookBack(a))
					w.must(w.rdb.Del(ctx, "cocart:revocations").Err()) // it is trimmed
					late := w.authority()
					if s, err := late.Peek(ctx, pair.Refresh, phone); name == "handed back" && s.Cause != tokens.CauseHandedBack {
						t.Errorf("the cause is %q, %v", s.Cause, err)
					}
					w.refreshIs(late, pair.Refresh, tokens.Ended)
				})
			})
		}
	}
}

// Redis lost rotations that the gateway knows of, and a tab that slept meanwhile is the first to refresh. The generation that
// Redis would give it is revoked at the gateway.
func TestAfterALossNoTabGetsATokenThatIsRevokedAlready(t *testing.T) {
	for name, prepare := range map[string]func(a *tokens.Authority){"together": func(*tokens.Authority) {}, "apart": tokens.KeysApart} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority()
				prepare(a)
				slept := w.login(a, alice)
				back := w.snapshot(slept.Session)
				awake := w.refresh(a, w.refresh(a, slept.Refresh).Refresh)
				w.clock.Advance(31 * time.Second)
				back()
				next := w.refresh(a, slept.Refresh)
				w.accessIs(a, next.Access, nil)
				if got := w.refresh(a, awake.Refresh); got.Refresh != next.Refresh {
					t.Error("the tab that was awake did not converge")
				}
				w.clock.Advance(31 * time.Second)
				w.accessIs(a, w.refresh(a, next.Refresh).Access, nil)
				w.refreshIs(a, slept.Refresh, tokens.Reused)
			})
		})
	}
}
