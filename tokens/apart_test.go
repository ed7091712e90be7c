package tokens_test

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/tokenstest"
)

// severalServers is a proxy with several servers behind it. It looks like one server, and refuses scripts with keys of several.
type severalServers struct{ refused int }

type crossSlot struct{}

func (crossSlot) Error() string { return "CROSSSLOT Keys in request don't hash to the same slot" }
func (crossSlot) RedisError()   {}

func (s *severalServers) refuses(cmd redis.Cmder) bool {
	args := cmd.Args()
	if cmd.Name() != "evalsha" && cmd.Name() != "eval" || args[2] == 1 {
		return false
	}
	s.refused++
	cmd.SetErr(crossSlot{})
	return true
}

func (*severalServers) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *severalServers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if s.refuses(cmd) {
			return crossSlot{}
		}
		return next(ctx, cmd)
	}
}

func (s *severalServers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) (err error) {
		for _, cmd := range cmds {
			if s.refuses(cmd) {
				err = crossSlot{}
			} else if one := next(ctx, []redis.Cmder{cmd}); err == nil {
				err = one
			}
		}
		return err
	}
}

// The gateway learns of several servers behind one address by its first script, and the customer must not notice.
func TestTheFirstScriptThatMeetsSeveralServersLosesNothing(t *testing.T) {
	for first, refreshes := range map[string]bool{"a login": false, "a refresh": true} {
		t.Run(first, func(t *testing.T) {
			w, proxy := embedded(t), &severalServers{}
			own := redis.NewClient(w.rdb.(*redis.Client).Options())
			t.Cleanup(func() { own.Close() })
			own.AddHook(proxy)
			a := tokenstest.Authority(w, own, w.clock)
			begins := a
			if refreshes {
				begins = w.authority()
			}
			pair := w.login(begins, alice)
			for range 3 {
				pair = w.refresh(a, pair.Refresh)
			}
			w.accessIs(a, pair.Access, nil)
			if len(w.list(a, alice.UserID)) != 1 || proxy.refused != 1 {
				t.Errorf("%d sessions; %d scripts were refused", len(w.list(a, alice.UserID)), proxy.refused)
			}
		})
	}
}
