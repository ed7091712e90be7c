package tokens_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// distributed is a Redis of several servers, one of which can be lost.
type distributed struct {
	client   redis.UniversalClient
	another  redis.UniversalClient // of another gateway
	failOver func()
	settle   func()
}

func onEachDistribution(t *testing.T, story func(t *testing.T, d distributed)) {
	t.Helper()
	t.Run("cluster", func(t *testing.T) {
		c := tokenstest.Cluster(t)
		story(t, distributed{c.Client(), c.Client(), c.FailOver, c.Settle})
	})
	t.Run("sentinel", func(t *testing.T) {
		s := tokenstest.Sentinel(t)
		story(t, distributed{s.Client(), s.Client(), s.FailOver, s.Settle})
	})
}

// One story, because starting six servers takes a while: everything works on keys in any slot, and a master that
// dies logs nobody out and lets nobody back in.
func TestSessionsOnSeveralServersOutliveOneOfThemOnRealRedis(t *testing.T) {
	onEachDistribution(t, func(t *testing.T, d distributed) {
		w := &world{t, d.client, tokenstest.NewClock()}
		a := w.authority()
		other := tokenstest.Authority(t, d.another, w.clock)
		tokenstest.Follow(t, other)

		pairs := w.shoppers(a, 40)
		w.parallel(a, other, pairs[0])
		w.listed(a, len(pairs))
		out := w.endSome(a, pairs)
		w.settled(other, out)

		d.failOver()
		for i, pair := range pairs {
			if i%4 == 3 {
				continue
			}
			next := w.persist(other, pair.Refresh)
			w.accessIs(other, next.Access, nil)
			pairs[i] = next
		}
		for _, pair := range out {
			w.accessIs(other, pair.Access, tokens.Revoked)
			w.refusedFor(other, pair.Refresh)
		}
		d.settle()
		late := tokenstest.Authority(t, d.another, w.clock)
		w.catchUp(late)
		for _, pair := range out {
			w.accessIs(late, pair.Access, tokens.Revoked)
		}
		tokenstest.Eventually(w, "the first gateway found the new master", func() bool {
			return a.EndSession(context.Background(), pairs[0].Session, tokens.CauseLogout) == nil
		})
		w.settled(other, pairs[:1])
	})
}

// shoppers log in and refresh once.
func (w *world) shoppers(a *tokens.Authority, n int) (pairs []tokens.Pair) {
	w.Helper()
	for i := range n {
		pair := w.login(a, tokens.Identity{UserID: int64(100 + i), Login: "shopper", Fingerprint: "f"})
		pairs = append(pairs, w.refresh(a, pair.Refresh))
	}
	return pairs
}

// parallel refreshes through two gateways converge.
func (w *world) parallel(a, other *tokens.Authority, pair tokens.Pair) {
	w.Helper()
	answers := make([]string, 50)
	errs := make([]error, len(answers))
	var clients sync.WaitGroup
	for i := range answers {
		by := []*tokens.Authority{a, other}[i%2]
		clients.Go(func() {
			var got tokens.Pair
			got, _, errs[i] = by.Refresh(context.Background(), pair.Refresh, phone)
			answers[i] = got.Refresh
		})
	}
	clients.Wait()
	w.must(errors.Join(errs...))
	for _, got := range answers {
		if got != answers[0] {
			w.Fatal("parallel refreshes did not converge")
		}
	}
}

func (w *world) listed(a *tokens.Authority, want int) {
	w.Helper()
	if got := len(w.list(a, 0)); got != want {
		w.Errorf("%d sessions are listed, want %d", got, want)
	}
	if got := w.list(a, 100); len(got) != 1 || got[0].UserID != 100 {
		w.Errorf("user 100 has %+v", got)
	}
}

// endSome ends every fourth session, by turns on its own and with its user.
func (w *world) endSome(a *tokens.Authority, pairs []tokens.Pair) (ended []tokens.Pair) {
	w.Helper()
	for i := 3; i < len(pairs); i += 4 {
		ended = append(ended, pairs[i])
		if i%8 == 3 {
			w.must(a.EndSession(context.Background(), pairs[i].Session, tokens.CauseLogout))
			continue
		}
		n, err := a.EndUser(context.Background(), int64(100+i), "f", tokens.CauseAccount)
		w.must(err)
		if n != 1 {
			w.Errorf("ending user %d ended %d sessions", 100+i, n)
		}
	}
	return ended
}

// settled waits until another gateway refuses them all.
func (w *world) settled(other *tokens.Authority, ended []tokens.Pair) {
	w.Helper()
	tokenstest.Eventually(w, "the other gateway has heard of every end", func() bool {
		for _, pair := range ended {
			if _, err := other.Verify(pair.Access); err != tokens.Revoked {
				return false
			}
		}
		return true
	})
}

// persist does as a client with retries: unavailable is not the end, a refusal is.
func (w *world) persist(a *tokens.Authority, refresh string) (pair tokens.Pair) {
	w.Helper()
	var err error
	tokenstest.Eventually(w, "the refresh was answered", func() bool {
		pair, _, err = a.Refresh(context.Background(), refresh, phone)
		if err != nil && !errors.Is(err, tokens.ErrUnavailable) {
			w.Fatalf("a shopper was logged out by the failover: %v", err)
		}
		return err == nil
	})
	return pair
}

func (w *world) refusedFor(a *tokens.Authority, refresh string) {
	w.Helper()
	tokenstest.Eventually(w, "the refresh was answered", func() bool {
		_, _, err := a.Refresh(context.Background(), refresh, phone)
		if err == nil {
			w.Fatal("an ended session came back with the failover")
		}
		return errors.Is(err, tokens.Ended)
	})
}
