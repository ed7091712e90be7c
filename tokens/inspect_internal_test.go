package tokens

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// foretold inspects a token, then refreshes with it, and both must say the same.
func foretold(t *testing.T, a *Authority, token string, want Outcome) Pair {
	t.Helper()
	i, err := a.Inspect(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	pair, _, verdict, err := a.refresh(context.Background(), token, Client{}, nil)
	if verdict != want || i.Outcome != want {
		t.Errorf("inspection says %q, refresh %q, want %q", i.Outcome, verdict, want)
	}
	if err != nil && !errors.Is(err, i.Rejection) || err == nil && i.Rejection != "" {
		t.Errorf("inspection says %q, refresh %v", i.Rejection, err)
	}
	return pair
}

func TestInspectionForetellsEveryVerdict(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	m := miniredis.RunT(t)
	a := memoryShop(t, m, &now, time.Hour)

	first := issued(t, a, 2)
	second := foretold(t, a, first.Refresh, OutcomeRotated)
	foretold(t, a, first.Refresh, OutcomeConcurrent)
	now = now.Add(time.Minute)
	foretold(t, a, first.Refresh, OutcomeLostAnswer)
	third := foretold(t, a, second.Refresh, OutcomeRotated)
	now = now.Add(time.Minute)
	key := "cocart:s:" + first.Session
	m.HSet(key, "gen", "2") // a failover lost the last write
	fourth := foretold(t, a, third.Refresh, OutcomeAhead)
	now = now.Add(time.Minute)
	foretold(t, a, first.Refresh, OutcomeReuse)
	foretold(t, a, fourth.Refresh, OutcomeEnded)

	busy := issued(t, a, 3)
	for range 32 {
		busy = foretold(t, a, busy.Refresh, OutcomeRotated)
	}
	foretold(t, a, busy.Refresh, OutcomeHeld)

	cutOff := issued(t, a, 4)
	if err := a.EndAll(context.Background(), CauseAdmin); err != nil {
		t.Fatal(err)
	}
	foretold(t, a, cutOff.Refresh, OutcomeEnded)

	now = now.Add(time.Second)
	idle := issued(t, a, 5)
	forged := digitChanged(idle.Refresh, 127) // the inner tag, which only Redis can tell from a good one
	foretold(t, a, forged, OutcomeRefused)
	foretold(t, a, digitChanged(idle.Refresh, 70), OutcomeRefused) // the outer tag
	now = now.Add(a.cfg.RefreshTTL)
	foretold(t, a, idle.Refresh, OutcomeExpired)
	m.FlushAll()
	foretold(t, a, idle.Refresh, OutcomeUnknown)
}

func digitChanged(token string, at int) string {
	digit := "0"
	if token[at] == '0' {
		digit = "1"
	}
	return token[:at] + digit + token[at+1:]
}

// What Inspect says of every refresh token is, at any moment of any story, what the rules say.
func TestInspectionKnowsTheRules(t *testing.T) {
	const stories, steps = 30, 60
	s := newStage(t, &redis.Options{Addr: miniredis.RunT(t).Addr()})
	random := rand.New(rand.NewPCG(1, 2))
	for n := range stories {
		p := newPlay(t, s, byte(n))
		for range steps {
			p.step(byte(random.IntN(256)), true)
			p.foretell()
		}
	}
}

func (p *play) foretell() {
	p.t.Helper()
	for g, token := range p.tokens {
		model := p.model.copy()
		want := model.present(g, *p.now, p.model.by)
		got, err := p.a.Inspect(context.Background(), token)
		if err != nil {
			p.t.Fatal(err)
		}
		if want == nil && got.Rejection != "" || want != nil && !errors.Is(want, got.Rejection) {
			p.t.Fatalf("generation %d of %d is inspected as %q, the rules say %v", g, p.model.generation, got.Rejection, want)
		}
	}
}
