// Package revocationlog is the log of revocations in Redis, a stream which every gateway appends to and follows. What an
// entry means is in package revocation.
//
//	log.go      the log: appending to it, how old the view is, trimming
//	read.go     catching up, and following it
//	gap.go      what follows from an interruption, and from a Redis that lost data
//	own.go      the latest entries of this process, which it writes again after a failover
//	frozen.go   what follows when the process was stopped for a while
package revocationlog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// Config says where the log is, and what follows from it.
type Config struct {
	Client redis.UniversalClient
	Key    string // of the stream
	// Reader opens the client of the goroutine that follows; nil: one like Client.
	Reader func() redis.UniversalClient
	View   *revocation.View
	Now    func() time.Time
	Steady func() time.Time // by a monotonic clock; nil: Now, whose times have a monotonic reading (see package time)
	Logger *slog.Logger
	// Restore writes back what Redis lost: the log, and what depends on it.
	Restore func(context.Context) error
	// EndAgain writes again what depends on entries of the log.
	EndAgain func(context.Context, []revocation.Entry) error
	// Unavailable makes the error of a command that failed while doing something.
	Unavailable func(doing string, cause error) error
}

// Log is the log of revocations in Redis: it appends to it, and applies what it reads to this process's view. Several
// goroutines may use it; one of them follows.
type Log struct {
	cfg    Config
	reader redis.UniversalClient // reads the log: after ReadByItself by connections of its own

	mu       sync.Mutex // held while the log is read; guards reader, position, ends, gap, lost and endAgain
	position string     // where to read on: behind this id
	ends     []string   // last id of each batch that was read since the log was last looked at, and of the one before
	gap      bool       // something may have been missed since
	lost     bool       // Redis lost data, as the caller found
	endAgain bool       // what depends on the latest own entries is to be written again

	trimmedTo atomic.Int64 // Unix ms of Redis: entries of later ids are there

	readTo atomic.Pointer[string] // id of the entry that was read last; nil = none was
	readAt atomic.Pointer[moment] // when the log was last known to be read to its end; nil = never
	began  time.Time
	own    ownEntries
	ticks  ticks
}

// New returns the log, of which nothing was read yet. It does no I/O.
func New(cfg Config) *Log {
	if cfg.Steady == nil {
		cfg.Steady = cfg.Now
	}
	return &Log{cfg: cfg, reader: cfg.Client, position: "0", began: cfg.Now(), ticks: ticks{due: make(chan struct{}, 1)}}
}

const (
	overlap    = 5 * time.Minute        // read again after a gap
	blockFor   = 500 * time.Millisecond // how long Follow waits, and how long the end of what follows can be delayed
	oneBatch   = 1000                   // entries read at once
	doNotBlock = -1

	manyBatches = 100         // after so many the log is looked at earlier than by the clock
	trimSlack   = time.Minute // another gateway may have trimmed a little further
)

// Append adds an entry to the log and, once Redis has it, to this process's view. The order matters: after a logout that
// Redis did not take, the customer's token must still be valid for another attempt. Commands that others queue travel in the
// same round trip, behind the entry.
func (l *Log) Append(ctx context.Context, e revocation.Entry, queue ...func(redis.Pipeliner)) error {
	if err := l.write(ctx, e, queue); err != nil {
		return l.cfg.Unavailable("writing revocation", err)
	}
	l.Wrote(e)
	return nil
}

func (l *Log) write(ctx context.Context, e revocation.Entry, queue []func(redis.Pipeliner)) error {
	if len(queue) == 0 {
		return l.cfg.Client.XAdd(ctx, l.Command(e)).Err()
	}
	pipe := l.cfg.Client.Pipeline()
	written := pipe.XAdd(ctx, l.Command(e))
	for _, more := range queue {
		more(pipe)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	return written.Err()
}

// Wrote applies an entry that Redis has.
func (l *Log) Wrote(e revocation.Entry) {
	now := l.cfg.Now()
	l.cfg.View.Apply(e, now)
	l.own.add(e, now)
}

// Command returns the command that appends an entry, for callers that send it with others and then call Wrote.
func (l *Log) Command(e revocation.Entry) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: l.cfg.Key, Values: e.Values()}
}

// CaughtUp reports whether the log was read to its end since the start.
func (l *Log) CaughtUp() bool { return l.readAt.Load() != nil }

// moment is a time by the clock of the wall and by a steady one.
type moment struct{ wall, steady time.Time }

func (l *Log) moment() *moment { return &moment{l.cfg.Now().Round(0), l.cfg.Steady()} }

// neverRead makes a view that was never read older than any limit an operator would set.
const neverRead = 100 * 365 * 24 * time.Hour

// Age returns how old the view may be. A clock that is set back makes no view younger; the steady one may stand still while
// the machine sleeps. So the longer of both times counts.
func (l *Log) Age(now time.Time) time.Duration {
	if at := l.readAt.Load(); at != nil {
		return max(0, now.Round(0).Sub(at.wall), l.cfg.Steady().Sub(at.steady))
	}
	return max(now.Sub(l.began), neverRead)
}

// AgeSeconds returns the age for the metric; -1 before the first reading.
func (l *Log) AgeSeconds() float64 {
	if !l.CaughtUp() {
		return -1
	}
	return l.Age(l.cfg.Now()).Seconds()
}

// Trim removes entries older than the retention, by the clock of Redis: ids in the log are its times.
func (l *Log) Trim(ctx context.Context, now time.Time, retention time.Duration) error {
	oldest := now.Add(-retention).UnixMilli()
	if oldest <= 0 {
		return nil
	}
	l.trimmedTo.Store(oldest)
	return l.cfg.Client.XTrimMinIDApprox(ctx, l.cfg.Key, strconv.FormatInt(oldest, 10), 0).Err()
}

// milliseconds returns the time in an id of a stream.
func milliseconds(id string) int64 {
	left, _, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseInt(left, 10, 64)
	return ms
}
