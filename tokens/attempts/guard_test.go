package attempts_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

func TestRequestsAreLimitedByAddress(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i := range 5 {
			s, err := w.Allow(ctx, attempts.Refresh, home)
			if err != nil || s.Limit != 5 || s.Remaining != 4-i {
				t.Errorf("%d: %+v %v", i, s, err)
			}
		}
		s, err := w.Allow(ctx, attempts.Refresh, home)
		if scopeOf(err) != "address" || s.RetryAfter != 12 {
			t.Errorf("%+v %v", s, err)
		}
		if s, err := w.Allow(ctx, attempts.Validate, home); err != nil || s.Limit != 6 {
			t.Errorf("validate: %+v %v", s, err)
		}
		if _, err := w.Allow(ctx, attempts.Refresh, addr("192.0.2.8")); err != nil {
			t.Errorf("another address: %v", err)
		}
		w.clock.Advance(12 * time.Second)
		if _, err := w.Allow(ctx, attempts.Refresh, home); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

func TestReplicasShareTheirCounters(t *testing.T) {
	w := open(t, tokenstest.Redis(t).Client())
	other := world{TB: t, Guard: w.another(), rdb: w.rdb, clock: w.clock}
	w.wrongTimes(2, "alice", 0)
	other.wrongTimes(1, "alice", 0)
	w.says(w.wrong("alice", 0), "account")
	other.says(other.wrong("alice", 0), "account")
}

func TestRedisGoesAwayAndComesBack(t *testing.T) {
	server := tokenstest.Redis(t)
	var log bytes.Buffer
	w := open(t, server.Client(), func(c *attempts.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	a, _ := w.begin(attempts.Try{Names: []string{"alice"}})
	server.Stop()
	_, _ = a.Refused(ctx, 2) // began in Redis
	w.wrongTimes(2, "bob", 3)
	w.says(w.wrong("bob", 3), "refused")
	w.says(w.wrong("bob", 3), "account")
	server.Start()
	w.says(w.wrong("bob", 3), "account") // left alone for two seconds
	w.clock.Advance(2 * time.Second)
	w.wrongTimes(3, "bob", 3)
	w.says(w.wrong("bob", 3), "account")
	if n := strings.Count(log.String(), "cannot be counted in Redis"); n != 1 || !strings.Contains(log.String(), "in Redis again") {
		t.Errorf("the log: %s", &log)
	}
}

// silent is a Redis that stops to answer: each look at the counters is waited for in vain.
type silent struct {
	now    bool
	waited int
}

func (*silent) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*silent) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (s *silent) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if !s.now || cmds[0].Name() != "evalsha" {
			return next(ctx, cmds)
		}
		s.waited++
		return errors.New("i/o timeout")
	}
}

// A client whose password is being checked when Redis stops to answer waits for its counters once, not for each of them.
func TestAnAttemptWaitsOnceForTheCountersOfARedisThatWentAway(t *testing.T) {
	for name, settle := range map[string]func(*attempts.Attempt){
		"accepted":     func(a *attempts.Attempt) { _ = a.Accepted(ctx, 2) },
		"refused":      func(a *attempts.Attempt) { _, _ = a.Refused(ctx, 2) },
		"challenge":    func(a *attempts.Attempt) { _ = a.Challenge(ctx, 2) },
		"code refused": func(a *attempts.Attempt) { _, _ = a.CodeRefused(ctx, 2) },
		"undecided":    func(a *attempts.Attempt) { a.Undecided(ctx) },
	} {
		rdb, gone := tokenstest.Embedded(t), &silent{}
		rdb.AddHook(gone)
		w := open(t, rdb)
		a, _ := w.begin(attempts.Try{Names: []string{"alice"}, Password: "right", Code: true})
		gone.now = true
		settle(a)
		if gone.waited != 1 {
			t.Errorf("%s: waited %d times", name, gone.waited)
		}
	}
}

func TestTheArithmeticIsOneInRedisAndHere(t *testing.T) {
	here, there := open(t, nobody(t)), open(t, tokenstest.Redis(t).Client())
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		d := time.Duration(r.IntN(20_000)) * time.Millisecond
		here.clock.Advance(d)
		there.clock.Advance(d)
		a, errA := here.Allow(ctx, attempts.Refresh, home)
		b, errB := there.Allow(ctx, attempts.Refresh, home)
		if *a != *b || scopeOf(errA) != scopeOf(errB) {
			t.Fatalf("step %d: here %+v %v, in Redis %+v %v", i, a, errA, b, errB)
		}
	}
}

