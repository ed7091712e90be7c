package tokens_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// world is a store, a clock that stands still, and the authorities that share them.
type world struct {
	testing.TB
	rdb   redis.UniversalClient
	clock *tokenstest.Clock
}

var alice = tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-1"}

var phone = tokens.Client{Address: "192.0.2.7", Device: "CoCart-Phone/1.0"}

// thief presents what was the phone's.
var thief = tokens.Client{Address: "198.51.100.9", Device: "CoCart-Phone/1.0"}

// onEachStore runs a behaviour on the embedded store and on a real Redis.
func onEachStore(t *testing.T, behaviour func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { behaviour(t, &world{t, tokenstest.Embedded(t), tokenstest.NewClock()}) })
	t.Run("redis", func(t *testing.T) { behaviour(t, &world{t, tokenstest.Redis(t).Client(), tokenstest.NewClock()}) })
}

func embedded(t testing.TB) *world {
	t.Helper()
	return &world{t, tokenstest.Embedded(t), tokenstest.NewClock()}
}

func (w *world) authority(changes ...func(*tokens.Config)) *tokens.Authority {
	w.Helper()
	return tokenstest.Authority(w, w.rdb, w.clock, changes...)
}

func (w *world) login(a *tokens.Authority, who tokens.Identity) tokens.Pair {
	w.Helper()
	pair, err := a.Issue(context.Background(), who, phone)
	if err != nil {
		w.Fatalf("logging in: %v", err)
	}
	return pair
}

func (w *world) refresh(a *tokens.Authority, refresh string) tokens.Pair {
	w.Helper()
	pair, _, err := a.Refresh(context.Background(), refresh, phone)
	if err != nil {
		w.Fatalf("refreshing: %v", err)
	}
	return pair
}

func (w *world) refreshIs(a *tokens.Authority, refresh string, want error) {
	w.Helper()
	pair, _, err := a.Refresh(context.Background(), refresh, thief)
	if !errors.Is(err, want) {
		w.Errorf("refresh: %v, want %v", err, want)
	}
	if err != nil && pair != (tokens.Pair{}) {
		w.Error("a refused refresh handed out tokens")
	}
}

func (w *world) accessIs(a *tokens.Authority, access string, want error) {
	w.Helper()
	if _, err := a.Verify(access); !errors.Is(err, want) {
		w.Errorf("verify: %v, want %v", err, want)
	}
}

func (w *world) catchUp(a *tokens.Authority) {
	w.Helper()
	w.must(a.CatchUp(context.Background()))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
