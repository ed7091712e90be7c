package tokens_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// waits compares the counts of waits by outcome.
func (w *world) waits(reg *prometheus.Registry, acknowledged, late, broken float64) {
	w.Helper()
	want := map[string]float64{"acknowledged": acknowledged, "late": late, "broken": broken}
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
	w.waits(reg, 40, 0, 0)

	// There is no second replica that could acknowledge anything.
	hasty, reg := w.measured(func(c *tokens.Config) { c.WaitReplicas, c.WaitLimit = 2, 100*time.Millisecond })
	pair := w.login(hasty, alice)
	w.must(hasty.EndSession(ctx, pair.Session, tokens.CauseLogout))
	w.waits(reg, 0, 2, 0)
}
