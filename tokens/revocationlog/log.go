// Package revocationlog is the log of revocations in Redis, a stream which every gateway appends to and follows. What an
// entry means is in package revocation.
//
//	log.go      appending, reading, and what follows from an interruption
//	own.go      the latest entries of this process, which it writes again after a failover
//	frozen.go   what follows when the process was stopped for a while
package revocationlog

import (
	"context"
	"errors"
	"fmt"
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
	// Unavailable makes the error of a command that failed while doing something.
	Unavailable func(doing string, cause error) error
}

// Log is the log of revocations in Redis: it appends to it, and applies what it reads to this process's view. Several
// goroutines may use it; one of them follows.
type Log struct {
	cfg    Config
	reader redis.UniversalClient // reads the log: after ReadByItself by connections of its own

	mu       sync.Mutex // held while the log is read; guards reader, position, ends, gap and lost
	position string     // where to read on: behind this id
	ends     []string   // last id of each batch that was read since the log was last looked at, and of the one before
	gap      bool       // something may have been missed since
	lost     bool       // Redis lost data, as the caller found

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

// CatchUp reads the log to its end, once.
func (l *Log) CatchUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.catchUpLocked(ctx)
}

func (l *Log) catchUpLocked(ctx context.Context) error {
	if err := l.closeGap(ctx); err != nil {
		l.gap = true
		return l.cfg.Unavailable("catching up with revocations", err)
	}
	for {
		n, err := l.read(ctx, doNotBlock)
		if err != nil {
			l.gap = true
			return l.cfg.Unavailable("reading revocations", err)
		}
		if n < oneBatch {
			return nil
		}
	}
}

// Follow waits for new entries and reads them. After an interruption it catches up first.
func (l *Log) Follow(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gap || !l.CaughtUp() {
		return l.catchUpLocked(ctx)
	}
	if _, err := l.read(ctx, blockFor); err != nil {
		l.gap = true
		return l.cfg.Unavailable("following revocations", err)
	}
	if len(l.ends) >= manyBatches {
		return l.lookBackLocked(ctx)
	}
	return nil
}

// closeGap steps back after an interruption, so that nothing is skipped that a failover reordered. If Redis lost what was
// read of the log, it writes back what is known and steps back to the start: the log may hold other entries now.
func (l *Log) closeGap(ctx context.Context) error {
	if !l.gap {
		return nil
	}
	lost, err := l.lostSome(ctx)
	if err != nil {
		return err
	}
	if lost || l.lost {
		if err := l.cfg.Restore(ctx); err != nil {
			return err
		}
		l.position, l.ends, l.lost = "0", nil, false
	} else {
		l.position = earlier(l.position, overlap)
	}
	if err := l.repeat(ctx); err != nil {
		return err
	}
	l.gap = false
	return nil
}

// lostSome reports whether the log lost what was read of it. A batch shows the log at one moment, so whatever was lost since
// took the end of a batch along; the last one alone shows nothing, if it came after the loss. An entry that may have been
// trimmed says nothing. The caller holds mu.
func (l *Log) lostSome(ctx context.Context) (bool, error) {
	trimmed := l.trimmedTo.Load()
	if trimmed > 0 {
		trimmed += trimSlack.Milliseconds()
	}
	var found []*redis.XMessageSliceCmd
	pipe := l.cfg.Client.Pipeline()
	for _, id := range l.ends {
		if milliseconds(id) > trimmed {
			found = append(found, pipe.XRevRangeN(ctx, l.cfg.Key, id, id, 1))
		}
	}
	if len(found) == 0 {
		return false, nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return false, err
	}
	for _, one := range found {
		if len(one.Val()) == 0 {
			return true, nil
		}
	}
	l.ends = append(l.ends[:0], l.ends[len(l.ends)-1])
	return false, nil
}

// ownConnections is more than the connections that a follower fails to open in any outage. After as many failures as a pool
// has connections the client library opens none for a second; the requests of customers soon reach that number.
const ownConnections = 10_000

// ReadByItself gives the log a client of its own until the end of Run, so that it is read again as soon as Redis is back.
func (l *Log) ReadByItself() (end func()) {
	own := l.openReader()
	if own == nil {
		return func() {}
	}
	l.setReader(own)
	return func() {
		l.setReader(l.cfg.Client)
		_ = own.Close() // nothing is left to be lost
	}
}

