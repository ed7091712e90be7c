package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/checkup"
)

const (
	tryEvery   = 150 * time.Millisecond // while Redis is away: others' revocations wait for this long at most once it is back
	sayFirst   = time.Second            // between two log lines about one outage; doubled each time
	sayLast    = time.Minute
	tendEvery  = 30 * time.Second
	notesEvery = time.Second
	lastCall   = time.Second // for what is still to be written when the time is over
)

// Run follows the revocation log and writes the uses that Verify noted to Redis, until ctx ends; then it returns nil. It
// survives outages of Redis: it tries again, catches up, and skips nothing. An Authority and all that Next makes of it
// need one Run. Without it Verify knows only what this process revoked itself, and Ready always returns an error.
func (a *Authority) Run(ctx context.Context) error {
	a.reportEviction(ctx)
	defer a.log.ReadByItself()()
	log := a.log
	var watching sync.WaitGroup
	defer watching.Wait()
	watching.Go(func() { log.Watch(ctx) })
	var said outageReports
	var failed time.Time
	for ctx.Err() == nil {
		a = a.inForce.Load()
		err := a.runOnce(ctx)
		if err == nil {
			said = outageReports{}
			continue
		}
		if ctx.Err() != nil {
			break
		}
		now := time.Now()
		if again, due := said.due(now); due {
			a.cfg.Log.Warn("revocations cannot be followed, trying again", "cause", err, "next_report", again)
		}
		if now.Sub(failed) < sayFirst { // after a failover the first try reaches the new master
			pause(ctx, tryEvery)
		}
		failed = now
	}
	return a.lastNotes(ctx)
}

// outageReports spaces the log lines about one outage.
type outageReports struct {
	next time.Time
	wait time.Duration
}

