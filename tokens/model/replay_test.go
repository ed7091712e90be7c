package model

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// replayed is the real thing beside the model.
type replayed struct {
	*testing.T
	rdb   redis.UniversalClient
	clock *tokenstest.Clock
	rules rules
	at    [gateways]*tokens.Authority
	pairs map[uint8]tokens.Pair
	saved map[string]string
	trace []event
}

var clients = [parties]tokens.Client{
	{Address: "192.0.2.7", Device: "Browser/1"}, {Address: "192.0.2.7", Device: "Browser/1"}, {Address: "198.51.100.9", Device: "Browser/1"},
}

// The model is tied to the code: what it says of random walks is what Authorities do on a real Redis.
func TestTheModelDoesWhatTheCodeDoesOnRealRedis(t *testing.T) {
	rdb := tokenstest.Redis(t, "--save", "").Client()
	draw := rand.New(rand.NewPCG(1, 2))
	did := map[string]int{}
	for _, policy := range []string{"until_used", "always", "never"} {
		for _, ofClient := range []string{"converge", "refuse", "end"} {
			for range 25 {
				r := begun(t, rdb, rules{policy: policy, ofClient: ofClient})
				r.walk(draw, did)
			}
		}
	}
	for _, outcome := range []string{rotated, concurrent, lostAnswer, sameClient, superseded, ahead, reuse, ended} {
		if did[outcome] == 0 {
			t.Errorf("no walk came to %q", outcome)
		}
	}
	t.Log(did)
}

func begun(t *testing.T, rdb redis.UniversalClient, rules rules) *replayed {
	r := &replayed{T: t, rdb: rdb, clock: tokenstest.NewClock(), rules: rules, pairs: map[uint8]tokens.Pair{}}
	r.must(rdb.FlushAll(t.Context()).Err())
	for g := range r.at {
		r.start(g)
	}
	pair, err := r.at[0].Issue(t.Context(), tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "f"}, clients[tab1])
	r.must(err)
	r.pairs[1] = pair
	return r
}

func (r *replayed) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *replayed) start(g int) {
	r.at[g] = tokenstest.Authority(r, r.rdb, r.clock, func(c *tokens.Config) {
		c.AccessTTL = 10 * 24 * time.Hour
		c.LostAnswer, c.ReuseBySameClient = tokens.LostAnswer(r.rules.policy), tokens.ReuseBySameClient(r.rules.ofClient)
	})
	r.must(r.at[g].CatchUp(r.Context()))
}

// walk takes steps that a client of the package can bring about: no half-written ones.
func (r *replayed) walk(draw *rand.Rand, did map[string]int) {
	b := bounds{generations: 12, faults: 100, thief: true}
	s := login()
	for range 25 {
		all := b.actions(s)
		a := all[draw.IntN(len(all))]
		half := a.how == hashOnly || a.how == logOnly
		if (a.kind == "refresh" || a.kind == "logout") && half || (a.kind == "read" || a.kind == "use") && s.unaware[a.at] ||
			a.kind == "logout" && draw.IntN(4) > 0 {
			continue
		}
		next, e := r.rules.apply(s, a, b)
		if next.newest() > b.generations {
			return
		}
		r.trace = append(r.trace, e)
		if a.kind == "use" {
			r.rules.read(&next, a.at)
		}
		r.do(s, next, e)
		if a.kind == "refresh" {
			did[e.outcome]++
		}
		s = next
	}
}

// do does to the real thing what the model did.
func (r *replayed) do(before, after state, e event) {
	a, ctx := e.action, r.Context()
	switch a.kind {
	case "refresh":
		r.refresh(before, after, e)
	case "use":
		_, err := r.at[a.at].Verify(r.pairs[before.holds[a.party]].Access)
		if (err == nil) != before.view[a.at].accepts(before.holds[a.party]) {
			r.fail("verify: %v", err)
		}
		r.must(r.at[a.at].CatchUp(ctx))
		ended, end := context.WithCancel(ctx)
		end()
		r.must(r.at[a.at].Run(ended)) // it writes its notes at the end
	case "logout":
		r.must(r.at[a.at].EndSession(ctx, r.pairs[1].Session, tokens.CauseLogout))
	case "read":
		r.must(r.at[a.at].CatchUp(ctx))
	case "restart":
		r.start(a.at)
	case "grace":
		r.clock.Advance(31 * time.Second)
	case "snapshot":
		r.save()
	case "loss":
		r.comeBack()
	}
}

func (r *replayed) refresh(before, after state, e event) {
	a := e.action
	pair, _, err := r.at[a.at].Refresh(r.Context(), r.pairs[before.holds[a.party]].Refresh, clients[a.party])
	want := map[string]error{ended: tokens.Ended, reuse: tokens.Reused, superseded: tokens.Superseded}[e.outcome]
	if !errors.Is(err, want) || err == nil && string(pair.Outcome) != e.outcome {
		r.fail("answered %v %q, the model says %q", err, pair.Outcome, e.outcome)
	}
	if err != nil {
		return
	}
	g := after.store.gen
	if known, ok := r.pairs[g]; ok && known.Refresh != pair.Refresh {
		r.fail("generation %d has two refresh tokens", g)
	}
	r.pairs[g] = pair
}

func (r *replayed) fail(format string, args ...any) {
	r.Helper()
	r.Log(found{trace: r.trace})
	r.Fatalf(format, args...)
}

func (r *replayed) save() {
	r.saved = map[string]string{}
	keys, err := r.rdb.Keys(r.Context(), "*").Result()
	r.must(err)
	for _, k := range keys {
		v, err := r.rdb.Dump(r.Context(), k).Result()
		r.must(err)
		r.saved[k] = v
	}
}

func (r *replayed) comeBack() {
	r.must(r.rdb.FlushAll(r.Context()).Err())
	for k, v := range r.saved {
		r.must(r.rdb.Restore(r.Context(), k, 0, v).Err())
	}
}
