package tokens_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
)

// What a session was handed back for ends with it, and the other way round.

func TestAThiefLosesTheTokensOfThePluginWithTheSession(t *testing.T) {
	for name, end := range map[string]func(w *world, a *tokens.Authority, session tokens.Pair){
		"the token comes again": func(w *world, a *tokens.Authority, session tokens.Pair) {
			w.handBackIs(a, session.Refresh, &oldPlugin{w: w}, tokens.Reused)
		},
		"the token comes again, to a gateway that hands nothing back": func(w *world, a *tokens.Authority, session tokens.Pair) {
			w.refreshIs(a, session.Refresh, tokens.Reused)
		},
		"the token comes again, and Redis fails at the end": func(w *world, a *tokens.Authority, session tokens.Pair) {
			broken := &failingOnce{name: "xadd"}
			w.rdb.AddHook(broken)
			w.handBackIs(a, session.Refresh, &oldPlugin{w: w}, tokens.ErrUnavailable)
			w.handBackIs(a, session.Refresh, &oldPlugin{w: w}, tokens.Reused)
		},
		"an operator ends the session": func(w *world, a *tokens.Authority, session tokens.Pair) {
			w.must(a.EndSession(context.Background(), session.Session, tokens.CauseAdmin))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(backToThePlugin)
			session := w.login(a, alice)
			p := &oldPlugin{w: w}
			taken := w.handBack(a, session.Refresh, p)
			w.use(a, taken.Access)
			w.clock.Advance(time.Hour)
			end(w, a, session)
			w.accessIs(a, taken.Access, tokens.Revoked)
			if _, err := w.passOn(a, taken.Refresh, p); !errors.Is(err, tokens.Ended) {
				t.Errorf("its refresh token: %v", err)
			}
		})
	}
}

func TestWhoLoggedOutAtThePluginDoesNotComeBackWithATokenFromBefore(t *testing.T) {
	for name, come := range map[string]func(w *world, a *tokens.Authority, refresh string){
		"while sessions go back":          func(w *world, a *tokens.Authority, r string) { w.handBackIs(a, r, &oldPlugin{w: w}, tokens.Ended) },
		"at a gateway that keeps them":    func(w *world, a *tokens.Authority, r string) { w.refreshIs(a, r, tokens.Ended) },
		"at one that has not heard of it": func(w *world, _ *tokens.Authority, r string) { w.refreshIs(w.authority(), r, tokens.Ended) },
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(backToThePlugin)
			session := w.login(a, alice)
			w.handBack(a, session.Refresh, &oldPlugin{w: w})
			w.clock.Advance(time.Second)
			_, err := a.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
			w.must(err)
			if _, state, err := a.SessionState(context.Background(), session.Session); err != nil || state != tokens.StateEnded {
				t.Errorf("it is %s %v", state, err)
			}
			come(w, a, session.Refresh)
		})
	}
}

// Nor where it went by a clock that is ahead.
func TestALogoutAtThePluginEndsNoSessionThatIsHandedBackAfterwards(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	early := w.authority(func(c *tokens.Config) { c.Now = func() time.Time { return w.clock.Now().Add(5 * time.Second) } })
	_, err := early.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
	w.must(err)
	w.catchUp(a)
	p := &oldPlugin{w: w, ahead: 6 * time.Second}
	first := w.handBack(a, session.Refresh, p)
	if again := w.handBack(a, session.Refresh, p); again.Refresh != first.Refresh {
		t.Error("a client that asks again is told another pair")
	}
}

func TestALoginSinceALogoutOutlivesATokenFromBefore(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin, policy(tokens.Never))
	session := w.login(a, alice)
	p := &oldPlugin{w: w}
	w.handBack(a, session.Refresh, p)
	w.clock.Advance(time.Hour)
	_, err := a.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
	w.must(err)
	w.clock.Advance(time.Second)
	fresh := p.pair()
	w.must(a.NotePluginPair(context.Background(), fresh, alice.UserID))
	w.handBackIs(a, session.Refresh, p, tokens.Reused)
	w.accessIs(a, fresh.Access, nil)
}

// failingOnce does not let one command through, once.
type failingOnce struct {
	claiming
	name   string
	failed atomic.Bool
}

func (f *failingOnce) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == f.name && f.failed.CompareAndSwap(false, true) {
			cmd.SetErr(context.DeadlineExceeded)
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}
