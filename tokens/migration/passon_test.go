package migration_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
)

func TestTabsWithATokenOfThePluginGetOnePair(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		p := &plugin{w: w}
		pairs := make([]tokens.Pair, 10)
		var tabs sync.WaitGroup
		for i := range pairs {
			tabs.Go(func() {
				var err error
				if pairs[i], err = w.passOn(a, foreign, p); err != nil {
					t.Error(err)
				}
			})
		}
		tabs.Wait()
		for _, pair := range pairs {
			if pair.Refresh != pairs[0].Refresh || pair.Session != "" {
				t.Error("tabs diverge, or a session began")
			}
		}
		if p.asked.Load() != 1 || len(w.list(a)) != 0 {
			t.Errorf("the plugin was asked %d times", p.asked.Load())
		}
	})
}

func TestAnExchangedTokenGoesBackAsItsSession(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.adopt(a, &plugin{w: w})
	p := &plugin{w: w}
	pair, err := w.passOn(a, foreign, p)
	w.must(err)
	if again := w.handBack(a, session.Refresh, p); again.Refresh != pair.Refresh || pair.Session != session.Session || p.asked.Load() != 1 {
		t.Error("it went back twice")
	}
	w.clock.Advance(time.Second)
	_, err = a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
	w.must(err)
	if _, err := w.passOn(a, foreign, p); !errors.Is(err, tokens.Ended) {
		t.Errorf("%v", err)
	}
}

// A gateway that saw the plugin issue a token knows what came before and what after.
func TestATokenOfThePluginEndsWithWhatEndsItsUserAfterwards(t *testing.T) {
	end := func(w *world, a *tokens.Authority) {
		_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
		w.must(err)
		w.clock.Advance(time.Minute)
	}
	for name, row := range map[string]struct {
		story func(w *world, a *tokens.Authority, note func())
		want  error
	}{
		"issued before the end": {func(w *world, a *tokens.Authority, note func()) { note(); w.clock.Advance(time.Minute); end(w, a) }, tokens.Ended},
		"issued after it":       {func(w *world, a *tokens.Authority, note func()) { end(w, a); note() }, nil},
		"issued right after it": {func(w *world, a *tokens.Authority, note func()) {
			_, err := a.EndUser(context.Background(), alice.UserID, "fp", tokens.CauseAccount)
			w.must(err)
			note()
		}, nil},
		"at an unknown time": {func(w *world, a *tokens.Authority, _ func()) { end(w, a) }, tokens.Ended},
		"before all sessions were ended": {func(w *world, a *tokens.Authority, note func()) {
			note()
			w.clock.Advance(time.Minute)
			w.must(a.EndAll(context.Background(), tokens.CauseAdmin))
		}, tokens.Ended},
		"nothing ended": {func(*world, *tokens.Authority, func()) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a := w.authority()
				p := &plugin{w: w}
				first := p.pair(1)
				row.story(w, a, func() {
					_, err := migration.New(a, true).NotePair(context.Background(), first, alice.UserID)
					w.must(err)
				})
				if _, err := w.passOn(w.authority(), first.Refresh, p); !errors.Is(err, row.want) {
					t.Errorf("passed on: %v, want %v", err, row.want)
				}
				if _, _, err := migration.New(w.authority(), false).Refresh(context.Background(), first.Refresh, phone, &plugin{w: w}); row.want != nil && !errors.Is(err, row.want) {
					t.Errorf("adopted: %v, want %v", err, row.want)
				}
			})
		})
	}
}

// The gateway by which the plugin issued a pair has a clock that is ahead of the one that ends sessions afterwards.
func TestAPairThatAFasterClockNotedEndsWithItsUser(t *testing.T) {
	for what, end := range map[string]func(a *tokens.Authority) error{
		"all": func(a *tokens.Authority) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
		"a user": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				ahead := tokenstest.NewClock()
				ahead.Advance(30 * time.Second)
				lead := tokenstest.Authority(t, w.rdb, ahead)
				p := &plugin{w: w}
				first := p.pair(1)
				_, err := migration.New(lead, true).NotePair(context.Background(), first, alice.UserID)
				w.must(err)
				w.must(end(w.authority()))
				if _, err := w.passOn(lead, first.Refresh, p); !errors.Is(err, tokens.Ended) {
					t.Errorf("passed on: %v, want %v", err, tokens.Ended)
				}
			})
		})
	}
}

func TestATokenThatPassedTheGatewayBecomesASessionAgain(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.handBack(a, w.login(a).Refresh, &plugin{w: w})
	adopted, _, err := migration.New(a, false).Refresh(context.Background(), pair.Refresh, phone, &plugin{w: w})
	w.must(err)
	w.refresh(a, adopted.Refresh)
}

func TestATokenThatThePluginDoesNotAnswerMayComeAgain(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	down := errors.New("WordPress is down")
	if _, err := w.passOn(a, foreign, &plugin{w: w, err: down}); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
	_, err := w.passOn(a, foreign, &plugin{w: w})
	w.must(err)
}

func TestAPassedOnTokenThatRedisDoesNotStoreIsAnswered(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(&disturbed{failing: "set"})
	if pair, err := w.passOn(a, foreign, &plugin{w: w}); err != nil || pair.Refresh == "" {
		t.Errorf("%v", err)
	}
}

// While some gateways hand sessions back and others do not, two tabs may come to one of each.
func TestATabAtAnotherGatewayGetsTheSamePair(t *testing.T) {
	w := embedded(t)
	p := &plugin{w: w}
	first, err := w.passOn(w.authority(), foreign, p)
	w.must(err)
	second, _, err := migration.New(w.authority(), false).Refresh(context.Background(), foreign, phone, &plugin{w: w})
	if err != nil || second.Refresh != first.Refresh {
		t.Errorf("%v", err)
	}
}