// openReader returns nil for a cluster, whose client asks by itself which server has the log.
func (l *Log) openReader() redis.UniversalClient {
	if l.cfg.Reader != nil {
		return l.cfg.Reader()
	}
	one, ok := l.cfg.Client.(*redis.Client)
	if !ok {
		return nil
	}
	options := *one.Options()
	options.PoolSize = ownConnections
	return redis.NewClient(&options)
}

func (l *Log) setReader(client redis.UniversalClient) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reader = client
}

// read reads one batch after the position.
func (l *Log) read(ctx context.Context, block time.Duration) (int, error) {
	return l.readBy(ctx, l.reader, block)
}

func (l *Log) readBy(ctx context.Context, client redis.UniversalClient, block time.Duration) (int, error) {
	began := l.moment()
	found, err := l.entries(ctx, client, l.position, block)
	if err != nil {
		return 0, err
	}
	if len(found) > 0 {
		l.apply(found)
		l.position = found[len(found)-1].ID
		l.readTo.Store(&found[len(found)-1].ID)
		l.ends = append(l.ends, l.position)
	}
	if len(found) < oneBatch {
		l.readAt.Store(began)
	}
	return len(found), nil
}

// entries returns a batch of what is behind an id.
func (l *Log) entries(ctx context.Context, client redis.UniversalClient, after string, block time.Duration) ([]redis.XMessage, error) {
	streams, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{l.cfg.Key, after}, Count: oneBatch, Block: block}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	var all []redis.XMessage
	for _, s := range streams {
		all = append(all, s.Messages...)
	}
	return all, nil
}

var errForeignEntry = errors.New("revocation log: unknown entry skipped")

func (l *Log) apply(messages []redis.XMessage) {
	now := l.cfg.Now()
	for _, m := range messages {
		e, ok := revocation.ParseEntry(m.Values)
		if !ok {
			l.cfg.Logger.Warn(errForeignEntry.Error(), "id", m.ID, "kind", fmt.Sprintf("%.20q", m.Values["kind"]))
			continue
		}
		l.cfg.View.Apply(e, now)
	}
}

// LookBack notes a gap if the log lost what was read of it.
func (l *Log) LookBack(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lookBackLocked(ctx)
}

func (l *Log) lookBackLocked(ctx context.Context) error {
	lost, err := l.lostSome(ctx)
	if err != nil {
		return l.cfg.Unavailable("looking at revocations", err)
	}
	l.gap = l.gap || lost
	if l.gap {
		return nil
	}
	// The connection of the reader may lead to a master that was demoted, and is behind until it follows the new one.
	if _, err := l.readBy(ctx, l.cfg.Client, doNotBlock); err != nil {
		l.gap = true
		return l.cfg.Unavailable("reading revocations", err)
	}
	return nil
}

// LostData makes the next reading write back what is known, and begin at the start of the log.
func (l *Log) LostData() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap, l.lost = true, true
}

// Newest returns the id of the entry that was read last; "" if none was.
func (l *Log) Newest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ends) == 0 {
		return ""
	}
	return l.ends[len(l.ends)-1]
}

// ReadAgain makes the next reading begin at the start of the log.
func (l *Log) ReadAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = "0"
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

// repeat writes the latest own entries again. Applying one twice changes nothing.
func (l *Log) repeat(ctx context.Context) error {
	entries := l.own.recent(l.cfg.Now())
	if len(entries) == 0 {
		return nil
	}
	_, err := l.cfg.Client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range entries {
			p.XAdd(ctx, l.Command(e))
		}
		return nil
	})
	return err
}

// earlier returns the id that is so much before another, or the start of the log.
func earlier(id string, by time.Duration) string {
	return strconv.FormatInt(max(0, milliseconds(id)-by.Milliseconds()), 10)
}

// milliseconds returns the time in an id of a stream.
func milliseconds(id string) int64 {
	left, _, _ := strings.Cut(id, "-")
	ms, _ := strconv.ParseInt(left, 10, 64)
	return ms
}
