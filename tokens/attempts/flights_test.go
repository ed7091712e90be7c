package attempts_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
)

func waiting(c *attempts.Config) { byRecord(c); c.Wait = time.Minute }

// atOnce tries passwords at once, of which WordPress answers each only when it is told to, and returns how many are
// refused, and the most that were checked at one time.
func (w *world) atOnce(n int, try func(i int) attempts.Try, check attempts.Check) (refused, most int32) {
	var all sync.WaitGroup
	var asked, highest, denied atomic.Int32
	answer := make(chan struct{})
	for i := range n {
		all.Go(func() {
			t := try(i)
			t.Client = home
			a, err := w.Begin(ctx, t)
			if err != nil {
				denied.Add(1)
				return
			}
			now := asked.Add(1)
			for h := highest.Load(); now > h && !highest.CompareAndSwap(h, now); h = highest.Load() {
			}
			<-answer
			asked.Add(-1)
			said := check
			if said.User == 0 {
				said.User = int64(i + 1)
			}
			_, _ = a.Settle(ctx, said)
		})
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for {
		select {
		case answer <- struct{}{}:
		case <-done:
			return denied.Load(), highest.Load()
		}
	}
}

// A static build asks with one password, forty at once.
func TestARightPasswordSentManyTimesAtOnceIsNeverRefused(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		refused, most := w.atOnce(40, func(int) attempts.Try { return attempts.Try{Names: []string{"alice"}, Password: "right"} },
			attempts.Check{User: 2, Result: attempts.Right})
		if refused != 0 || most > 40 {
			t.Errorf("%d were refused", refused)
		}
	}, waiting)
}

func TestManyCustomersBehindOneAddressLogInAtOnce(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		refused, most := w.atOnce(60, func(i int) attempts.Try {
			return attempts.Try{Names: []string{fmt.Sprint("customer", i)}, Password: "right"}
		},
			attempts.Check{Result: attempts.Right})
		if refused != 0 {
			t.Errorf("%d were refused, and %d checked at one time", refused, most)
		}
	}, waiting, func(c *attempts.Config) { c.Address = per(5, time.Hour) })
}

func TestGuessesThatWaitForOthersGainNothing(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(stranger, "alice", 2, true), "accepted") // the name is known
		refused, most := w.atOnce(40, func(int) attempts.Try { return attempts.Try{Names: []string{"alice"}, Password: "guess"} },
			attempts.Check{User: 2, Result: attempts.Wrong})
		if refused != 37 || most > 3 {
			t.Errorf("%d were refused, and %d checked at one time; want 37 and at most 3", refused, most)
		}
		w.says(w.wrong("alice", 2), "account") // at once: nothing that others hold would help
	}, waiting)
}
