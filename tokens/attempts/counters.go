package attempts

import (
	"context"
	_ "embed" // the script
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed spend.lua
var spendSource string

var spendScript = redis.NewScript(spendSource)

// draw is one thing to be done to one counter.
type draw struct {
	scope Scope
	key   string // without the prefix
	limit Limit
	cost  int64
}

// outcome is the counter after a draw.
type outcome struct {
	full int64 // Unix microseconds
	ok   bool
}

// counters are in Redis, or in this process.
type counters interface {
	spend(ctx context.Context, now int64, draws []draw) ([]outcome, error)
}

// shared counts in Redis.
type shared struct {
	redis.UniversalClient
	prefix string
}

// spend needs one round trip, and one more when a server does not know the script.
func (s *shared) spend(ctx context.Context, now int64, draws []draw) ([]outcome, error) {
	cmds := make([]*redis.Cmd, len(draws))
	_, err := s.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, d := range draws {
			cmds[i] = spendScript.EvalSha(ctx, p, []string{s.prefix + d.key}, d.arguments(now)...)
		}
		return nil
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		_, err = s.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, d := range draws {
				if redis.HasErrorPrefix(cmds[i].Err(), "NOSCRIPT") {
					cmds[i] = spendScript.Eval(ctx, p, []string{s.prefix + d.key}, d.arguments(now)...)
				}
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("counting attempts: %w", err)
	}
	return outcomes(cmds)
}

func (d draw) arguments(now int64) []any {
	return []any{now, d.limit.interval(), d.limit.N, d.cost, d.limit.leeway()}
}

func outcomes(cmds []*redis.Cmd) ([]outcome, error) {
	out := make([]outcome, len(cmds))
	for i, cmd := range cmds {
		answer, err := cmd.Slice()
		if err != nil || len(answer) != 2 {
			return nil, fmt.Errorf("counting attempts: %w", errors.Join(err, errors.New("an answer of the script is not understood")))
		}
		full, _ := answer[1].(string)
		if out[i].full, err = strconv.ParseInt(full, 10, 64); err != nil {
			return nil, fmt.Errorf("counting attempts: %w", err)
		}
		out[i].ok = answer[0] == int64(1)
	}
	return out, nil
}

// aliases returns the user ids behind names, 0 where none is known.
func (s *shared) aliases(ctx context.Context, names []string) ([]int64, error) {
	cmds := make([]*redis.StringCmd, len(names))
	_, err := s.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			cmds[i] = p.Get(ctx, s.prefix+aliasKey(name))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("reading aliases: %w", err)
	}
	users := make([]int64, len(names))
	for i, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, fmt.Errorf("reading aliases: %w", err)
		}
		users[i], _ = strconv.ParseInt(cmd.Val(), 10, 64) // 0: what is not ours names nobody
	}
	return users, nil
}

func (s *shared) remember(ctx context.Context, name string, user int64) error {
	return s.Set(ctx, s.prefix+aliasKey(name), strconv.FormatInt(user, 10), aliasLife).Err()
}

// aliasLife bounds what a client can fill Redis with, who invents a new spelling for each attempt.
const aliasLife = 2 * time.Hour

func aliasKey(name string) string { return "a:alias:" + strings.TrimPrefix(name, "name:") }

// pause is how long Redis is left alone after it did not answer, so that not every request waits for it.
const pause = 2 * time.Second

// breaker remembers that Redis is away.
type breaker struct{ until atomic.Int64 }

func (b *breaker) open(now int64) bool { return now < b.until.Load() }

// trip tells whether Redis was there until now.
func (b *breaker) trip(now int64) (first bool) { return b.until.Swap(now+pause.Microseconds()) == 0 }

// mend tells whether Redis was away until now.
func (b *breaker) mend() (first bool) { return b.until.Load() != 0 && b.until.Swap(0) != 0 }
