package migration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
)

func TestASessionGoesBackOnceForAllTabs(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		one, other := w.authority(), w.authority()
		session := w.login(one)
		p := &plugin{w: w}
		pairs := make([]tokens.Pair, 20)
		var tabs sync.WaitGroup
		for i := range pairs {
			a := one
			if i%2 > 0 {
				a = other
			}
			tabs.Go(func() {
				pair, _, err := migration.New(a, true).Refresh(context.Background(), session.Refresh, phone, p)
				if err != nil {
					t.Error(err)
				}
				pairs[i] = pair
			})
		}
		tabs.Wait()
		for _, pair := range pairs {
			if pair.Access != pairs[0].Access || pair.Refresh != pairs[0].Refresh || !migration.Foreign(one, pair.Refresh) {
				t.Error("tabs diverge, or did not get a pair of the plugin")
			}
			w.accessIs(other, pair.Access, nil)
		}
		if n := p.asked.Load(); n != 1 {
			t.Errorf("WordPress was asked %d times", n)
		}
		if left := len(w.list(one)); left != 0 {
			t.Errorf("%d sessions are listed", left)
		}
		if s, state, err := one.SessionState(context.Background(), session.Session); err != nil || state != tokens.StateEnded || s.Cause != tokens.CauseHandedBack {
			t.Errorf("%s %s %v", state, s.Cause, err)
		}
	})
}

func TestAccessTokensOfASessionThatWentBackDieWithTheGrace(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(), w.authority()
		session := w.login(a)
		w.handBack(a, session.Refresh, &plugin{w: w})
		w.must(other.CatchUp(context.Background()))
		for _, by := range []*tokens.Authority{a, other} {
			w.accessIs(by, session.Access, nil)
		}
		w.clock.Advance(30 * time.Second)
		for _, by := range []*tokens.Authority{a, other} {
			w.accessIs(by, session.Access, tokens.Revoked)
		}
	})
}

// The pair waits for those tokens that were good when the session went back, and for the grace.
func TestTokensOfASessionThatWentBack(t *testing.T) {
	for name, row := range map[string]struct {
		find func(w *world, a *tokens.Authority) (handed, again string)
		want error
	}{
		"the same, a lost answer": {func(w *world, a *tokens.Authority) (string, string) { r := w.login(a).Refresh; return r, r }, nil},
		"the current one, after a retired one": {func(w *world, a *tokens.Authority) (string, string) {
			r := w.login(a).Refresh
			return r, w.refresh(a, r).Refresh
		}, nil},
		"a retired one, after the current one": {func(w *world, a *tokens.Authority) (string, string) {
			r := w.login(a).Refresh
			return w.refresh(a, r).Refresh, r
		}, nil},
		"one that was spent long ago": {func(w *world, a *tokens.Authority) (string, string) {
			r := w.login(a).Refresh
			next := w.refresh(a, w.refresh(a, r).Refresh)
			w.clock.Advance(time.Minute)
			return next.Refresh, r
		}, tokens.Ended},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(policy(tokens.Never))
			handed, again := row.find(w, a)
			p := &plugin{w: w}
			first := w.handBack(a, handed, p)
			pair, _, err := migration.New(a, true).Refresh(context.Background(), again, phone, p)
			if !errors.Is(err, row.want) || err == nil && pair.Refresh != first.Refresh || p.asked.Load() != 1 {
				t.Errorf("%v, asked %d times, want %v", err, p.asked.Load(), row.want)
			}
		})
	}
}

func TestThePairOfASessionWaitsForTheGraceOnly(t *testing.T) {
	w := embedded(t)
	a := w.authority(policy(tokens.Always))
	session := w.login(a)
	w.handBack(a, session.Refresh, &plugin{w: w})
	keys, err := w.rdb.Keys(context.Background(), "*h:*").Result()
	if w.must(err); len(keys) != 1 {
		t.Fatalf("%v", keys)
	}
	if ttl, err := w.rdb.PTTL(context.Background(), keys[0]).Result(); err != nil || ttl <= 0 || ttl > 30*time.Second {
		t.Errorf("it waits for %s, %v", ttl, err)
	}
	w.must(w.rdb.Del(context.Background(), keys[0]).Err()) // the grace is over
	w.handBackIs(a, session.Refresh, &plugin{w: w}, tokens.Ended)
	w.refreshIs(a, session.Refresh, tokens.Ended)
}

