package tokens_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
)

// commandCount is a hook that counts what is sent to Redis.
type commandCount struct{ n atomic.Int64 }

func (w *world) countCommands() *commandCount {
	c := &commandCount{}
	w.rdb.AddHook(c)
	return c
}

func (c *commandCount) reset() int64 { return c.n.Swap(0) }

func (c *commandCount) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *commandCount) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c *commandCount) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.n.Add(int64(len(cmds))); return next(ctx, cmds) }
}

func TestJudgingATokenSendsNothingToRedis(t *testing.T) {
	for name, size := range map[string]int{"cache on": 100, "cache off": 0} {
		t.Run(name, func(t *testing.T) {
			w := embedded(t)
			a := w.authority(func(c *tokens.Config) { c.VerifiedCache = size })
			good, ended := w.login(a, alice), w.login(a, alice)
			w.must(a.EndSession(context.Background(), ended.Session, tokens.CauseLogout))
			asked := w.countCommands()
			for range 100 {
				w.accessIs(a, good.Access, nil)
				w.accessIs(a, ended.Access, tokens.Revoked)
				w.accessIs(a, "a.b.c", tokens.Malformed)
				w.clock.Advance(time.Minute)
			}
			if n := asked.reset(); n != 0 {
				t.Errorf("300 verdicts cost %d Redis commands", n)
			}
		})
	}
}
