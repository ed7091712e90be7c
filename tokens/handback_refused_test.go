package tokens_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

func TestWhatIsNeverHandedBack(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(w *world, a *tokens.Authority, p tokens.Pair) string
		want  tokens.Rejection
	}{
		"a session that was ended": {func(w *world, a *tokens.Authority, p tokens.Pair) string {
			w.must(a.EndSession(context.Background(), p.Session, tokens.CauseLogout))
			return p.Refresh
		}, tokens.Ended},
		"a session of a customer who was cut off": {func(w *world, a *tokens.Authority, p tokens.Pair) string {
			_, err := a.EndUser(context.Background(), alice.UserID, alice.Fingerprint, tokens.CauseAccount)
			w.must(err)
			return p.Refresh
		}, tokens.Ended},
		"any session, after all were ended": {func(w *world, a *tokens.Authority, p tokens.Pair) string {
			w.must(a.EndAll(context.Background(), tokens.CauseAdmin))
			return p.Refresh
		}, tokens.Ended},
		"a spent token": {func(w *world, a *tokens.Authority, p tokens.Pair) string {
			w.refresh(a, w.refresh(a, p.Refresh).Refresh)
			w.clock.Advance(time.Minute)
			return p.Refresh
		}, tokens.Reused},
		"a session that has expired": {func(w *world, _ *tokens.Authority, p tokens.Pair) string {
			w.clock.Advance(720 * time.Hour)
			return p.Refresh
		}, tokens.Expired},
		"a forged token": {func(_ *world, _ *tokens.Authority, p tokens.Pair) string {
			return p.Refresh[:127] + other(p.Refresh[127:])
		}, tokens.BadSignature},
		"a token of another gateway": {func(*world, *tokens.Authority, tokens.Pair) string { return foreign }, tokens.UnknownKey},
		"garbage":                    {func(*world, *tokens.Authority, tokens.Pair) string { return "x" }, tokens.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(backToThePlugin)
			p := &oldPlugin{w: w}
			w.handBackIs(a, row.spoil(w, a, w.login(a, alice)), p, row.want)
			if p.issued.Load() != 0 {
				t.Error("WordPress was asked")
			}
		})
	}
}

func other(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

func TestASessionThatEndsWhileWordPressIsAskedIsNotHandedBack(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	p := &oldPlugin{w: w, during: func() { w.must(a.EndSession(context.Background(), session.Session, tokens.CauseLogout)) }}
	w.handBackIs(a, session.Refresh, p, tokens.Ended)
	w.handBackIs(a, session.Refresh, p, tokens.Ended)
}

func TestNothingIsSpentWhileWordPressDoesNotAnswer(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin, policy(tokens.Never))
	session := w.login(a, alice)
	down := errors.New("WordPress is down")
	for range 3 {
		w.handBackIs(a, session.Refresh, &oldPlugin{w: w, err: down}, down)
		w.clock.Advance(time.Hour)
	}
	w.accessIs(a, session.Access, nil)
	w.handBack(a, session.Refresh, &oldPlugin{w: w})
}

func TestASessionGoesOnWhereThePluginGivesNothingForIt(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	pair := w.handBack(a, session.Refresh, &oldPlugin{w: w, err: fmt.Errorf("no tokens: %w", tokens.ErrKeep)})
	w.accessIs(a, pair.Access, nil)
	if pair.Session != session.Session || len(w.list(a, alice.UserID)) != 1 {
		t.Error("it is not the same session")
	}
	w.handBack(a, pair.Refresh, &oldPlugin{w: w})
}

func TestAClientThatLeavesWhileItsSessionGoesBackFindsThePairLater(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	ctx, leave := context.WithCancel(context.Background())
	p := &oldPlugin{w: w, during: leave}
	first, _, err := a.HandBack(ctx, session.Refresh, phone, p.asked)
	w.must(err)
	if again := w.handBack(a, session.Refresh, p); again.Access != first.Access || p.issued.Load() != 1 {
		t.Error("WordPress was asked twice")
	}
}

func TestASessionThatWentBackGoesOnWhenTheOperatorThinksBetterOfIt(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	p := &oldPlugin{w: w}
	w.handBack(a, session.Refresh, p)
	pair := w.refresh(a, session.Refresh)
	w.clock.Advance(time.Minute)
	w.accessIs(a, pair.Access, nil)
	if n := len(w.list(a, alice.UserID)); n != 1 {
		t.Errorf("%d sessions are listed", n)
	}
	if again := w.handBack(a, pair.Refresh, p); p.issued.Load() != 2 || !a.Foreign(again.Refresh) {
		t.Error("a pair of the first time was told")
	}
}

func TestSessionsThatWentBackDoNotCountAgainstTheLimit(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin, limit(2))
	first := w.login(a, alice)
	w.handBack(a, w.login(a, alice).Refresh, &oldPlugin{w: w})
	w.login(a, alice)
	w.refresh(a, first.Refresh)
}

func TestNothingOfAPairThatWaitsCanBeReadFromRedis(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	pair := w.handBack(a, w.login(a, alice).Refresh, &oldPlugin{w: w})
	passed, _, err := a.PassOn(context.Background(), foreign, phone, (&oldPlugin{w: w}).judged, nil)
	w.must(err)
	keys, err := w.rdb.Keys(context.Background(), "*").Result()
	w.must(err)
	pat := fmt.Sprintf("pat_%024x", 1) // without it a guessed secret of the plugin makes no token
	for _, k := range keys {
		value, _ := w.rdb.Get(context.Background(), k).Result() // hashes and lists hold none
		for _, token := range []string{pair.Access, pair.Refresh, passed.Access, passed.Refresh, foreign, pat} {
			if strings.Contains(k+value, token[max(0, len(token)-40):]) {
				t.Errorf("a token is in %s", k)
			}
		}
	}
}

func TestWhichPairsAreThePlugins(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	p := &oldPlugin{w: w}
	ours, good := w.login(a, alice), p.pair()
	w.must(a.CheckPluginPair(good, alice.UserID))
	for name, row := range map[string]struct {
		pair tokens.PluginPair
		user int64
		by   *tokens.Authority
	}{
		"no tokens":                    {tokens.PluginPair{}, alice.UserID, a},
		"no refresh token":             {tokens.PluginPair{Access: good.Access}, alice.UserID, a},
		"ours":                         {tokens.PluginPair{Access: ours.Access, Refresh: good.Refresh}, alice.UserID, a},
		"our refresh token":            {tokens.PluginPair{Access: good.Access, Refresh: ours.Refresh}, alice.UserID, a},
		"somebody else's":              {good, alice.UserID + 1, a},
		"signed with another secret":   {good, alice.UserID, w.authority(func(c *tokens.Config) { c.PluginSecret = []byte("another") })},
		"not accepted by this gateway": {good, alice.UserID, w.authority()},
	} {
		err := row.by.CheckPluginPair(row.pair, row.user)
		if !errors.Is(err, tokens.ErrKeep) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: the error names a token", name)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", good, good, good) + good.LogValue().String(); strings.Contains(text, good.Refresh) {
		t.Error("a pair prints its tokens")
	}
}

func TestNobodyIsHandedBackWhileRedisIsAway(t *testing.T) {
	w := embedded(t)
	a := w.authority(backToThePlugin)
	session := w.login(a, alice)
	p := &oldPlugin{w: w}
	w.must(w.rdb.Close())
	w.handBackIs(a, session.Refresh, p, tokens.ErrUnavailable)
	if p.issued.Load() != 0 {
		t.Error("WordPress was asked")
	}
}
