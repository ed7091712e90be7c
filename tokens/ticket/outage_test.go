package ticket_test

import (
	"context"
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/ticket"
	"cocart-gateway/tokens/tokenstest"
)

// away fails every command behind the first few, as a Redis that goes away between them.
type away struct{ after int }

var errAway = errors.New("no answer")

func (a *away) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *away) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if a.after--; a.after < 0 {
			cmd.SetErr(errAway)
			return errAway
		}
		return next(ctx, cmd)
	}
}

func (a *away) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if a.after--; a.after < 0 {
			return errAway
		}
		return next(ctx, cmds)
	}
}

// Wherever Redis goes away, a ticket that was not spent is good afterwards.
func TestATicketThatCouldNotBeSpentIsGoodAfterwards(t *testing.T) {
	rdb, ctx := tokenstest.Embedded(t), context.Background()
	outage := &away{1000}
	rdb.AddHook(outage)
	authority := tokenstest.Authority(t, rdb, tokenstest.NewClock())
	pair, err := authority.Issue(ctx, tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice"}, tokens.Client{})
	if err != nil {
		t.Fatal(err)
	}
	access, err := authority.Verify(pair.Access)
	if err != nil {
		t.Fatal(err)
	}
	book := ticket.New(authority)
	made, err := book.Issue(ctx, access, "/cart/")
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for after := range 10 {
		outage.after = after
		seen, err := book.Spend(ctx, made)
		outage.after = 1000
		if err == nil {
			if seen.UserID != 2 || failed == 0 {
				t.Errorf("%+v after %d failures", seen, failed)
			}
			return
		}
		if failed++; !errors.Is(err, tokens.ErrUnavailable) {
			t.Fatalf("Redis is away after %d commands: %v", after, err)
		}
	}
	t.Error("never spent")
}