func TestRedisHoldsNoNameAndNoAddressAndForgets(t *testing.T) {
	rdb := tokenstest.Redis(t).Client()
	w := open(t, rdb, defaults)
	w.wrongTimes(2, "alice@example.com", 2)
	w.wrongTimes(1, "nobody", 0)
	w.says(w.right("alice", 2), "accepted")
	w.says(w.tryFrom("2001:db8::c0ff:ee", "alice", 2, true), "accepted")
	w.says(w.tryFrom("2001:db8::c0ff:ee", "alice", 2, false), "refused")
	a, _ := w.begin(attempts.Try{Names: []string{"alice"}, Code: true})
	_, _ = a.CodeRefused(ctx, 2)
	_, _ = w.Allow(ctx, attempts.Refresh, home)
	keys, err := rdb.Keys(ctx, "*").Result()
	if err != nil || len(keys) < 20 {
		t.Fatalf("%v %v", keys, err)
	}
	for _, key := range keys {
		for _, secret := range []string{"alice", "nobody", "example", "192.0.2", "2001:db8", "c0ff"} {
			if strings.Contains(key+rdb.Get(ctx, key).Val(), secret) {
				t.Errorf("%s holds %s", key, secret)
			}
		}
		most := 24 * time.Hour
		if strings.Contains(key, "a:record:") || strings.Contains(key, "a:alias:") {
			most = 90 * 24 * time.Hour
		}
		if ttl := rdb.PTTL(ctx, key).Val(); !strings.HasPrefix(key, "cocart:a:") || ttl == -1 || ttl > most {
			t.Errorf("%s stays for %s", key, ttl)
		}
	}
}

// trips counts the round trips and the commands in them.
type trips struct{ pipelines, commands int }

func (*trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.pipelines, c.commands = c.pipelines+1, c.commands+1
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) > 0 {
			c.pipelines, c.commands = c.pipelines+1, c.commands+len(cmds)
		}
		return next(ctx, cmds)
	}
}

func TestAnAttemptNeedsThreeRoundTripsOnRealRedis(t *testing.T) {
	rdb, count := tokenstest.Redis(t).Client(), &trips{}
	w := open(t, rdb, defaults)
	w.says(w.tryFrom(elsewhere6, "alice", 2, false), "refused") // the scripts are known now
	w.says(w.tryFrom(elsewhere6, "alice", 2, true), "accepted")
	rdb.AddHook(count)
	for name, row := range map[string]struct {
		do   func()
		most trips
	}{
		"right":       {func() { w.says(w.tryFrom(elsewhere6, "bob", 3, true), "accepted") }, trips{4, 30}}, // one more: bob was not known
		"wrong":       {func() { w.says(w.tryFrom(elsewhere6, "alice", 2, false), "refused") }, trips{2, 13}},
		"right again": {func() { w.says(w.tryFrom(elsewhere6, "alice", 2, true), "accepted") }, trips{2, 13}},
	} {
		*count = trips{}
		row.do()
		if count.pipelines > row.most.pipelines || count.commands > row.most.commands {
			t.Errorf("%s: %d round trips with %d commands, want at most %+v", name, count.pipelines, count.commands, row.most)
		}
	}
}

func TestHashesDifferByTheSecret(t *testing.T) {
	rdb := tokenstest.Embedded(t)
	w := open(t, rdb)
	w.wrongTimes(1, "nobody", 0)
	before := len(rdb.Keys(ctx, "*name*").Val())
	other := world{TB: t, Guard: w.another(func(c *attempts.Config) { c.Secret = []byte(strings.Repeat("another-", 5)) }), rdb: rdb, clock: w.clock}
	other.wrongTimes(1, "nobody", 0)
	if after := len(rdb.Keys(ctx, "*name*").Val()); before != 1 || after != 2 {
		t.Errorf("%d keys, then %d", before, after)
	}
}

