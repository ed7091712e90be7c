package attempts_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

var (
	ctx  = context.Background()
	home = netip.MustParseAddr("192.0.2.7")
)

func per(n int, d time.Duration) attempts.Limit { return attempts.Limit{N: n, Per: d} }

// world is a guard with small limits, a clock that stands still, and a store.
type world struct {
	testing.TB
	*attempts.Guard
	rdb   redis.UniversalClient
	clock *tokenstest.Clock
}

func open(t testing.TB, rdb redis.UniversalClient, change ...func(*attempts.Config)) *world {
	t.Helper()
	w := &world{TB: t, rdb: rdb, clock: tokenstest.NewClock()}
	w.Guard = w.another(change...)
	return w
}

// another is a second gateway's guard.
func (w *world) another(change ...func(*attempts.Config)) *attempts.Guard {
	w.Helper()
	cfg := attempts.Config{
		Account: per(3, 15*time.Minute), Address: per(100, time.Minute), Overall: per(1000, time.Minute), SecondFactor: per(2, 10*time.Minute),
		Refresh: per(5, time.Minute), Validate: per(6, time.Minute),
		Secret: []byte(tokenstest.Secret), KeyPrefix: "cocart:", Now: w.clock.Now,
	}
	for _, c := range change {
		c(&cfg)
	}
	g, err := attempts.New(cfg, wprequest.NameKey, w.rdb)
	if err != nil {
		w.Fatal(err)
	}
	return g
}

// onEachStore runs a behaviour on the embedded store, on a real Redis, and with Redis away.
func onEachStore(t *testing.T, behaviour func(t *testing.T, w *world), change ...func(*attempts.Config)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { behaviour(t, open(t, tokenstest.Embedded(t), change...)) })
	t.Run("redis", func(t *testing.T) { behaviour(t, open(t, tokenstest.Redis(t).Client(), change...)) })
	t.Run("redis away", func(t *testing.T) { behaviour(t, open(t, nobody(t), change...)) })
}

// nobody is a Redis that does not answer.
func nobody(t testing.TB) redis.UniversalClient {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialTimeout: time.Second})
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

func (w *world) begin(try attempts.Try) (*attempts.Attempt, string) {
	w.Helper()
	if !try.Client.IsValid() {
		try.Client = home
	}
	a, err := w.Begin(ctx, try)
	return a, scopeOf(err)
}

func scopeOf(err error) string {
	var e *attempts.Exceeded
	switch {
	case err == nil:
		return "passed"
	case errors.As(err, &e):
		if e.Linked {
			return "linked"
		}
		return string(e.Scope)
	}
	return err.Error()
}

// wrong tries a wrong password; user is what WordPress says whose it is.
func (w *world) wrong(name string, user int64) string {
	w.Helper()
	a, said := w.begin(attempts.Try{Names: []string{name}, Password: "wrong"})
	if a == nil {
		return said
	}
	_, err := a.Refused(ctx, user)
	if err != nil {
		return "withheld"
	}
	return "refused"
}

func (w *world) right(name string, user int64) string {
	w.Helper()
	a, said := w.begin(attempts.Try{Names: []string{name}, Password: "right"})
	if a == nil {
		return said
	}
	if err := a.Accepted(ctx, user); err != nil {
		return "withheld"
	}
	return "accepted"
}

func (w *world) says(got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("got %s, want %s", got, want)
	}
}

func (w *world) wrongTimes(n int, name string, user int64) {
	w.Helper()
	for i := range n {
		if got := w.wrong(name, user); got != "refused" {
			w.Fatalf("wrong password %d of %s: %s", i+1, name, got)
		}
	}
}

func addr(format string, a ...any) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(format, a...)) }

// defaults are the limits of a configuration that says nothing; TestTheFloodIsPlayedWithTheDefaultLimits
// compares them.
func defaults(c *attempts.Config) {
	day := 24 * time.Hour
	c.Account, c.AccountNetwork = per(10, 15*time.Minute), per(5, 15*time.Minute)
	c.Address, c.Subnet, c.Network = per(50, 15*time.Minute), per(200, 15*time.Minute), per(500, 15*time.Minute)
	c.Overall = per(1000, time.Minute)
	c.Newcomer = attempts.Newcomer{Account: per(10, time.Hour), Address: per(3, day), Network: per(12, day)}
}
