package tokens_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
)

const foreign = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// elsewhere counts how often it is asked whose a token is.
type elsewhere struct{ asked atomic.Int64 }

func (e *elsewhere) isAlice(context.Context) (tokens.Identity, error) {
	e.asked.Add(1)
	return alice, nil
}

func (w *world) adopt(a *tokens.Authority, ask func(context.Context) (tokens.Identity, error)) tokens.Pair {
	w.Helper()
	pair, who, err := a.Adopt(context.Background(), foreign, phone, ask)
	if err != nil || who.UserID != alice.UserID {
		w.Fatalf("adopting: %+v, %v", who, err)
	}
	return pair
}

func TestWhichRefreshTokensAreForeign(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	for text, want := range map[string]bool{
		foreign: true, foreign[1:]: true, foreign[:32]: true, "8c6d2f3a-77aa-4bcd-9d3e-0a1b2c3d4e5f": true, "~!x@ $%^ é.ö.{} y&*()": true, // filters make them in any form
		w.login(a, alice).Refresh: false, w.login(a, alice).Access: false, "": false, foreign + "\n": false, foreign[:15]: false, "undefined": false,
		strings.Repeat("x", 512): true, strings.Repeat("x", 513): false, strings.Repeat("x", 20) + "\xff": false,
	} {
		if got := a.Foreign(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestAForeignTokenBecomesOneSessionForAllTabs(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		one, other := w.authority(), w.authority()
		var from elsewhere
		pairs := make([]tokens.Pair, 20)
		var tabs sync.WaitGroup
		for i := range pairs {
			a := one
			if i%2 > 0 {
				a = other
			}
			tabs.Go(func() {
				pair, _, err := a.Adopt(context.Background(), foreign, phone, from.isAlice)
				if err != nil {
					t.Error(err)
				}
				pairs[i] = pair
			})
		}
		tabs.Wait()
		for _, p := range pairs {
			if p.Refresh != pairs[0].Refresh || p.Session != pairs[0].Session {
				t.Errorf("tabs diverge: %s and %s", p.Session, pairs[0].Session)
			}
			w.accessIs(other, p.Access, nil)
		}
		if n := from.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		w.refresh(one, pairs[0].Refresh)
	})
}

func TestAForeignTokenThatCameAgain(t *testing.T) {
	for name, row := range map[string]struct {
		policy tokens.LostAnswer
		used   bool // the session's second generation
		later  time.Duration
		want   error
	}{
		"within the grace, after the session was refreshed":        {tokens.UntilUsed, true, 29 * time.Second, nil},
		"a day later, because the answer was lost":                 {tokens.UntilUsed, false, 24 * time.Hour, nil},
		"a day later, after the session was refreshed":             {tokens.UntilUsed, true, 24 * time.Hour, tokens.Reused},
		"a day later, where a lost answer is never told again":     {tokens.Never, false, 24 * time.Hour, tokens.Reused},
		"a day later, by a client that never stores the new token": {tokens.Always, false, 24 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(func(c *tokens.Config) { c.LostAnswer = row.policy })
			var from elsewhere
			first := w.adopt(a, from.isAlice)
			if row.used {
				w.refresh(a, first.Refresh)
			}
			w.clock.Advance(row.later)
			again, _, err := a.Adopt(context.Background(), foreign, thief, from.isAlice)
			if !errors.Is(err, row.want) {
				t.Fatalf("%v, want %v", err, row.want)
			}
			if err == nil && again.Session != first.Session {
				t.Error("it became a second session")
			}
			if row.want != nil {
				w.refreshIs(a, first.Refresh, tokens.Ended)
			}
			if n := from.asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestAForeignTokenOfASessionThatEnded(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	var from elsewhere
	pair := w.adopt(a, from.isAlice)
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	if _, _, err := a.Adopt(context.Background(), foreign, phone, from.isAlice); !errors.Is(err, tokens.Ended) {
		t.Errorf("%v", err)
	}
}

func TestAClientThatLeavesDoesNotLoseItsToken(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	ctx, leave := context.WithCancel(context.Background())
	_, _, err := a.Adopt(ctx, foreign, phone, func(ctx context.Context) (tokens.Identity, error) {
		leave()
		return alice, ctx.Err()
	})
	if err != nil {
		t.Error(err)
	}
	var from elsewhere
	w.adopt(a, from.isAlice)
	if from.asked.Load() != 0 {
		t.Error("it was asked about twice")
	}
}

func TestAForeignTokenEndsWithWhatEndedItsUser(t *testing.T) {
	for name, end := range map[string]func(*tokens.Authority) error{
		"a new password": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, "fp-alice-0", tokens.CauseAccount)
			return err
		},
		"a logout by another token of the plugin": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
			return err
		},
		"an operator who ended the user's sessions": func(a *tokens.Authority) error {
			_, err := a.EndUser(context.Background(), alice.UserID, "", tokens.CauseAdmin)
			return err
		},
		"an operator who ended all sessions": func(a *tokens.Authority) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				w.must(end(w.authority()))
				w.clock.Advance(24 * time.Hour)
				var from elsewhere
				pair, _, err := w.authority().Adopt(context.Background(), foreign, phone, from.isAlice)
				if !errors.Is(err, tokens.Ended) || pair != (tokens.Pair{}) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func TestTheEndOfOneUserLeavesTheForeignTokensOfAnother(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	_, err := a.EndUser(context.Background(), alice.UserID+1, "", tokens.CauseAdmin)
	w.must(err)
	var from elsewhere
	w.adopt(a, from.isAlice)
}

// claiming disturbs the commands of an adoption as a bad network does.
type claiming struct {
	twice, failing string // names of commands: the one is sent twice, the other never gets through
}

func (claiming) DialHook(next redis.DialHook) redis.DialHook { return next }
func (claiming) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c claiming) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == c.failing {
			cmd.SetErr(errors.New("connection reset"))
			return cmd.Err()
		}
		if strings.HasPrefix(c.twice, cmd.Name()) { // evalsha, and eval where the script is new
			if err := next(ctx, cmd); err != nil {
				return err
			}
		}
		return next(ctx, cmd)
	}
}

func TestAClaimWhoseAnswerWasLostIsStillOurs(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(claiming{twice: "evalsha"}) // as the client does by itself when a connection breaks
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var from elsewhere
	if _, _, err := a.Adopt(ctx, foreign, phone, from.isAlice); err != nil || from.asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, from.asked.Load())
	}
}

func TestASpentForeignTokenIsAnsweredThoughItCannotBeRemembered(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.rdb.AddHook(claiming{failing: "set"})
	var from elsewhere
	w.refresh(a, w.adopt(a, from.isAlice).Refresh)
}

func TestAForeignTokenIsNotAskedAboutWhileRedisIsAway(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	w.must(w.rdb.Close())
	var from elsewhere
	if _, _, err := a.Adopt(context.Background(), foreign, phone, from.isAlice); !errors.Is(err, tokens.ErrUnavailable) || from.asked.Load() != 0 {
		t.Errorf("%v, asked %d times", err, from.asked.Load())
	}
}

func TestNoForeignTokenCanBeReadFromRedis(t *testing.T) {
	w := embedded(t)
	var from elsewhere
	w.adopt(w.authority(), from.isAlice)
	keys, err := w.rdb.Keys(context.Background(), "*").Result()
	w.must(err)
	for _, k := range keys {
		if strings.Contains(k, foreign[:16]) {
			t.Errorf("it is in %s", k)
		}
	}
}