func TestEachTokenThatIsStillGoodIsHandedBack(t *testing.T) {
	for name, find := range map[string]func(*world, *tokens.Authority) string{
		"one that was rotated just now": func(w *world, a *tokens.Authority) string { r := w.login(a).Refresh; w.refresh(a, r); return r },
		"one whose successor got lost": func(w *world, a *tokens.Authority) string {
			r := w.login(a).Refresh
			w.refresh(a, r)
			w.clock.Advance(time.Hour)
			return r
		},
		"one ahead of a Redis that lost its last write": func(w *world, a *tokens.Authority) string {
			p := w.login(a)
			key := "cocart:s:" + p.Session
			was, err := w.rdb.HGetAll(context.Background(), key).Result()
			w.must(err)
			r := w.refresh(a, p.Refresh).Refresh
			w.must(w.rdb.Del(context.Background(), key).Err())
			w.must(w.rdb.HSet(context.Background(), key, was).Err())
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			refresh := find(w, a)
			p := &plugin{w: w}
			first := w.handBack(a, refresh, p)
			if again := w.handBack(a, refresh, p); again.Refresh != first.Refresh || p.asked.Load() != 1 {
				t.Error("the client that asks again gets another pair")
			}
		})
	}
}

// What ends the customer's sessions afterwards is meant for the pair as well.
func TestALogoutEndsThePairThatWaits(t *testing.T) {
	for name, fingerprint := range map[string]string{"by an operator": "", "by a new password": "another", "at the plugin": tokens.PluginFingerprint} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			session := w.login(a)
			w.handBack(a, session.Refresh, &plugin{w: w})
			w.clock.Advance(time.Second)
			_, err := a.EndUser(context.Background(), alice.UserID, fingerprint, tokens.CauseAdmin)
			w.must(err)
			w.handBackIs(a, session.Refresh, &plugin{w: w}, tokens.Ended)
		})
	}
}

// Nor where it went by a clock that is ahead.
func TestAnEarlierLogoutAtThePluginEndsNoSession(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	early := w.authority(func(c *tokens.Config) { c.Now = func() time.Time { return w.clock.Now().Add(5 * time.Second) } })
	_, err := early.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
	w.must(err)
	w.must(a.CatchUp(context.Background()))
	p := &plugin{w: w, ahead: 6 * time.Second}
	first := w.handBack(a, session.Refresh, p)
	if again := w.handBack(a, session.Refresh, p); again.Refresh != first.Refresh {
		t.Error("a client that asks again gets another pair")
	}
}

func TestSessionsThatWentBackDoNotCountAgainstTheLimit(t *testing.T) {
	w := embedded(t)
	a := w.authority(func(c *tokens.Config) { c.MaxSessions = 2 })
	first := w.login(a)
	w.handBack(a, w.login(a).Refresh, &plugin{w: w})
	w.login(a)
	w.refresh(a, first.Refresh)
}

func TestACrashBetweenThePairAndTheEndLosesNoCustomer(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	p := &plugin{w: w}
	w.rdb.AddHook(&disturbed{failing: "xadd", once: true}) // the revocation log does not take the end
	w.handBackIs(a, session.Refresh, p, tokens.ErrUnavailable)
	pair := w.handBack(a, session.Refresh, p)
	if !migration.Foreign(a, pair.Refresh) || p.asked.Load() != 1 {
		t.Errorf("asked %d times", p.asked.Load())
	}
}

// A tab that waits for the first one is not refused because that one went on with a session of ours.
func TestTabsOfASessionThatGoesOnConverge(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		session := w.login(a)
		p := &plugin{w: w, err: fmt.Errorf("no tokens: %w", migration.ErrKeep)}
		refreshed := make([]string, 10)
		var tabs sync.WaitGroup
		for i := range refreshed {
			tabs.Go(func() {
				pair, _, err := migration.New(a, true).Refresh(context.Background(), session.Refresh, phone, p)
				if err != nil {
					t.Error(err)
				}
				refreshed[i] = pair.Refresh
			})
		}
		tabs.Wait()
		if slices.Sort(refreshed); len(slices.Compact(refreshed)) != 1 {
			t.Error("tabs diverge")
		}
	})
}

// leaving has the client leave once Redis has answered a command with an argument that begins so.
type leaving struct {
	disturbed
	after string
	leave context.CancelFunc
}

func (l *leaving) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && slices.ContainsFunc(cmd.Args(), func(arg any) bool { text, _ := arg.(string); return strings.HasPrefix(text, l.after) }) {
			l.leave()
		}
		return err
	}
}

func TestAClientThatLeavesEarlyStillFindsItsPair(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	ctx, leave := context.WithCancel(context.Background())
	w.rdb.AddHook(&leaving{after: "asking ", leave: leave})
	p := &plugin{w: w}
	first, _, err := migration.New(a, true).Refresh(ctx, session.Refresh, phone, p)
	w.must(err)
	if again := w.handBack(a, session.Refresh, p); again.Refresh != first.Refresh || p.asked.Load() != 1 {
		t.Errorf("asked %d times", p.asked.Load())
	}
}
