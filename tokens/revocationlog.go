package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// revocationLog is the log of revocations in Redis: it appends to it, and applies what it reads to this process's view.
// What the log holds is in package revocation.
type revocationLog struct {
	store  store
	reader redis.UniversalClient // reads the log: while Run runs, by connections of its own
	view   *revocation.View
	now    func() time.Time
	logger *slog.Logger

	mu       sync.Mutex // held while the log is read; guards position, last and gap
	position string     // where to read on: behind this id
	last     string     // id of the last entry that was read; "" = none
	gap      bool       // something may have been missed since

	restore   func(context.Context) error // writes back what Redis lost
	trimmedTo atomic.Int64                // Unix ms of Redis: entries of later ids are there

	readAt atomic.Int64 // when the log was last known to be read to its end (Unix ms); 0 = never
	began  time.Time
	own    ownEntries
}

const (
	overlap    = 5 * time.Minute // read again after a gap
	oneBatch   = 1000            // entries read at once
	doNotBlock = -1
)

// append adds an entry to the log and, once Redis has it, to this process's view. The order matters: after a logout that
// Redis did not take, the customer's token must still be valid for another attempt.
func (l *revocationLog) append(ctx context.Context, e revocation.Entry) error {
	if err := l.store.XAdd(ctx, l.store.logged(e)).Err(); err != nil {
		return unavailable("writing revocation", err)
	}
	l.wrote(e)
	return nil
}

// wrote applies an entry that Redis has.
func (l *revocationLog) wrote(e revocation.Entry) {
	now := l.now()
	l.view.Apply(e, now)
	l.own.add(e, now)
}

// logged returns the command that appends an entry.
func (s store) logged(e revocation.Entry) *redis.XAddArgs {
	return &redis.XAddArgs{Stream: s.revocations(), Values: e.Values()}
}

// caughtUp reports whether the log was read to its end since the start.
func (l *revocationLog) caughtUp() bool { return l.readAt.Load() != 0 }

// neverRead makes a view that was never read older than any limit an operator would set.
const neverRead = 100 * 365 * 24 * time.Hour

// age returns how old the view may be.
func (l *revocationLog) age(now time.Time) time.Duration {
	if at := l.readAt.Load(); at != 0 {
		return max(0, now.Sub(time.UnixMilli(at)))
	}
	return max(now.Sub(l.began), neverRead)
}

// ageSeconds returns the age for the metric; -1 before the first reading.
func (l *revocationLog) ageSeconds() float64 {
	if !l.caughtUp() {
		return -1
	}
	return l.age(l.now()).Seconds()
}

// catchUp reads the log to its end, once.
func (l *revocationLog) catchUp(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.catchUpLocked(ctx)
}

func (l *revocationLog) catchUpLocked(ctx context.Context) error {
	if err := l.closeGap(ctx); err != nil {
		l.gap = true
		return unavailable("catching up with revocations", err)
	}
	for {
		n, err := l.read(ctx, doNotBlock)
		if err != nil {
			l.gap = true
			return unavailable("reading revocations", err)
		}
		if n < oneBatch {
			return nil
		}
	}
}

// follow waits for new entries and reads them. After an interruption it catches up first.
func (l *revocationLog) follow(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gap || !l.caughtUp() {
		return l.catchUpLocked(ctx)
	}
	if _, err := l.read(ctx, blockFor); err != nil {
		l.gap = true
		return unavailable("following revocations", err)
	}
	return nil
}

// closeGap steps back after an interruption, so that nothing is skipped that a failover reordered. If Redis lost what was
// read of the log, it writes back what is known and steps back to the start: the log may hold other entries now.
func (l *revocationLog) closeGap(ctx context.Context) error {
	if !l.gap {
		return nil
	}
	lost, err := l.lostSome(ctx)
	if err != nil {
		return err
	}
	if lost {
		if err := l.restore(ctx); err != nil {
			return err
		}
		l.position, l.last = "0", ""
	} else {
		l.position = earlier(l.position, overlap)
	}
	if err := l.repeat(ctx); err != nil {
		return err
	}
	l.gap = false
	return nil
}

// ownConnections is more than the connections that a follower fails to open in any outage. After as many failures as a pool
// has connections the client library opens none for a second; the requests of customers soon reach that number.
const ownConnections = 10_000

