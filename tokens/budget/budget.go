// Package budget limits the time that all Redis commands of one request take together.
//
// A login counts an attempt, settles it and begins a session. If each of these waited for a silent Redis for as long as one
// command may, its client would wait for their sum, or give up before it learns anything. So each request has one budget,
// from which its commands spend the time that they take: one after the other, with connecting, redirects and whatever the
// client library does again. What else the request waits for, such as WordPress, does not count.
package budget

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrSpent is the error of a command that was not sent, because those before it took all of the time.
var ErrSpent = errors.New("the Redis commands of this request took all of their time")

// Budget is the time of one request. The zero value has spent nothing. It is safe for concurrent use.
type Budget struct{ spent atomic.Int64 } // in ns

type key struct{}

// Within returns a context whose Redis commands spend from b. Commands without a budget have only the timeouts of the
// client: those of the follower of the revocation log, which waits on purpose, and those of operators, who may read
// the whole keyspace.
func Within(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, key{}, b)
}

// Spent returns what the commands of a request have taken so far; 0 without a budget.
func Spent(ctx context.Context) time.Duration {
	if b, _ := ctx.Value(key{}).(*Budget); b != nil {
		return time.Duration(b.spent.Load())
	}
	return 0
}

// Apart returns a context for cleaning up. Its commands have a budget of their own, since that of the request may be spent,
// and go on when the client has left.
func Apart(ctx context.Context) context.Context {
	return Within(context.WithoutCancel(ctx), &Budget{})
}

// Limit returns the hook of a client that enforces budgets: the commands of one take no longer than most. Add it before
// other hooks, so that these see the deadline.
func Limit(most time.Duration) redis.Hook { return limit(most) }

type limit time.Duration

// DialHook does nothing: a command waits for its connection within the deadline that it has.
func (limit) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook limits one command.
func (l limit) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return l.spend(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook limits one round trip of many commands.
func (l limit) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := l.spend(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
		if errors.Is(err, ErrSpent) { // the library asks each command for its error
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

func (l limit) spend(ctx context.Context, send func(context.Context) error) error {
	b, _ := ctx.Value(key{}).(*Budget)
	if b == nil {
		return send(ctx)
	}
	left := time.Duration(l) - time.Duration(b.spent.Load())
	if left <= 0 {
		return ErrSpent
	}
	began := time.Now() // before the deadline is made: a command that reaches it has spent all that was left
	defer func() { b.spent.Add(int64(time.Since(began))) }()
	// What the library sends to open a connection runs within this command, and must not be counted twice.
	ctx, cancel := context.WithTimeout(Within(ctx, nil), left)
	defer cancel()
	return send(ctx)
}
