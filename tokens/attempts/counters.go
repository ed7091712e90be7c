package attempts

import (
	"cocart-gateway/tokens/cluster"
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
var spendFunction string

var spendScript = redis.NewScript(spendFunction + "return spend(KEYS[1], ARGV)")

// draw is one operation on one counter.
type draw struct {
	scope Scope
	key   string // without the prefix
	limit Limit
	cost  int64
	fill  bool // a cost that exceeds the limit takes what is left
}

// outcome is the counter after a draw.
type outcome struct {
	full int64 // Unix microseconds
	ok   bool
}

// batch is what is read and written in one round trip.
type batch struct {
	texts   []string // keys to be read
	draws   []draw
	records []addition
	aliases []alias
}

func (b batch) empty() bool { return len(b.texts)+len(b.draws)+len(b.records)+len(b.aliases) == 0 }

// alias is the user behind a name.
type alias struct {
	name string // hashed
	user int64
	life time.Duration
}

// results are in the order of the batch. A text that does not exist is "".
type results struct {
	texts []string
	out   []outcome
}

// counters are in Redis, or in this process.
type counters interface {
	apply(ctx context.Context, now int64, b batch) (results, error)
}

// shared counts in Redis.
type shared struct {
	redis.UniversalClient
	prefix string
	apart  atomic.Bool // keys are on several servers
}

func newShared(client redis.UniversalClient, prefix string) *shared {
	s := &shared{UniversalClient: client, prefix: prefix}
	s.apart.Store(cluster.Several(client))
	return s
}

// apply needs one round trip, and one more when a server does not know a script.
func (s *shared) apply(ctx context.Context, now int64, b batch) (results, error) {
	pipe := s.Pipeline()
	q := s.queue(ctx, pipe, now, b)
	_, _ = pipe.Exec(ctx) // each command has its own error
	return q.results(ctx)
}

// queued is a batch in a pipeline.
type queued struct {
	s       *shared
	texts   []*redis.StringCmd
	calls   []cluster.Call
	draws   int // how many of calls
	aliases []*redis.StatusCmd
}

func (s *shared) queue(ctx context.Context, pipe redis.Pipeliner, now int64, b batch) *queued {
	q := &queued{s: s, calls: s.calls(now, b), draws: len(b.draws)}
	for _, key := range b.texts {
		q.texts = append(q.texts, pipe.Get(ctx, s.prefix+key))
	}
	cluster.Queue(ctx, pipe, q.calls)
	for _, a := range b.aliases {
		q.aliases = append(q.aliases, pipe.Set(ctx, s.prefix+aliasKey(a.name), strconv.FormatInt(a.user, 10), a.life))
	}
	return q
}

// results reads the answers once the pipeline was executed.
func (q *queued) results(ctx context.Context) (results, error) {
	if err := cluster.Retry(ctx, q.s.UniversalClient, q.calls); err != nil {
		return results{}, fmt.Errorf("counting attempts: %w", err)
	}
	for _, cmd := range q.aliases {
		if err := cmd.Err(); err != nil {
			return results{}, fmt.Errorf("keeping aliases: %w", err)
		}
	}
	return read(q.texts, q.calls[:q.draws])
}

func (s *shared) calls(now int64, b batch) []cluster.Call {
	var calls []cluster.Call
	for _, d := range b.draws {
		calls = append(calls, cluster.Call{Script: spendScript, Key: s.prefix + d.key, Args: d.arguments(now)})
	}
	for _, r := range b.records {
		calls = append(calls, cluster.Call{Script: recordScript, Key: s.prefix + r.key, Args: r.arguments(dayOf(now))})
	}
	return calls
}

func (d draw) arguments(now int64) []any {
	fill := "0"
	if d.fill {
		fill = "1"
	}
	return []any{now, d.limit.interval(), d.limit.N, d.cost, d.limit.leeway(), fill}
}

func read(texts []*redis.StringCmd, spent []cluster.Call) (results, error) {
	r := results{make([]string, len(texts)), make([]outcome, len(spent))}
	for i, cmd := range texts {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return results{}, fmt.Errorf("reading good records: %w", err)
		}
		r.texts[i] = cmd.Val()
	}
	for i, c := range spent {
		answer, err := c.Cmd.Slice()
		if err == nil {
			r.out[i], err = readSpent(answer)
		}
		if err != nil {
			return results{}, fmt.Errorf("counting attempts: %w", err)
		}
	}
	return r, nil
}

// readSpent reads the answer of spend.lua.
func readSpent(answer []any) (o outcome, err error) {
	if len(answer) != 2 {
		return o, errors.New("unexpected answer of the script")
	}
	full, _ := answer[1].(string)
	o.full, err = strconv.ParseInt(full, 10, 64)
	o.ok = answer[0] == int64(1)
	return o, err
}

const (
	// aliasLife bounds how many keys a client can write that invents a new spelling for each attempt.
	aliasLife = 2 * time.Hour
	// provenLife is for the name of a login that succeeded: as long as the account's good record.
	provenLife = 90 * 24 * time.Hour
)

func aliasKey(name string) string { return "a:alias:" + strings.TrimPrefix(name, "name:") }

// pause is how long Redis is not used after it did not answer, so that not every request waits for it.
const pause = 2 * time.Second

// breaker remembers that Redis is away.
type breaker struct{ until atomic.Int64 }

func (b *breaker) open(now int64) bool { return now < b.until.Load() }

// trip records that Redis is away and reports whether it answered until now.
func (b *breaker) trip(now int64) (first bool) { return b.until.Swap(now+pause.Microseconds()) == 0 }

// mend records that Redis answers and reports whether it was away until now.
func (b *breaker) mend() (first bool) { return b.until.Load() != 0 && b.until.Swap(0) != 0 }