// readByItself gives the log a client of its own until the end of Run, so that it is read again as soon as Redis is back. A
// cluster client asks by itself which server has the log.
func (l *revocationLog) readByItself(s store) (end func()) {
	one, ok := s.UniversalClient.(*redis.Client)
	if !ok {
		return func() {}
	}
	options := *one.Options()
	options.PoolSize = ownConnections
	own := redis.NewClient(&options)
	l.setReader(own)
	return func() {
		l.setReader(s)
		_ = own.Close() // nothing is left to be lost
	}
}

func (l *revocationLog) setReader(client redis.UniversalClient) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reader = client
}

// read reads one batch after the position.
func (l *revocationLog) read(ctx context.Context, block time.Duration) (int, error) {
	began := l.now()
	streams, err := l.reader.XRead(ctx, &redis.XReadArgs{
		Streams: []string{l.store.revocations(), l.position}, Count: oneBatch, Block: block}).Result()
	if missing(err) != nil {
		return 0, err
	}
	n := 0
	for _, s := range streams {
		n += len(s.Messages)
		l.apply(s.Messages)
		l.position = s.Messages[len(s.Messages)-1].ID
		l.last = l.position
	}
	if n < oneBatch {
		l.readAt.Store(max(1, began.UnixMilli()))
	}
	return n, nil
}

var errForeignEntry = errors.New("revocation log: unknown entry skipped")

func (l *revocationLog) apply(messages []redis.XMessage) {
	now := l.now()
	for _, m := range messages {
		e, ok := revocation.ParseEntry(m.Values)
		if !ok {
			l.logger.Warn(errForeignEntry.Error(), "id", m.ID, "kind", fmt.Sprintf("%.20q", m.Values["kind"]))
			continue
		}
		l.view.Apply(e, now)
	}
}

// lookBack notes a gap if the log lost what was read of it.
func (l *revocationLog) lookBack(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	lost, err := l.lostSome(ctx)
	if err != nil {
		return unavailable("looking at revocations", err)
	}
	l.gap = l.gap || lost
	return nil
}

// readAgain makes the next reading begin at the start of the log.
func (l *revocationLog) readAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = "0"
}

// trim removes entries older than the retention, by the clock of Redis: ids in the log are its times.
func (l *revocationLog) trim(ctx context.Context, now time.Time, retention time.Duration) error {
	oldest := now.Add(-retention).UnixMilli()
	if oldest <= 0 {
		return nil
	}
	l.trimmedTo.Store(oldest)
	return l.store.XTrimMinIDApprox(ctx, l.store.revocations(), decimal(oldest), 0).Err()
}

// repeat writes the latest own entries again. Applying one twice changes nothing.
func (l *revocationLog) repeat(ctx context.Context) error {
	entries := l.own.recent(l.now())
	if len(entries) == 0 {
		return nil
	}
	_, err := l.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range entries {
			p.XAdd(ctx, l.store.logged(e))
		}
		return nil
	})
	return err
}

// ownEntries are the latest entries that this process wrote. A failover can lose what Redis had acknowledged; the
// process that wrote it writes it again.
type ownEntries struct {
	mu      sync.Mutex // guards entries
	entries []ownEntry
}

type ownEntry struct {
	entry revocation.Entry
	at    time.Time
}

const (
	ownKept = 4096        // entries remembered at most
	ownLife = time.Minute // and how long: replication lags by seconds at worst
)

func (o *ownEntries) add(e revocation.Entry, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.entries) >= ownKept {
		o.entries = append(o.entries[:0], o.entries[ownKept/2:]...)
	}
	o.entries = append(o.entries, ownEntry{e, now})
}

// recent returns what was written less than ownLife ago and drops the rest.
func (o *ownEntries) recent(now time.Time) (out []revocation.Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.entries[:0]
	for _, e := range o.entries {
		if now.Sub(e.at) < ownLife {
			kept, out = append(kept, e), append(out, e.entry)
		}
	}
	o.entries = kept
	return out
}

// earlier returns the id that is so much before another, or the start of the log.
func earlier(id string, by time.Duration) string {
	ms, _ := splitID(id)
	return decimal(max(0, ms-milliseconds(by)))
}

func splitID(id string) (ms, seq int64) {
	left, right, _ := strings.Cut(id, "-")
	return number(left), number(right)
}
