package migration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/tokens/tokenstest"
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
		"garbage": {func(*world, *tokens.Authority, tokens.Pair) string { return "x" }, tokens.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority()
			p := &plugin{w: w}
			w.handBackIs(a, row.spoil(w, a, w.login(a)), p, row.want)
			if p.asked.Load() != 0 {
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

func TestASessionThatEndsMeanwhileIsNotHandedBack(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	p := &plugin{w: w, during: func() { w.must(a.EndSession(context.Background(), session.Session, tokens.CauseLogout)) }}
	w.handBackIs(a, session.Refresh, p, tokens.Ended)
	w.handBackIs(a, session.Refresh, p, tokens.Ended)
}

func TestNothingIsSpentWhileWordPressDoesNotAnswer(t *testing.T) {
	w := embedded(t)
	a := w.authority(policy(tokens.Never))
	session := w.login(a)
	down := errors.New("WordPress is down")
	for range 3 {
		w.handBackIs(a, session.Refresh, &plugin{w: w, err: down}, down)
		w.clock.Advance(time.Hour)
	}
	w.accessIs(a, session.Access, nil)
	w.handBack(a, session.Refresh, &plugin{w: w})
}

func TestASessionGoesOnWithoutTokensOfThePlugin(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	pair := w.handBack(a, session.Refresh, &plugin{w: w, err: fmt.Errorf("no tokens: %w", migration.ErrKeep)})
	w.accessIs(a, pair.Access, nil)
	if pair.Session != session.Session || len(w.list(a)) != 1 {
		t.Error("it is not the same session")
	}
	w.handBack(a, pair.Refresh, &plugin{w: w})
}

func TestAClientThatLeavesFindsItsPairLater(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	ctx, leave := context.WithCancel(context.Background())
	p := &plugin{w: w, during: leave}
	first, _, err := migration.New(a, true).Refresh(ctx, session.Refresh, phone, p)
	w.must(err)
	if again := w.handBack(a, session.Refresh, p); again.Access != first.Access || p.asked.Load() != 1 {
		t.Error("WordPress was asked twice")
	}
}

func TestRedisShowsNoTokenOfAPair(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.handBack(a, w.login(a).Refresh, &plugin{w: w})
	passed, _, err := migration.New(a, true).Refresh(context.Background(), foreign, phone, &plugin{w: w})
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
	a := w.authority()
	p := &plugin{w: w}
	ours, good := w.login(a), p.pair(1)
	w.must(migration.New(a, true).CheckPair(good, alice.UserID))
	for name, row := range map[string]struct {
		pair tokens.Pair
		user int64
		by   *tokens.Authority
	}{
		"no tokens":                    {tokens.Pair{}, alice.UserID, a},
		"no refresh token":             {tokens.Pair{Access: good.Access}, alice.UserID, a},
		"ours":                         {tokens.Pair{Access: ours.Access, Refresh: good.Refresh}, alice.UserID, a},
		"our refresh token":            {tokens.Pair{Access: good.Access, Refresh: ours.Refresh}, alice.UserID, a},
		"of another customer":          {good, alice.UserID + 1, a},
		"signed with another secret":   {good, alice.UserID, w.authority(func(c *tokens.Config) { c.Plugin = migration.NewAccessTokens([]byte("another"), tokenstest.Issuer, "") })},
		"not accepted by this gateway": {good, alice.UserID, w.authority(func(c *tokens.Config) { c.Plugin = nil })},
	} {
		err := migration.New(row.by, true).CheckPair(row.pair, row.user)
		if !errors.Is(err, migration.ErrKeep) {
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

func TestNoSessionIsHandedBackWhileRedisIsAway(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	session := w.login(a)
	p := &plugin{w: w}
	w.must(w.rdb.Close())
	w.handBackIs(a, session.Refresh, p, tokens.ErrUnavailable)
	if p.asked.Load() != 0 {
		t.Error("WordPress was asked")
	}
}
