package tokens_test

import (
	"context"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// onEachLayout runs a behaviour where one script touches all keys and where each key is used by itself. The gateways of one
// world share the store; lead has a clock that is ahead of the other ones by as much as gateways may differ.
func onEachLayout(t *testing.T, behaviour func(t *testing.T, w *world, lead, slow *tokens.Authority)) {
	t.Helper()
	gateways := func(w *world) (lead, slow *tokens.Authority) {
		ahead := tokenstest.NewClock()
		ahead.Advance(30 * time.Second)
		return tokenstest.Authority(w, w.rdb, ahead), w.authority()
	}
	onEachStore(t, func(t *testing.T, w *world) {
		lead, slow := gateways(w)
		behaviour(t, w, lead, slow)
	})
	t.Run("apart", func(t *testing.T) {
		w := &world{t, tokenstest.Redis(t).Client(), tokenstest.NewClock()}
		lead, slow := gateways(w)
		tokens.KeysApart(lead)
		tokens.KeysApart(slow)
		behaviour(t, w, lead, slow)
	})
}

// A gateway whose clock is ahead began a session. What another one ends afterwards ends that session, too.
func TestAnEndCoversASessionThatAFasterClockBegan(t *testing.T) {
	for what, end := range ends {
		t.Run(what, func(t *testing.T) {
			onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
				pair := w.login(lead, alice)
				w.must(end(slow))
				w.catchUp(lead)
				w.accessIs(lead, pair.Access, tokens.Revoked)
				w.accessIs(slow, pair.Access, tokens.Revoked)
				w.refreshIs(lead, pair.Refresh, tokens.Ended)
				w.refreshIs(slow, pair.Refresh, tokens.Ended)
				again := w.login(lead, alice)
				w.accessIs(lead, again.Access, nil)
				w.refreshIs(slow, again.Refresh, nil)
			})
		})
	}
}

// A gateway whose clock is ahead ends sessions. A session that begins afterwards at another gateway, which has not read of the
// end yet, goes on.
func TestALoginAfterAnEndByAFasterClockIsBehindIt(t *testing.T) {
	for what, end := range ends {
		t.Run(what, func(t *testing.T) {
			onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
				before := w.login(slow, alice)
				w.must(end(lead))
				pair := w.login(slow, alice)
				w.accessIs(slow, pair.Access, nil)
				w.accessIs(lead, pair.Access, nil)
				w.catchUp(slow)
				w.accessIs(slow, pair.Access, nil)
				w.accessIs(slow, before.Access, tokens.Revoked)
				pair = w.refresh(slow, pair.Refresh)
				w.accessIs(lead, pair.Access, nil)
				listed := w.list(lead, alice.UserID)
				if len(listed) != 1 || listed[0].ID != pair.Session {
					t.Errorf("listed are %+v, want session %s", listed, pair.Session)
				}
				w.must(end(slow)) // ends it, though it seems to have begun later than this clock says
				w.catchUp(lead)
				w.accessIs(lead, pair.Access, tokens.Revoked)
				w.refreshIs(lead, pair.Refresh, tokens.Ended)
			})
		})
	}
}

// The same for a session that begins in exchange for a token of the PHP plugin: the spent token stands for the one that began.
func TestAnExchangeAfterAnEndByAFasterClockIsBehindIt(t *testing.T) {
	onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
		w.must(lead.EndAll(context.Background(), tokens.CauseAdmin))
		begin, err := slow.IssueExchanged(alice, phone)
		w.must(err)
		pair, spent, err := begin(context.Background())
		w.must(err)
		w.catchUp(slow)
		w.accessIs(slow, pair.Access, nil)
		if again := w.refresh(slow, spent); again.Refresh != pair.Refresh {
			t.Errorf("the spent token led to %s of session %s, want that of %s", again.Outcome, again.Session, pair.Session)
		}
	})
}

