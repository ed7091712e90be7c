package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

const secretOfThePlugin = "what the old plugin signs with"

func backToThePlugin(c *tokens.Config) { c.PluginSecret = []byte(secretOfThePlugin) }

// oldPlugin logs alice in without a password, as the PHP plugin does for whom WordPress vouches.
type oldPlugin struct {
	w      *world
	issued atomic.Int64
	during func() // what happens while it is asked
	err    error
	ahead  time.Duration // its clock
}

func (p *oldPlugin) asked(context.Context, tokens.Session) (tokens.PluginPair, error) {
	if p.during != nil {
		p.during()
	}
	if p.err != nil {
		return tokens.PluginPair{}, p.err
	}
	return p.pair(), nil
}

func (p *oldPlugin) judged(context.Context) (tokens.Identity, tokens.PluginPair, error) {
	pair, err := p.asked(context.Background(), tokens.Session{})
	return alice, pair, err
}

func (p *oldPlugin) pair() tokens.PluginPair {
	p.w.Helper()
	n, now := p.issued.Add(1), p.w.clock.Now().Add(p.ahead).Unix()
	access, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": tokenstest.Issuer, "iat": now, "nbf": now, "exp": now + 864000,
		"data": map[string]any{"user": map[string]any{"id": alice.UserID, "username": "alice", "ip": phone.Address, "device": phone.Device, "pat": fmt.Sprintf("pat_%024x", n)}},
	}).SignedString([]byte(secretOfThePlugin))
	p.w.must(err)
	return tokens.PluginPair{Access: access, Refresh: fmt.Sprintf("%0128x", 0xabc000+n)}
}

func (w *world) handBack(a *tokens.Authority, refresh string, p *oldPlugin) tokens.Pair {
	w.Helper()
	pair, who, err := a.HandBack(context.Background(), refresh, phone, p.asked)
	if err != nil || who.UserID != alice.UserID || pair.Session == "" {
		w.Fatalf("handing back: %+v %s, %v", who, pair.Session, err)
	}
	return pair
}

func (w *world) handBackIs(a *tokens.Authority, refresh string, p *oldPlugin, want error) {
	w.Helper()
	if pair, _, err := a.HandBack(context.Background(), refresh, phone, p.asked); !errors.Is(err, want) || pair != (tokens.Pair{}) {
		w.Errorf("handing back: %v, want %v", err, want)
	}
}

func TestASessionGoesBackOnceForAllTabs(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		one, other := w.authority(backToThePlugin), w.authority(backToThePlugin)
		session := w.login(one, alice)
		p := &oldPlugin{w: w}
		pairs := make([]tokens.Pair, 20)
		var tabs sync.WaitGroup
		for i := range pairs {
			a := one
			if i%2 > 0 {
				a = other
			}
			tabs.Go(func() {
				pair, _, err := a.HandBack(context.Background(), session.Refresh, phone, p.asked)
				if err != nil {
					t.Error(err)
				}
				pairs[i] = pair
			})
		}
		tabs.Wait()
		for _, pair := range pairs {
			if pair.Access != pairs[0].Access || pair.Refresh != pairs[0].Refresh || !one.Foreign(pair.Refresh) {
				t.Error("tabs diverge, or did not get a pair of the plugin")
			}
			w.accessIs(other, pair.Access, nil)
		}
		if n := p.issued.Load(); n != 1 {
			t.Errorf("WordPress was asked %d times", n)
		}
		if left := len(w.list(one, 0)) + len(w.list(one, alice.UserID)); left != 0 {
			t.Errorf("%d sessions are listed", left)
		}
		if s, state, err := one.SessionState(context.Background(), session.Session); err != nil || state != tokens.StateHanded || s.HandedBack.IsZero() {
			t.Errorf("%s %v", state, err)
		}
	})
}

func TestTheAccessTokensOfASessionThatWentBackDieWithTheGrace(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	w.handBack(a, session.Refresh, &oldPlugin{w: w})
	w.accessIs(a, session.Access, nil)
	w.clock.Advance(30 * time.Second)
	w.accessIs(a, session.Access, tokens.Revoked)
}

func TestATokenThatComesAgainAfterItsSessionWentBack(t *testing.T) {
	for name, row := range map[string]struct {
		policy tokens.LostAnswer
		used   bool // the plugin's access token
		later  time.Duration
		want   error
	}{
		"within the grace":                                         {tokens.UntilUsed, true, 29 * time.Second, nil},
		"a day later, because the answer was lost":                 {tokens.UntilUsed, false, 24 * time.Hour, nil},
		"a day later, after the plugin's access token was used":    {tokens.UntilUsed, true, 24 * time.Hour, tokens.Reused},
		"a day later, where a lost answer is never told again":     {tokens.Never, false, 24 * time.Hour, tokens.Reused},
		"a day later, by a client that never stores the new token": {tokens.Always, true, 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(backToThePlugin, policy(row.policy))
			session := w.login(a, alice)
			p := &oldPlugin{w: w}
			first := w.handBack(a, session.Refresh, p)
			if row.used {
				w.use(a, first.Access)
			}
			w.clock.Advance(row.later)
			if inspected, err := a.Inspect(context.Background(), session.Refresh); row.want != nil && err == nil && inspected.Verdict != tokens.VerdictReuse {
				t.Errorf("it is foreseen as %s", inspected.Verdict)
			}
			again, _, err := a.HandBack(context.Background(), session.Refresh, phone, p.asked)
			if !errors.Is(err, row.want) || err == nil && again.Refresh != first.Refresh {
				t.Fatalf("%v, want %v", err, row.want)
			}
			if n := p.issued.Load(); n != 1 {
				t.Errorf("WordPress was asked %d times", n)
			}
		})
	}
}

func TestEachTokenThatIsStillGoodIsHandedBack(t *testing.T) {
	for name, find := range map[string]func(*world, *tokens.Authority) string{
		"one that was rotated just now": func(w *world, a *tokens.Authority) string { r := w.login(a, alice).Refresh; w.refresh(a, r); return r },
		"one whose successor got lost": func(w *world, a *tokens.Authority) string {
			r := w.login(a, alice).Refresh
			w.refresh(a, r)
			w.clock.Advance(time.Hour)
			return r
		},
		"one ahead of a Redis that fell": func(w *world, a *tokens.Authority) string {
			p := w.login(a, alice)
			back := w.snapshot(p.Session)
			r := w.refresh(a, p.Refresh).Refresh
			back()
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(backToThePlugin)
			refresh := find(w, a)
			p := &oldPlugin{w: w}
			first := w.handBack(a, refresh, p)
			if again := w.handBack(a, refresh, p); again.Refresh != first.Refresh || p.issued.Load() != 1 {
				t.Error("the client that asks again is told another pair")
			}
		})
	}
}
