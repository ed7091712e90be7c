package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

func TestLogoutIsRefusedFromItsAnswerOn(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(cached), w.authority(cached)
		gone, stays := w.login(a, alice), w.login(a, alice)
		w.accessIs(a, gone.Access, nil)
		w.accessIs(other, gone.Access, nil)
		for range 2 { // twice is as once
			w.must(a.EndSession(context.Background(), gone.Session, tokens.CauseLogout))
		}
		w.accessIs(a, gone.Access, tokens.Revoked)
		w.refreshIs(other, gone.Refresh, tokens.Ended)
		w.catchUp(other)
		w.accessIs(other, gone.Access, tokens.Revoked)
		w.accessIs(other, stays.Access, nil)
		w.refreshIs(other, stays.Refresh, nil)
	})
}

func TestWhatEndsSessionsIsNotCalledOffByAClientThatLeaves(t *testing.T) {
	left, leave := context.WithCancel(context.Background())
	leave()
	for name, end := range map[string]func(a *tokens.Authority, session string) error{
		"a session": func(a *tokens.Authority, session string) error {
			return a.EndSession(left, session, tokens.CauseLogout)
		},
		"a user": func(a *tokens.Authority, _ string) error {
			_, err := a.EndUser(left, 2, "", tokens.CauseAccount)
			return err
		},
		"all": func(a *tokens.Authority, _ string) error { return a.EndAll(left, tokens.CauseAdmin) },
	} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a, other := w.authority(), w.authority()
			pair := w.login(a, alice)
			w.must(end(a, pair.Session))
			w.catchUp(other)
			w.accessIs(other, pair.Access, tokens.Revoked)
			w.refreshIs(other, pair.Refresh, tokens.Ended)
		})
	}
}

func TestWhoFollowsTheLogAlsoTrimsIt(t *testing.T) {
	w := embedded(t)
	a, ctx := w.authority(), context.Background()
	w.must(w.rdb.XAdd(ctx, &redis.XAddArgs{Stream: "cocart:revocations", ID: "1-1", Values: []any{"kind", "all", "at", 1}}).Err())
	tokenstest.Follow(t, a)
	tokenstest.Eventually(t, "the entry of 1970 is gone", func() bool { return w.rdb.XLen(ctx, "cocart:revocations").Val() == 0 })
}

func TestAThiefWhoLeavesAtOnceEndsTheSessionAllTheSame(t *testing.T) {
	w := embedded(t)
	a, other := w.authority(never), w.authority()
	spent := w.login(a, alice)
	current := w.refresh(a, spent.Refresh)
	w.clock.Advance(time.Minute)
	ctx, leave := context.WithCancel(context.Background())
	w.rdb.AddHook(leaving{after: string(tokens.Never), leave: leave}) // once rotate.lua has run
	if _, _, err := a.Refresh(ctx, spent.Refresh, thief); !errors.Is(err, tokens.Reused) || ctx.Err() == nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	w.catchUp(other)
	w.accessIs(other, current.Access, tokens.Revoked)
}

// leaving has the client leave once Redis has answered a command with an argument that begins so.
type leaving struct {
	after string
	leave context.CancelFunc
}

func (leaving) DialHook(next redis.DialHook) redis.DialHook { return next }
func (leaving) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l leaving) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && slices.ContainsFunc(cmd.Args(), func(arg any) bool { text, _ := arg.(string); return strings.HasPrefix(text, l.after) }) {
			l.leave()
		}
		return err
	}
}

func never(c *tokens.Config) { c.LostAnswer = tokens.Never }

func cached(c *tokens.Config) { c.VerifiedCache = 100 }

func TestOnlyASessionIDEndsASession(t *testing.T) {
	w := embedded(t)
	for _, id := range []string{"", "*", "AAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAA\nAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA"} {
		if err := w.authority().EndSession(context.Background(), id, tokens.CauseLogout); err != tokens.Malformed {
			t.Errorf("ending session %q: %v", id, err)
		}
	}
}

