package revocationlog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A process can be stopped and go on later: by SIGSTOP, or with its virtual machine, which is paused or moved. Its view of
// revocations is then as old as the stop was long, and requests that waited in its sockets may carry tokens that other
// gateways revoked meanwhile. So it notices the stop, by a clock that it looks at all the time, and reads the log before it
// verifies the next token. The clock is that of the wall, which also runs while a machine sleeps.

const (
	tickEvery = 100 * time.Millisecond
	// stoppedAfter is how long a tick may be late. A busy machine can delay one by more; that costs a reading of the log.
	stoppedAfter = time.Second
)

// ticks is what a process knows of having been stopped. The zero value is that of a process that does not Watch.
type ticks struct {
	last atomic.Int64  // the last tick (Unix ms) up to which no reading is due; 0 = nothing watches
	due  chan struct{} // asks for a tick at once

	mu   sync.Mutex    // guards read
	read chan struct{} // closed when the log was read after a stop; nil = no caller waits
}

// Stopped reports whether this process may have been stopped since the log was read last. It costs one atomic load.
func (l *Log) Stopped(now time.Time) bool {
	last := l.ticks.last.Load()
	return last != 0 && now.UnixMilli()-last > stoppedAfter.Milliseconds()
}

// WaitAfterStop waits until the log was read again, or could not be read, but no longer than the limit. Call it when Stopped.
func (l *Log) WaitAfterStop(limit time.Duration) {
	l.ticks.mu.Lock()
	if !l.Stopped(l.cfg.Now()) {
		l.ticks.mu.Unlock()
		return
	}
	if l.ticks.read == nil {
		l.ticks.read = make(chan struct{})
	}
	read := l.ticks.read
	l.ticks.mu.Unlock()
	select {
	case l.ticks.due <- struct{}{}:
	default: // another caller asked
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C:
	}
}

// Watch notices, until ctx ends, that this process was stopped, and then reads the log.
func (l *Log) Watch(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	l.watch(ctx, ticker.C)
}

func (l *Log) watch(ctx context.Context, tick <-chan time.Time) {
	l.ticks.set(l.cfg.Now().UnixMilli())
	defer l.ticks.set(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		case <-l.ticks.due:
		}
		now := l.cfg.Now()
		if l.Stopped(now) {
			now = l.readAfterStop(ctx, now)
		}
		l.ticks.set(now.UnixMilli())
	}
}

// set notes a tick and lets those go on who wait for it.
func (t *ticks) set(last int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last.Store(last)
	if t.read != nil {
		close(t.read)
		t.read = nil
	}
}

// readAfterStop reads the log and returns up to when no reading is due. While Redis is away that is now: then the view is used
// as it is, as in any outage.
func (l *Log) readAfterStop(ctx context.Context, now time.Time) time.Time {
	l.cfg.Logger.Warn("this process did not run for a while: reading the revocations before the next token is verified",
		"stopped", now.Sub(time.UnixMilli(l.ticks.last.Load())))
	for range 2 { // again if the process was stopped while it read
		began := l.cfg.Now()
		err := l.readBeside(ctx)
		switch took := l.cfg.Now().Sub(began); {
		case took > stoppedAfter:
		case err != nil:
			return l.cfg.Now()
		default:
			return began
		}
	}
	return l.cfg.Now()
}

// readBeside reads what is new without waiting for the goroutine that follows, whose connection may be broken. That one reads
// the same entries again.
func (l *Log) readBeside(ctx context.Context) error {
	after := "0"
	if id := l.readTo.Load(); id != nil {
		after = *id
	}
	for {
		began := l.moment()
		found, err := l.entries(ctx, l.cfg.Client, after, doNotBlock)
		if err != nil {
			return err
		}
		l.apply(found)
		if len(found) < oneBatch {
			l.readAt.Store(began)
			return nil
		}
		after = found[len(found)-1].ID
	}
}
