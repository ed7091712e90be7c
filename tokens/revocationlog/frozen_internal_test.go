package revocationlog

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/tokens/revocation"
)

const (
	longWait = 2 * time.Minute // no test that passes waits for its end
	stop     = 20 * time.Second
)

// watchedLog is a log that is watched, with a clock and ticks that the test makes.
type watchedLog struct {
	*Log
	now  atomic.Int64 // Unix ms
	tick chan time.Time
}

func watched(t *testing.T) *watchedLog {
	t.Helper()
	l, _ := opened(t, time.Now())
	w := &watchedLog{Log: l, tick: make(chan time.Time)}
	w.now.Store(time.Now().UnixMilli())
	l.cfg.Now = func() time.Time { return time.UnixMilli(w.now.Load()) }
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { l.watch(ctx, w.tick) })
	t.Cleanup(func() { cancel(); watching.Wait() })
	w.tick <- time.Time{} // it watches now
	return w
}

// stopped is what a process looks like that was stopped while another one ended a session.
func stopped(t *testing.T) (*watchedLog, revocation.SessionID) {
	t.Helper()
	w, id := watched(t), revocation.NewSessionID(1)
	written(t, w.Log, time.Now(), id)
	w.now.Add(stop.Milliseconds())
	return w, id
}

// The goroutine of a request runs before the one that ticks.
func TestAfterAStopTheFirstRequestWaitsUntilTheLogIsRead(t *testing.T) {
	w, id := stopped(t)
	if !w.Stopped(w.cfg.Now()) {
		t.Fatal("the stop is not noticed")
	}
	var requests sync.WaitGroup
	for range 50 {
		requests.Go(func() {
			w.WaitAfterStop(longWait)
			if !revoked(w.Log, id) {
				t.Error("a request went on before the log was read")
			}
		})
	}
	requests.Wait()
	if w.Stopped(w.cfg.Now()) {
		t.Error("requests go on waiting")
	}
}

func TestAfterAStopTheTickReadsTheLog(t *testing.T) {
	w, id := stopped(t)
	w.tick <- time.Time{}
	w.tick <- time.Time{} // the one before is over
	if !revoked(w.Log, id) || w.Stopped(w.cfg.Now()) {
		t.Errorf("read: %v, requests wait: %v", revoked(w.Log, id), w.Stopped(w.cfg.Now()))
	}
}

// A goroutine that follows may be waiting for an answer that never comes: it holds the lock.
func TestAfterAStopNothingWaitsForTheFollower(t *testing.T) {
	w, id := stopped(t)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.WaitAfterStop(longWait)
	if !revoked(w.Log, id) {
		t.Error("the log was not read")
	}
}

func TestAfterAStopWithoutRedisTheViewIsUsedAsItIs(t *testing.T) {
	w, _ := stopped(t)
	if err := w.cfg.Client.Close(); err != nil {
		t.Fatal(err)
	}
	w.WaitAfterStop(longWait)
	if w.Stopped(w.cfg.Now()) {
		t.Error("requests go on waiting")
	}
}

func TestARequestWaitsAfterAStopForNoLongerThanItMay(t *testing.T) {
	l, _ := opened(t, time.Now())
	l.ticks.last.Store(1) // nothing ticks
	done := make(chan struct{})
	go func() { defer close(done); l.WaitAfterStop(time.Millisecond) }()
	select {
	case <-done:
	case <-time.After(longWait):
		t.Error("it waits for ever")
	}
}

// A process that is stopped again while it reads may have read before that.
func TestAStopWhileTheLogIsReadIsNoticed(t *testing.T) {
	l, _ := opened(t, time.Now())
	id, now, calls := revocation.NewSessionID(1), time.Now(), 0
	l.cfg.Now = func() time.Time {
		if calls++; calls == 3 { // behind the answer of the first reading; the others are before it
			written(t, l, time.Now(), id)
			now = now.Add(stop)
		}
		return now
	}
	upTo := l.readAfterStop(t.Context(), now)
	if !revoked(l, id) || !upTo.Equal(now) {
		t.Errorf("read: %v, up to %s before now", revoked(l, id), now.Sub(upTo))
	}
}

func TestALateTickIsNoStop(t *testing.T) {
	w := watched(t)
	w.now.Add(stoppedAfter.Milliseconds())
	if w.Stopped(w.cfg.Now()) {
		t.Error("a busy machine is taken for a stopped process")
	}
}

func TestAProcessThatDoesNotWatchIsNeverTakenForStopped(t *testing.T) {
	l, _ := opened(t, time.Now())
	if l.Stopped(time.Now().Add(time.Hour)) {
		t.Error("requests wait for a reading that does not come")
	}
}
