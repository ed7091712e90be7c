package tokenstest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
)

// Secret is a good HMAC secret for tests.
const Secret = "a-secret-for-tests-only-0123456789-0123456789-0123456789-0123456789"

// Issuer is the issuer of Authority.
const Issuer = "https://shop.example"

// Key makes an HS256 key with a secret of its own.
func Key(t testing.TB, id string) keys.Key {
	t.Helper()
	k, err := keys.NewHMAC(id, "HS256", []byte(Secret+id))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Authority makes an Authority with one key, a registry of its own and the clock. The changes are made to its
// configuration before. It is not running: see Follow.
func Authority(t testing.TB, rdb redis.UniversalClient, clock *Clock, changes ...func(*tokens.Config)) *tokens.Authority {
	t.Helper()
	cfg := tokens.Config{Issuer: Issuer, Keys: []keys.Key{Key(t, "k1")}, Now: clock.Now}
	for _, change := range changes {
		change(&cfg)
	}
	a, err := tokens.New(cfg, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Follow runs the authority until the test or stop ends it, and returns when it has read the revocation log once.
// stop may be called more than once.
func Follow(t testing.TB, a *tokens.Authority) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("following revocations: %v", err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	Eventually(t, "the revocation log is read", func() bool { return a.Ready(ctx) == nil })
	return stop
}

// patience is how long anything is waited for that must come. No test that passes waits for its end; on a machine with
// much else to do a redis-server may be slow, and Sentinels do nothing for 30 s after they were stopped for two.
const patience = 2 * time.Minute

// Eventually waits until something has become true that another process or goroutine does.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}
