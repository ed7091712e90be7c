package attempts_test

import (
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

// next is the guard after a change of settings.
func (w *world) next(change func(*attempts.Config)) *world {
	w.Helper()
	cfg := attempts.Config{Account: per(3, 15*time.Minute), Secret: []byte(tokenstest.Secret)}
	change(&cfg)
	g, err := w.Next(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return &world{TB: w.TB, Guard: g, rdb: w.rdb, clock: w.clock}
}

func TestOtherLimitsCountOnFromWhereTheOnesBeforeWere(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(3, "alice", 2)
		w.says(w.next(func(*attempts.Config) {}).wrong("alice", 2), "account")
		w.says(w.next(func(c *attempts.Config) { c.Account = attempts.Limit{} }).wrong("alice", 2), "refused")
		w.says(w.wrong("alice", 2), "account")
	})
}

func TestAnAttemptThatWaitsIsSettledByTheLimitsItBeganWith(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.wrongTimes(2, "alice", 2)
		a, said := w.begin(attempts.Try{Names: []string{"alice"}, Password: "right"})
		w.says(said, "passed")
		next := w.next(func(*attempts.Config) {})
		if err := a.Accepted(ctx, 2); err != nil {
			t.Fatal(err)
		}
		next.wrongTimes(3, "alice", 2)
		next.says(next.wrong("alice", 2), "account")
	})
}

func TestLimitsThatAreRefusedChangeNothing(t *testing.T) {
	w := open(t, tokenstest.Embedded(t))
	if g, err := w.Next(attempts.Config{Secret: []byte("short")}); g != nil || err == nil {
		t.Errorf("%v", err)
	}
	w.wrongTimes(3, "alice", 2)
	w.says(w.wrong("alice", 2), "account")
}
