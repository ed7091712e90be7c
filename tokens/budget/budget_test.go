package budget_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/budget"
	"cocart-gateway/tokens/tokenstest"
)

// sent counts the commands and pipelines that go out, without those that open a connection.
type sent struct{ n atomic.Int64 }

func (*sent) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s *sent) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "hello" {
			s.n.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (s *sent) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "hello" {
			s.n.Add(1)
		}
		return next(ctx, cmds)
	}
}

// silent accepts connections and answers nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// limited is a client whose own timeouts never end; so what ends a command here is its budget.
func limited(t *testing.T, address string, most time.Duration) (redis.UniversalClient, *sent) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, DialTimeout: time.Hour, ReadTimeout: time.Hour, WriteTimeout: time.Hour, ContextTimeoutEnabled: true, DisableIdentity: true, MaxRetries: 5})
	t.Cleanup(func() { client.Close() })
	count := &sent{}
	client.AddHook(budget.Limit(most))
	client.AddHook(count)
	return client, count
}

func TestTheCommandsOfARequestShareTheTimeOfASilentRedis(t *testing.T) {
	client, count := limited(t, silent(t), 50*time.Millisecond)
	ctx := budget.Within(t.Context(), &budget.Budget{})
	if err := client.Get(ctx, "x").Err(); err == nil || errors.Is(err, budget.ErrSpent) {
		t.Errorf("the first command: %v", err)
	}
	for range 3 {
		if err := client.Get(ctx, "x").Err(); !errors.Is(err, budget.ErrSpent) {
			t.Errorf("a command after it: %v", err)
		}
	}
	pipe := client.Pipeline()
	one, other := pipe.Get(ctx, "x"), pipe.Incr(ctx, "n")
	if _, err := pipe.Exec(ctx); !errors.Is(err, budget.ErrSpent) || !errors.Is(one.Err(), budget.ErrSpent) || !errors.Is(other.Err(), budget.ErrSpent) {
		t.Errorf("a pipeline after it: %v, %v, %v", err, one.Err(), other.Err())
	}
	if n := count.n.Load(); n != 1 {
		t.Errorf("%d were sent", n)
	}
}

func TestCleaningUpHasABudgetOfItsOwn(t *testing.T) {
	client, count := limited(t, silent(t), 50*time.Millisecond)
	ctx, leave := context.WithCancel(budget.Within(t.Context(), &budget.Budget{}))
	_ = client.Get(ctx, "x").Err()
	leave()
	if err := client.Get(budget.Apart(ctx), "x").Err(); err == nil || errors.Is(err, budget.ErrSpent) || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := count.n.Load(); n != 2 {
		t.Errorf("%d were sent", n)
	}
}

func TestRequestsHaveBudgetsOfTheirOwn(t *testing.T) {
	client, _ := limited(t, tokenstest.Redis(t).Addr(), time.Hour)
	for range 2 {
		ctx := budget.Within(t.Context(), &budget.Budget{})
		for range 3 {
			if err := client.Incr(ctx, "n").Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := client.Get(t.Context(), "n").Int(); n != 6 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

// A command without a budget may wait on purpose, as the follower of the revocation log does.
func TestACommandWithoutABudgetIsNotLimited(t *testing.T) {
	client, _ := limited(t, tokenstest.Redis(t).Addr(), time.Nanosecond)
	if err := client.Incr(budget.Within(t.Context(), &budget.Budget{}), "n").Err(); err == nil {
		t.Error("a command with a budget of nothing was carried out")
	}
	if err := client.Incr(t.Context(), "n").Err(); err != nil {
		t.Error(err)
	}
}

// A key that is missing is no error of the other commands in its pipeline.
func TestEachCommandOfAPipelineKeepsItsOwnError(t *testing.T) {
	client, _ := limited(t, tokenstest.Redis(t).Addr(), time.Hour)
	pipe := client.Pipeline()
	ctx := budget.Within(t.Context(), &budget.Budget{})
	missing, counted := pipe.Get(ctx, "x"), pipe.Incr(ctx, "n")
	_, _ = pipe.Exec(ctx)
	if !errors.Is(missing.Err(), redis.Nil) || counted.Err() != nil || counted.Val() != 1 {
		t.Errorf("the missing key: %v, the counter: %d, %v", missing.Err(), counted.Val(), counted.Err())
	}
}