// A session that would have been covered at once leaves nothing that counts as a session of the customer.
func TestALoginBehindACutoffEndsNoOtherSession(t *testing.T) {
	onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
		changed := alice
		changed.Fingerprint = "fp-alice-2"
		var others []tokens.Pair
		for range 4 { // with the next one, as many as there may be
			others = append(others, w.login(slow, changed))
		}
		_, err := lead.EndUser(context.Background(), alice.UserID, alice.Fingerprint, tokens.CauseAccount)
		w.must(err)
		w.login(slow, alice)
		for _, pair := range others {
			w.refreshIs(slow, pair.Refresh, nil)
		}
		if n := w.rdb.ZCard(context.Background(), "cocart:u:2").Val(); n != 5 {
			t.Errorf("%d sessions are in the index, want 5", n)
		}
	})
}

// Gateways end sessions again and again while a customer logs in. The login is answered with tokens that are valid.
func TestALoginAmongManyEndsIsBehindTheLast(t *testing.T) {
	onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
		for range 20 {
			w.must(lead.EndAll(context.Background(), tokens.CauseAdmin))
			pair := w.login(slow, alice)
			w.accessIs(lead, pair.Access, nil)
			w.must(slow.EndAll(context.Background(), tokens.CauseAdmin))
			w.catchUp(lead)
			w.accessIs(lead, pair.Access, tokens.Revoked)
			pair = w.login(lead, alice)
			w.catchUp(slow)
			w.accessIs(slow, pair.Access, nil)
		}
		at, err := w.rdb.Get(context.Background(), "cocart:cutoff").Int64()
		w.must(err)
		if far := time.UnixMilli(at).Sub(w.clock.Now()); far > 31*time.Second {
			t.Errorf("the cutoff is ahead by %v", far)
		}
	})
}

// A refresh at a gateway whose clock is behind looks older at another one, so the grace is shorter there. The session's own
// client gets the current tokens all the same, and at the gateway that is behind the grace is longer.
func TestTheOwnClientConvergesThoughClocksDiffer(t *testing.T) {
	onEachLayout(t, func(t *testing.T, w *world, lead, slow *tokens.Authority) {
		for name, row := range map[string]struct {
			refreshes, meets *tokens.Authority
			from             tokens.Client
			want             tokens.Outcome
		}{
			"the own client at the faster clock":  {slow, lead, phone, tokens.OutcomeSameClient},
			"any client at the slower clock":      {lead, slow, thief, tokens.OutcomeConcurrent},
			"the own client at the slower clock":  {lead, slow, phone, tokens.OutcomeConcurrent},
			"any client at the clock of the step": {slow, slow, thief, tokens.OutcomeConcurrent},
		} {
			spent := w.login(row.meets, alice)
			current := w.refresh(row.refreshes, spent.Refresh)
			w.catchUp(row.meets)
			w.use(row.meets, current.Access) // so that the answer was not lost
			again, _, err := row.meets.Refresh(context.Background(), spent.Refresh, row.from)
			w.must(err)
			if again.Outcome != row.want || again.Refresh != current.Refresh {
				t.Errorf("%s: %s, want %s", name, again.Outcome, row.want)
			}
			w.accessIs(row.meets, again.Access, nil)
		}
	})
}

// The clock of a gateway is set back after a login, and Redis loses which sessions the user has. The end of the user's sessions
// covers that one all the same.
func TestAnEndCoversASessionOfAClockThatWasSetBack(t *testing.T) {
	onEachLayout(t, func(t *testing.T, w *world, _, a *tokens.Authority) {
		pair := w.login(a, alice)
		w.must(w.rdb.Del(context.Background(), "cocart:u:2").Err())
		w.clock.Advance(-10 * time.Second)
		_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
		w.must(err)
		w.accessIs(a, pair.Access, tokens.Revoked)
		w.refreshIs(a, pair.Refresh, tokens.Ended)
	})
}