func TestEndingAUser(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other, ctx := w.authority(), w.authority(), context.Background()
		changed := alice
		changed.Fingerprint = "fp-alice-2"
		old, newer, bob := w.login(a, alice), w.login(a, changed), w.login(a, tokens.Identity{UserID: 3, Login: "bob", Fingerprint: "fp-alice-1"})

		n, err := a.EndUser(ctx, 2, "fp-alice-1", tokens.CauseAccount)
		if n != 1 || err != nil {
			t.Errorf("ending by fingerprint ended %d, %v, want 1", n, err)
		}
		w.catchUp(other)
		for _, gateway := range []*tokens.Authority{a, other} {
			w.accessIs(gateway, old.Access, tokens.Revoked)
			w.refreshIs(gateway, old.Refresh, tokens.Ended)
			w.accessIs(gateway, newer.Access, nil)
			w.accessIs(gateway, bob.Access, nil)
		}
		again := w.login(a, alice) // within the same millisecond
		w.accessIs(a, again.Access, nil)
		w.refreshIs(a, again.Refresh, nil)

		n, err = a.EndUser(ctx, 2, "", tokens.CauseAdmin)
		if n != 2 || err != nil {
			t.Errorf("ending all of a user ended %d, %v, want 2", n, err)
		}
		w.catchUp(other)
		w.accessIs(other, newer.Access, tokens.Revoked)
		w.accessIs(other, again.Access, tokens.Revoked)
		w.accessIs(other, bob.Access, nil)
	})
}

func TestEndingAll(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other, ctx := w.authority(), w.authority(), context.Background()
		pairs := []tokens.Pair{w.login(a, alice), w.login(a, tokens.Identity{UserID: 3, Login: "bob"})}
		w.must(a.EndAll(ctx, tokens.CauseAdmin))
		w.catchUp(other)
		for _, pair := range pairs {
			w.accessIs(a, pair.Access, tokens.Revoked)
			w.accessIs(other, pair.Access, tokens.Revoked)
			w.refreshIs(other, pair.Refresh, tokens.Ended)
		}
		for s, err := range a.Sessions(ctx, 0) {
			t.Errorf("still listed: %+v, %v", s, err)
		}
		after := w.login(a, alice) // within the same millisecond
		w.accessIs(a, after.Access, nil)
		w.must(a.EndAll(ctx, tokens.CauseAdmin))
		w.accessIs(a, after.Access, tokens.Revoked)
	})
}

// The clock of one gateway is ahead. What another one ends afterwards takes back nothing of what the first one ended.
func TestAnEndByASlowerClockTakesNoEarlierEndBack(t *testing.T) {
	for what, end := range ends {
		t.Run(what, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				ahead := tokenstest.NewClock()
				ahead.Advance(time.Minute)
				pair := w.login(tokenstest.Authority(t, w.rdb, ahead), alice)
				w.must(w.rdb.Del(context.Background(), "cocart:u:2").Err()) // the index may be lost: the cutoff alone ends the session
				w.must(end(tokenstest.Authority(t, w.rdb, ahead)))
				w.must(w.rdb.Del(context.Background(), "cocart:u:2").Err())
				w.must(end(w.authority()))
				w.refreshIs(w.authority(), pair.Refresh, tokens.Ended)
			})
		})
	}
}

// ends are the ways to end alice's sessions.
var ends = map[string]func(a *tokens.Authority) error{
	"all":           func(a *tokens.Authority) error { return a.EndAll(context.Background(), tokens.CauseAdmin) },
	"a user":        func(a *tokens.Authority) error { return endUser(a, "") },
	"a fingerprint": func(a *tokens.Authority) error { return endUser(a, alice.Fingerprint) },
}

func endUser(a *tokens.Authority, fingerprint string) error {
	_, err := a.EndUser(context.Background(), alice.UserID, fingerprint, tokens.CauseAdmin)
	return err
}

func TestAGatewayThatStartsReadsWhatIsStillRelevant(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		gone, stays := w.login(a, alice), w.login(a, alice)
		w.must(a.EndSession(context.Background(), gone.Session, tokens.CauseLogout))
		late := w.authority()
		tokenstest.Follow(t, late)
		w.accessIs(late, gone.Access, tokens.Revoked)
		w.accessIs(late, stays.Access, nil)
	})
}