func TestTheDocumentedRedisUserMayCountOnRealRedis(t *testing.T) {
	server := tokenstest.Redis(t)
	text, err := os.ReadFile("../../deploy/docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(text), "\nACL SETUSER gateway on ")
	rule, _, _ = strings.Cut(rule, "\n")
	args := []any{"ACL", "SETUSER", "gateway", "on"}
	for _, word := range strings.Fields(rule) {
		args = append(args, word)
	}
	if err := server.Client().Do(ctx, args...).Err(); err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "gateway", Password: "a-long-password"})
	defer rdb.Close()
	var log bytes.Buffer
	w := open(t, rdb, func(c *attempts.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.wrongTimes(2, "alice", 2)
	w.says(w.right("alice", 2), "accepted")
	w.wrongTimes(3, "alice", 2)
	if all, err := w.Lockouts(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
	if err := w.ClearAll(ctx); err != nil || log.Len() > 0 {
		t.Errorf("%v %s", err, &log)
	}
}

func TestOneScriptOneKeyOnRealRedis(t *testing.T) {
	cluster := tokenstest.Cluster(t).Client()
	w := open(t, cluster)
	w.wrongTimes(1, "alice", 2)
	w.wrongTimes(2, "alice@example.com", 2)
	w.says(w.wrong("alice", 2), "linked")
	if all, err := w.Lockouts(ctx); err != nil || len(all) != 1 {
		t.Errorf("%v %v", all, err)
	}
}

func TestLockoutsAreListedAndCleared(t *testing.T) {
	v6 := addr("2001:db8::1")
	for name, clear := range map[string]func(w *world) error{
		"by user": func(w *world) error { return w.ClearUser(ctx, 2) },
		"by address": func(w *world) error {
			if err := w.ClearAddress(ctx, home); err != nil {
				return err
			}
			return w.ClearAddress(ctx, addr("2001:db8::ffff"))
		},
		"all": func(w *world) error { return w.ClearAll(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, tokenstest.Embedded(t))
			w.wrongTimes(1, "bob", 3)
			w.wrongTimes(3, "alice", 2)
			for range 5 {
				_, _ = w.Allow(ctx, attempts.Refresh, home)
			}
			for range 6 {
				_, _ = w.Allow(ctx, attempts.Validate, v6)
			}
			all, err := w.Lockouts(ctx)
			if err != nil || len(all) != 3 {
				t.Fatalf("%+v %v", all, err)
			}
			want := attempts.Lockout{Counter: "account", Subject: "user:2", Until: w.clock.Now().Add(5 * time.Minute), Reset: time.UnixMicro(w.clock.Now().Add(15 * time.Minute).UnixMicro())}
			if all[0] != want {
				t.Errorf("%+v, want %+v", all[0], want)
			}
			if err := clear(w); err != nil {
				t.Fatal(err)
			}
			left, _ := w.Lockouts(ctx)
			if want := map[string]int{"by user": 2, "by address": 1, "all": 0}[name]; len(left) != want {
				t.Errorf("%d left: %+v", len(left), left)
			}
		})
	}
}

// The same commands end what the wider counters hold.
func TestLockoutsOfNetworksAreListedAndCleared(t *testing.T) {
	limits := func(c *attempts.Config) {
		withNewcomers(c)
		c.Account, c.AccountNetwork, c.Subnet, c.Network = per(1, time.Hour), per(1, time.Hour), per(1, time.Hour), per(1, time.Hour)
	}
	for name, row := range map[string]struct {
		clear func(w *world) error
		left  string
	}{
		"nothing": {func(*world) error { return nil }, "account account_network network subnet"},
		"user":    {func(w *world) error { return w.ClearUser(ctx, 2) }, "network subnet"},
		"address": {func(w *world) error { return w.ClearAddress(ctx, addr(elsewhere6)) }, "account"},
		"all":     {func(w *world) error { return w.ClearAll(ctx) }, ""},
	} {
		w := open(t, tokenstest.Embedded(t), limits)
		w.says(w.tryFrom(elsewhere6, "alice", 2, false), "refused")
		if err := row.clear(w); err != nil {
			t.Fatal(err)
		}
		all, err := w.Lockouts(ctx)
		var left []string
		for _, l := range all {
			left = append(left, l.Counter)
			if l.Counter == "account_network" && l.Subject != "user:2:"+w.Subjects(addr(elsewhere6))[2] {
				t.Errorf("%+v", l)
			}
		}
		if got := strings.Join(left, " "); got != row.left || err != nil {
			t.Errorf("%s: left are %q, want %q; %v", name, got, row.left, err)
		}
	}
}

func TestABadConfigurationIsRefused(t *testing.T) {
	for name, cfg := range map[string]attempts.Config{
		"a short secret":     {Secret: []byte("short")},
		"a limit of less":    {Secret: make([]byte, 32), Account: per(-1, time.Minute)},
		"a limit of no time": {Secret: make([]byte, 32), Refresh: per(1, 0)},
		"too many":           {Secret: make([]byte, 32), Overall: per(2_000_000, time.Second)},
	} {
		if _, err := attempts.New(cfg, wprequest.NameKey, tokenstest.Embedded(t)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
