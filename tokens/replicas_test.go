package tokens_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// waits compares the counts of waits by outcome.
func (w *world) waits(reg *prometheus.Registry, acknowledged, late, lost, broken float64) {
	w.Helper()
	want := map[string]float64{"acknowledged": acknowledged, "late": late, "lost": lost, "broken": broken}
	families, err := reg.Gather()
	w.must(err)
	for _, f := range families {
		if f.GetName() != "cocart_gateway_redis_replica_waits_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if outcome := m.GetLabel()[0].GetValue(); m.GetCounter().GetValue() != want[outcome] {
				w.Errorf("%v waits are %s, want %v", m.GetCounter().GetValue(), outcome, want[outcome])
			}
		}
	}
}

// When a login or logout is answered, the replica has it. If there are too few replicas, the answer is given all the same.
func TestAReplicaHasWhatWasAnsweredOnRealRedis(t *testing.T) {
	s := tokenstest.Sentinel(t)
	w := &world{t, s.Master.Client(), tokenstest.NewClock()}
	a, reg := w.measured(func(c *tokens.Config) { c.WaitReplicas, c.WaitLimit = 1, 20*time.Second })
	replica, ctx := s.Replica.Client(), context.Background()
	for range 20 {
		pair := w.login(a, alice)
		if n, err := replica.HGet(ctx, "cocart:s:"+pair.Session, "gen").Result(); n != "1" {
			t.Fatalf("the replica has generation %q of a login that was answered: %v", n, err)
		}
		w.must(a.EndSession(ctx, pair.Session, tokens.CauseLogout))
		if at, err := replica.HGet(ctx, "cocart:s:"+pair.Session, "ended").Result(); at == "" {
			t.Fatalf("the replica has no end of a logout that was answered: %v", err)
		}
	}
	w.waits(reg, 40, 0, 0, 0)

	// There is no second replica that could acknowledge anything.
	hasty, reg := w.measured(func(c *tokens.Config) { c.WaitReplicas, c.WaitLimit = 2, 100*time.Millisecond })
	pair := w.login(hasty, alice)
	w.must(hasty.EndSession(ctx, pair.Session, tokens.CauseLogout))
	w.waits(reg, 0, 2, 0, 0)
}

// In a planned failover the replica is a master already while the old one still takes writes.
func TestWhatOnlyTheOldMasterHasIsNotAnsweredOnRealRedis(t *testing.T) {
	old, successor, ctx := tokenstest.Redis(t), tokenstest.Redis(t), context.Background()
	w := &world{t, old.Client(), tokenstest.NewClock()}
	takenOver := func(c *tokens.Config) {
		c.WaitReplicas, c.WaitLimit = 1, 2*time.Second
		c.Successor = func(context.Context) (redis.UniversalClient, error) {
			return redis.NewClient(&redis.Options{Addr: successor.Addr()}), nil
		}
	}
	a, reg := w.measured(takenOver)
	if _, err := a.Issue(ctx, alice, tokens.Client{}); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("a login that the new master does not have: %v", err)
	}
	w.waits(reg, 0, 0, 1, 0)
	pair := w.login(w.authority(func(*tokens.Config) {}), alice)
	if err := a.EndSession(ctx, pair.Session, tokens.CauseLogout); !errors.Is(err, tokens.ErrUnavailable) {
		t.Errorf("a logout that the new master does not have: %v", err)
	}
	w.waits(reg, 0, 0, 2, 0)

	// The new master has no replica until the old one is its replica.
	w = &world{t, successor.Client(), w.clock}
	a, reg = w.measured(takenOver)
	pair = w.login(a, alice)
	w.must(a.EndSession(ctx, pair.Session, tokens.CauseLogout))
	w.waits(reg, 0, 2, 0, 0)
}