func TestAFollowerHearsOfALogoutElsewhere(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(), w.authority()
		pair := w.login(a, alice)
		tokenstest.Follow(t, other)
		w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
		tokenstest.Eventually(t, "the other gateway refuses the token", func() bool {
			_, err := other.Verify(pair.Access)
			return err == tokens.Revoked
		})
	})
}

func TestMoreRevocationsThanOneBatchAreAllRead(t *testing.T) {
	w := embedded(t)
	a := w.authority(limit(-1))
	first := w.login(a, alice)
	w.must(a.EndSession(context.Background(), first.Session, tokens.CauseLogout))
	for range 1500 {
		w.must(w.rdb.XAdd(context.Background(), &redis.XAddArgs{Stream: "cocart:revocations", Values: []string{"kind", "user", "uid", "77", "fp", "", "at", "1"}}).Err())
	}
	last := w.login(a, alice)
	w.must(a.EndSession(context.Background(), last.Session, tokens.CauseLogout))
	fresh := w.authority()
	w.catchUp(fresh)
	w.accessIs(fresh, first.Access, tokens.Revoked)
	w.accessIs(fresh, last.Access, tokens.Revoked)
}

func TestForeignEntriesInTheLogAreLeftOut(t *testing.T) {
	w := embedded(t)
	var out bytes.Buffer
	a := w.authority(func(c *tokens.Config) { c.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	pair := w.login(a, alice)
	for _, values := range [][]string{{"kind", "later"}, {"kind", "session", "sid", "x", "at", "1"}, {"kind", "user", "uid", "-1", "at", "1"}, {"kind", "all"}, {"x", "y"}} {
		w.must(w.rdb.XAdd(context.Background(), &redis.XAddArgs{Stream: "cocart:revocations", Values: values}).Err())
	}
	w.catchUp(a)
	w.accessIs(a, pair.Access, nil)
	if n := bytes.Count(out.Bytes(), []byte("unknown entry skipped")); n != 5 {
		t.Errorf("5 foreign entries were reported %d times: %s", n, &out)
	}
}

func TestAFollowerCatchesUpAfterAGapOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	w := &world{t, server.Client(), tokenstest.NewClock()}
	a := w.authority()
	pairs := []tokens.Pair{w.login(a, alice), w.login(a, alice), w.login(a, alice)}
	follower := tokenstest.Authority(t, server.Client(), w.clock)
	tokenstest.Follow(t, follower)

	server.Kill()
	tokenstest.Eventually(t, "the outage is noticed", func() bool { return follower.Ready(context.Background()) != nil })
	w.accessIs(follower, pairs[0].Access, nil)
	server.Start()
	w.must(a.EndSession(context.Background(), pairs[0].Session, tokens.CauseLogout))
	w.must(a.EndSession(context.Background(), pairs[1].Session, tokens.CauseLogout))
	tokenstest.Eventually(t, "the follower caught up", func() bool {
		_, first := follower.Verify(pairs[0].Access)
		_, second := follower.Verify(pairs[1].Access)
		return first == tokens.Revoked && second == tokens.Revoked
	})
	w.accessIs(follower, pairs[2].Access, nil)
}

// Redis came back without what it had: whoever wrote the lost entries writes them again, and everybody reads from
// the start of the younger log.
func TestALogThatWasLostIsWrittenAgainOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	w := &world{t, server.Client(), tokenstest.NewClock()}
	a := w.authority()
	pair, later := w.login(a, alice), w.login(a, alice)
	stop := tokenstest.Follow(t, a)
	w.must(a.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	w.must(w.rdb.FlushAll(context.Background()).Err())
	server.Kill()
	tokenstest.Eventually(t, "the outage is noticed", func() bool { return a.CatchUp(context.Background()) != nil })
	server.Start()
	w.catchUp(a)
	stop()

	late := w.authority()
	w.catchUp(late)
	w.accessIs(late, pair.Access, tokens.Revoked)
	w.accessIs(late, later.Access, nil)
}

func TestAStaleViewIsServedOrDenied(t *testing.T) {
	for name, row := range map[string]struct {
		policy tokens.OnStale
		want   error
	}{"serve": {tokens.Serve, nil}, "deny": {tokens.Deny, tokens.Stale}} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(cached, func(c *tokens.Config) { c.OnStale, c.MaxStaleness = row.policy, time.Minute })
			pair := w.login(a, alice)
			w.accessIs(a, pair.Access, row.want) // never read yet
			w.catchUp(a)
			w.accessIs(a, pair.Access, nil)
			w.clock.Advance(time.Minute)
			w.accessIs(a, pair.Access, nil)
			w.clock.Advance(time.Second)
			w.accessIs(a, pair.Access, row.want)
			w.catchUp(a)
			w.accessIs(a, pair.Access, nil)
		})
	}
}