// due reports whether a line is due, and after how long the next one will be.
func (r *outageReports) due(now time.Time) (wait time.Duration, due bool) {
	if now.Before(r.next) {
		return r.wait, false
	}
	r.wait = min(max(2*r.wait, sayFirst), sayLast)
	r.next = now.Add(r.wait)
	return r.wait, true
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// runOnce reads new revocations, writes noted uses, and from time to time does the housekeeping.
func (a *Authority) runOnce(ctx context.Context) error {
	if !a.epoch.Begun() { // before the log is there again because it was followed
		if err := a.lookForLoss(ctx); err != nil {
			return err
		}
	}
	if err := a.log.Follow(ctx); err != nil {
		return err
	}
	now := time.Now() // real time: Config.Now decides what is true, not how often this runs
	if a.clock.stepped(a.cfg.Now().Round(0), now) {
		a.cfg.Log.Warn("the clock of this machine was set: reading the revocations again")
		a.log.ReadAgain()
	}
	if now.Sub(a.notesWritten) >= notesEvery {
		a.notesWritten = now
		if err := a.writeNotes(ctx); err != nil {
			return err
		}
		if err := a.log.LookBack(ctx); err != nil {
			return err
		}
		if err := a.lookForLoss(ctx); err != nil {
			return err
		}
	}
	if now.Sub(a.tended) >= tendEvery {
		a.tended = now
		return a.tend(ctx)
	}
	return nil
}

// tend removes what no longer matters from the view and from Redis. What is old is so by the clock of Redis and by ours:
// one clock that is ahead makes no gateway forget what another one still needs.
func (a *Authority) tend(ctx context.Context) error {
	now, err := a.redisTime(ctx)
	if err != nil {
		return unavailable("asking Redis for the time", err)
	}
	ours := a.cfg.Now()
	if ours.Before(now) {
		now = ours
	}
	retention, err := a.retention(ctx, now.UnixMilli())
	if err != nil {
		return unavailable("reading token lifetimes", err)
	}
	a.revoked.Forget(now.Add(-retention))
	if err := a.log.Trim(ctx, now, retention); err != nil {
		return unavailable("trimming revocations", err)
	}
	return nil
}

// lifetimeSlack covers the minute in which a lifetime is not noted again, and clocks that differ.
const lifetimeSlack = 5 * time.Minute

// lifetimeDue returns, about once a minute, the lifetime of our access tokens, to be noted; else "". When an operator
// shortens the lifetime, revocations must still be kept as long as the tokens of the old one live.
func (a *Authority) lifetimeDue() string {
	now := a.cfg.Now().UnixMilli()
	last := a.lifetimeNoted.Load()
	if last != 0 && now-last < milliseconds(time.Minute) || !a.lifetimeNoted.CompareAndSwap(last, now) {
		return ""
	}
	return decimal(milliseconds(a.cfg.AccessTTL))
}

// lifetimeLost makes a lifetime due again that lifetimeDue gave out, and that Redis did not take: a refresh that is refused
// notes none, and an app that repeats one for ever would else take the turn of all others.
func (a *Authority) lifetimeLost(lifetime string) {
	if lifetime != "" {
		a.lifetimeNoted.Store(0)
	}
}

func (s store) noteLifetime(ctx context.Context, p redis.Pipeliner, now int64, life string) *redis.IntCmd {
	return p.ZAdd(ctx, s.lifetimes(), redis.Z{Score: float64(now), Member: life})
}

// retention returns how long revocations must be kept: until the last access token of any lifetime in use has expired.
func (a *Authority) retention(ctx context.Context, now int64) (time.Duration, error) {
	longest := a.cfg.AccessTTL
	if a.cfg.Plugin != nil {
		longest = max(longest, a.cfg.Plugin.MaxLife())
	}
	noted, err := a.store.ZRangeWithScores(ctx, a.store.lifetimes(), 0, -1).Result()
	if err != nil {
		return 0, err
	}
	for _, z := range noted {
		text, _ := z.Member.(string)
		life := time.Duration(number(text)) * time.Millisecond
		if int64(z.Score)+milliseconds(life+lifetimeSlack+a.cfg.Leeway) > now {
			longest = max(longest, life)
		} else if err := a.store.ZRem(ctx, a.store.lifetimes(), text).Err(); err != nil {
			return 0, err
		}
	}
	return longest + a.cfg.Leeway + lifetimeSlack, nil
}

// CatchUp reads the revocation log to its end, once: for a tool that does not Run, or a caller that must know what others
// revoked before. It returns ErrUnavailable when Redis is away; what is known stays known.
func (a *Authority) CatchUp(ctx context.Context) error { return a.log.CatchUp(ctx) }

// CaughtUp reports whether the revocations were read once since the start: only then is a token refused that was revoked
// before. It does no I/O.
func (a *Authority) CaughtUp() bool { return a.log.CaughtUp() }

var errNotReadYet = errors.New("the revocation log was not read yet")

// Ready returns nil if Redis answers and the revocations were read once: only then does the whole gateway work.
func (a *Authority) Ready(ctx context.Context) error {
	if err := a.store.Ping(ctx).Err(); err != nil {
		return unavailable("asking Redis", err)
	}
	if !a.CaughtUp() {
		return unavailable("waiting for revocations", errNotReadYet)
	}
	return nil
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

// clockWatch notices that the clock of this machine was set. While it was ahead, entries of the revocation log may have been
// taken for old; so the log is read again from its start.
type clockWatch struct {
	wall, steady time.Time // at the last look; steady carries the monotonic clock
}

// stepTolerance is more than what adjusting a clock slowly (adjtime, slewing NTP) changes between two looks.
const stepTolerance = 10 * time.Second

// stepped reports whether the wall clock went on by another time than the monotonic one since the last call.
func (w *clockWatch) stepped(wall, steady time.Time) bool {
	first := w.steady.IsZero()
	by := wall.Sub(w.wall) - steady.Sub(w.steady)
	w.wall, w.steady = wall, steady
	return !first && by.Abs() > stepTolerance
}
