package attempts_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

// apart is a proxy in front of a cluster: it looks like one server, and refuses scripts with keys of several servers.
type apart struct{ refused int }

func (*apart) DialHook(next redis.DialHook) redis.DialHook { return next }
func (a *apart) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); cmd.Name() == "evalsha" && args[2] != 1 {
			a.refused++
			cmd.SetErr(crossSlot{})
			return crossSlot{}
		}
		return next(ctx, cmd)
	}
}
func (*apart) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

type crossSlot struct{}

func (crossSlot) Error() string { return "CROSSSLOT Keys in request don't hash to the same slot" }
func (crossSlot) RedisError()   {}

func TestAttemptsAreCountedWhereKeysAreOnSeveralServers(t *testing.T) {
	rdb, proxy := tokenstest.Embedded(t), &apart{}
	rdb.AddHook(proxy)
	w := open(t, rdb)
	for range 3 {
		w.says(w.wrong("alice", 2), "refused")
	}
	w.says(w.wrong("alice", 2), "account")
	if proxy.refused != 1 {
		t.Errorf("%d scripts were refused", proxy.refused)
	}
}

// Another gateway learned meanwhile whose name it is. The memory of this one is not relied on.
func TestAnAttemptIsCountedToTheAccountThatRedisNames(t *testing.T) {
	w := open(t, tokenstest.Redis(t).Client())
	one, two := w.another(), w.another()
	try := attempts.Try{Names: []string{"alice@example.com"}, Password: "wrong", Client: home}
	settle := func(g *attempts.Guard, want string) {
		t.Helper()
		a, err := g.Begin(ctx, try)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Account(); want != "" && got != want {
			t.Errorf("counted to %s, want %s", got, want)
		}
		if _, err := a.Refused(ctx, 2); err != nil {
			t.Fatal(err)
		}
	}
	settle(one, "")
	settle(two, "user:2")
	settle(one, "user:2")
	if _, err := two.Begin(ctx, try); scopeOf(err) != "account" {
		t.Errorf("a fourth attempt: %s", scopeOf(err))
	}
}
