package tokens

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/checkup"
)

// follower keeps this process's view of the revocation log current.
type follower struct {
	mu       sync.Mutex // held while the log is read; guards position and gap
	position string     // id of the last entry that was read
	gap      bool       // something may have been missed since

	heard atomic.Int64 // when the log was last known to be read to its end (Unix ms); 0 = never
	began time.Time
	own   ownEntries
}

// age is how old the view may be; before the first reading, how long that has been waited for.
func (f *follower) age(now time.Time) time.Duration {
	if heard := f.heard.Load(); heard != 0 {
		return max(0, now.Sub(time.UnixMilli(heard)))
	}
	return max(now.Sub(f.began), neverRead)
}

// neverRead makes a view that was never read older than any limit an operator would set.
const neverRead = 100 * 365 * 24 * time.Hour

// CatchUp reads the revocation log to its end, once: for a tool that does not Run, and for whoever must be sure to
// have seen what others revoked before. ErrUnavailable when Redis is gone; what is known stays known.
func (a *Authority) CatchUp(ctx context.Context) error {
	a.follower.mu.Lock()
	defer a.follower.mu.Unlock()
	return a.catchUp(ctx)
}

func (a *Authority) catchUp(ctx context.Context) error {
	if err := a.closeGap(ctx); err != nil {
		a.follower.gap = true
		return unavailable("catching up with revocations", err)
	}
	for {
		n, err := a.readLog(ctx, -1)
		if err != nil {
			a.follower.gap = true
			return unavailable("reading revocations", err)
		}
		if n < oneBatch {
			return nil
		}
	}
}

// closeGap steps back after an interruption, so that nothing is skipped that a failover reordered, and to the start
// if the log is younger than what was read of it: then Redis lost data, and what it has now is not what it had.
func (a *Authority) closeGap(ctx context.Context) error {
	f := &a.follower
	if !f.gap {
		return nil
	}
	newest, err := a.lastID(ctx)
	if err != nil {
		return err
	}
	if err := a.repeat(ctx); err != nil {
		return err
	}
	if newest == "" || before(newest, f.position) {
		f.position = "0"
	} else {
		f.position = earlier(f.position, overlap)
	}
	f.gap = false
	return nil
}

// readLog reads one batch after the position. block < 0 does not wait for entries.
func (a *Authority) readLog(ctx context.Context, block time.Duration) (int, error) {
	began := a.cfg.Now()
	streams, err := a.store.XRead(ctx, &redis.XReadArgs{
		Streams: []string{a.store.log(), a.follower.position}, Count: oneBatch, Block: block}).Result()
	if missing(err) != nil {
		return 0, err
	}
	n := 0
	for _, s := range streams {
		n += len(s.Messages)
		a.applyMessages(s.Messages)
		a.follower.position = s.Messages[len(s.Messages)-1].ID
	}
	if n < oneBatch {
		a.heardAt(began)
	}
	return n, nil
}

func (a *Authority) heardAt(at time.Time) { a.follower.heard.Store(max(1, at.UnixMilli())) }

// Run follows the revocation log and writes down what Verify saw used, until ctx ends; then it returns nil. Outages
// of Redis do not end it: it tries again, catches up, and skips nothing. One Run for an Authority and all that
// Next makes of it. Without it Verify
// knows only what this process revoked itself, and Ready never is.
func (a *Authority) Run(ctx context.Context) error {
	a.reportEviction(ctx)
	wait := firstWait
	for ctx.Err() == nil {
		a = a.inForce.Load()
		err := a.follow(ctx)
		if err == nil {
			wait = firstWait
			continue
		}
		if ctx.Err() == nil {
			a.cfg.Log.Warn("revocations cannot be followed, trying again", "cause", err, "wait", wait)
			pause(ctx, wait)
			wait = min(2*wait, longestWait)
		}
	}
	return a.lastNotes(ctx)
}

const (
	firstWait   = 100 * time.Millisecond
	longestWait = 2 * time.Second
	blockFor    = 500 * time.Millisecond // also how long the end of Run can be delayed
	tendEvery   = 30 * time.Second
	notesEvery  = time.Second
	lastCall    = time.Second // for what is still to be written when there is no more time
)

// follow is one turn: what there is of the log, what was noted, and the housekeeping.
func (a *Authority) follow(ctx context.Context) error {
	if err := a.followLog(ctx); err != nil {
		return err
	}
	now := time.Now() // real time: how often, not what is true
	if now.Sub(a.notesWritten) >= notesEvery {
		a.notesWritten = now
		if err := a.writeNotes(ctx); err != nil {
			return err
		}
	}
	if now.Sub(a.tended) >= tendEvery {
		a.tended = now
		return a.tend(ctx)
	}
	return nil
}

func (a *Authority) followLog(ctx context.Context) error {
	a.follower.mu.Lock()
	defer a.follower.mu.Unlock()
	if a.follower.gap || a.follower.heard.Load() == 0 {
		return a.catchUp(ctx)
	}
	if _, err := a.readLog(ctx, blockFor); err != nil {
		a.follower.gap = true
		return unavailable("following revocations", err)
	}
	return nil
}

// tend forgets what cannot matter any more, here and in Redis, and looks whether the log lost its end unnoticed.
func (a *Authority) tend(ctx context.Context) error {
	retention, err := a.retention(ctx)
	if err != nil {
		return unavailable("reading token lifetimes", err)
	}
	a.revoked.Forget(a.cfg.Now().Add(-retention))
	if err := a.trim(ctx, retention); err != nil {
		return unavailable("trimming revocations", err)
	}
	return a.lookBack(ctx)
}

func (a *Authority) lookBack(ctx context.Context) error {
	newest, err := a.lastID(ctx)
	if err != nil {
		return unavailable("looking at revocations", err)
	}
	a.follower.mu.Lock()
	defer a.follower.mu.Unlock()
	if newest != "" && before(newest, a.follower.position) {
		a.follower.gap = true
	}
	return nil
}

// CaughtUp tells whether the revocations were read once since the start: only then is a token refused that was revoked
// before. It asks nobody.
func (a *Authority) CaughtUp() bool { return a.follower.heard.Load() != 0 }

// Ready tells whether Redis answers and the revocations were read once: only then does all of the gateway work.
func (a *Authority) Ready(ctx context.Context) error {
	if err := a.store.Ping(ctx).Err(); err != nil {
		return unavailable("asking Redis", err)
	}
	if !a.CaughtUp() {
		return unavailable("waiting for revocations", errNotReadYet)
	}
	return nil
}

var errNotReadYet = errors.New("the revocation log was not read yet")

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// reportEviction warns of a policy that can drop sessions and revocations: their keys all have an expiry, or are not read
// for a while. A server that refuses the question is not reported.
func (a *Authority) reportEviction(ctx context.Context) {
	policy, err := checkup.EvictionPolicy(ctx, a.store.UniversalClient)
	if err != nil || policy == "" || policy == "noeviction" {
		return
	}
	a.cfg.Log.Warn("Redis may drop sessions and revocations when its memory is full: set maxmemory-policy noeviction", "policy", policy)
}