// failXADD is a Redis that goes away just before the log is written.
type failXADD struct{ redis.Hook }

func (failXADD) DialHook(next redis.DialHook) redis.DialHook { return next }

func (failXADD) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, slices.DeleteFunc(slices.Clone(cmds), func(c redis.Cmder) bool { return c.Name() == "xadd" }))
		for _, c := range cmds {
			if c.Name() == "xadd" {
				c.SetErr(context.DeadlineExceeded)
			}
		}
		return err
	}
}

func (failXADD) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "xadd" {
			return context.DeadlineExceeded
		}
		return next(ctx, cmd)
	}
}

// failing is an authority whose log cannot be written, beside those of w on the same store.
func (w *world) failing(server *tokenstest.Server) *tokens.Authority {
	c := server.Client()
	c.AddHook(failXADD{})
	a := tokenstest.Authority(w, c, w.clock)
	tokens.KeysApart(a) // where all keys are on one server, a script writes the log as well
	return a
}

func TestWithoutALimitNoViewIsStale(t *testing.T) {
	w := embedded(t)
	a := w.authority(func(c *tokens.Config) { c.OnStale = tokens.Deny })
	pair := w.login(a, alice)
	w.clock.Advance(time.Hour)
	w.accessIs(a, pair.Access, nil)
}

func TestWhatTheLogDidNotTakeIsToldAgainOnRealRedis(t *testing.T) {
	type players struct {
		w              *world
		broken, whole  *tokens.Authority
		first, current tokens.Pair
	}
	for name, row := range map[string]func(t *testing.T, p players) (dead string){
		"logout": func(t *testing.T, p players) string {
			if err := p.broken.EndSession(context.Background(), p.first.Session, tokens.CauseLogout); err == nil {
				t.Error("a logout that was not logged is called a success")
			}
			p.w.accessIs(p.broken, p.current.Access, nil) // so that it can be asked again
			p.w.must(p.whole.EndSession(context.Background(), p.first.Session, tokens.CauseLogout))
			return p.current.Access
		},
		"reuse": func(t *testing.T, p players) string {
			p.w.refreshIs(p.broken, p.first.Refresh, tokens.ErrUnavailable)
			p.w.refreshIs(p.whole, p.first.Refresh, tokens.Reused)
			p.w.refreshIs(p.whole, p.first.Refresh, tokens.Ended)
			return p.current.Access
		},
		"rotation": func(t *testing.T, p players) string {
			p.w.refreshIs(p.broken, p.current.Refresh, tokens.ErrUnavailable)
			next := p.w.refresh(p.whole, p.current.Refresh)
			p.w.accessIs(p.whole, next.Access, nil)
			p.w.clock.Advance(31 * time.Second)
			return p.current.Access
		},
		"password change": func(t *testing.T, p players) string {
			if _, err := p.broken.EndUser(context.Background(), 2, alice.Fingerprint, tokens.CauseAccount); err == nil {
				t.Error("an end that was not logged is called a success")
			}
			_, err := p.whole.EndUser(context.Background(), 2, alice.Fingerprint, tokens.CauseAccount)
			p.w.must(err)
			return p.current.Access
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := tokenstest.Redis(t)
			w := &world{t, server.Client(), tokenstest.NewClock()}
			p := players{w: w, broken: w.failing(server), whole: w.authority()}
			p.first = w.login(p.whole, alice)
			second := w.refresh(p.whole, p.first.Refresh)
			w.clock.Advance(31 * time.Second)
			p.current = w.refresh(p.whole, second.Refresh)
			dead := row(t, p)
			third := w.authority()
			w.catchUp(third)
			w.accessIs(third, dead, tokens.Revoked)
		})
	}
}
