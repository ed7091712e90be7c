package attempts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// flights are the attempts of this process that WordPress is checking. They give back what they hold if the password is
// right. Without them, a shop that builds a page with forty concurrent requests and one right password, or a server that
// logs in a hundred customers at once, would be refused because of what its own attempts hold. So a refused attempt waits
// a short time until one of them is settled, and is counted then. WordPress checks no password earlier than the limit
// allows.
type flights struct {
	mu     sync.Mutex
	flight map[string]*flight // by the key of the counter
}

// flight is the state of one counter.
type flight struct {
	pending map[*Attempt]bool  // they are being counted
	holders map[*Attempt]int64 // since when they hold one of the counter
	landed  int                // how many gave it back, or kept it
	waiting []*waiter
}

type waiter struct {
	turn    chan bool         // true: try again; false: nothing will come back
	pending map[*Attempt]bool // that may still turn out to be holders
}

// abandoned is the age from which others no longer wait for an attempt: its client left, and it will not be settled.
const abandoned = 30 * time.Second

func newFlights() *flights { return &flights{flight: map[string]*flight{}} }

// enter registers an attempt before it is counted, and returns how many attempts landed on each of its counters so far.
func (f *flights) enter(a *Attempt) map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	a.flights = a.sharedCounters()
	before := map[string]int{}
	for _, key := range a.flights {
		c := f.flight[key]
		if c == nil {
			c = &flight{pending: map[*Attempt]bool{}, holders: map[*Attempt]int64{}}
			f.flight[key] = c
		}
		c.pending[a] = true
		before[key] = c.landed
	}
	return before
}

// sharedCounters returns the keys of the counters for which an attempt may wait: those of the accounts, of the first name
// and of the address.
func (a *Attempt) sharedCounters() []string {
	keys := []string{"a:address:" + a.place.address}
	if a.name != "" {
		keys = append(keys, a.name)
	}
	for _, account := range append([]string{a.account}, a.further...) {
		if key := "a:account:" + account; account != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// hold records what an attempt took.
func (f *flights) hold(a *Attempt, now int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range a.flights {
		if slices.ContainsFunc(a.held, func(h held) bool { return h.key == key && h.cost > 0 }) {
			f.flight[key].holders[a] = now
		}
		f.leave(a, key)
	}
}

// leave ends the registration of an attempt. The draws of one attempt are not atomic: two attempts can each take what the
// other one lacks, and both give it back. So what an attempt gave back lands like what a settled one held. If it gave
// nothing back, attempts that waited for it alone are refused.
func (f *flights) leave(a *Attempt, key string) {
	c := f.flight[key]
	delete(c.pending, a)
	if slices.Contains(a.returned, key) {
		c.land()
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(w *waiter) bool {
		delete(w.pending, a)
		if len(c.holders)+len(w.pending) > 0 {
			return false
		}
		w.turn <- false
		return true
	})
	f.tidy(key)
}

// withdraw ends the registration of an attempt that took nothing.
func (f *flights) withdraw(a *Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range a.flights {
		f.leave(a, key)
	}
}

func (f *flights) tidy(key string) {
	if c := f.flight[key]; len(c.pending)+len(c.holders)+len(c.waiting) == 0 {
		delete(f.flight, key)
	}
}

// land ends what an attempt held.
func (f *flights) land(a *Attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range a.flights {
		c := f.flight[key]
		if c == nil || c.holders[a] == 0 {
			continue
		}
		delete(c.holders, a)
		c.land()
		f.tidy(key)
	}
}

// land lets one waiting attempt try again; all of them if no attempt holds anything.
func (c *flight) land() {
	c.landed++
	n := min(1, len(c.waiting))
	if len(c.holders) == 0 {
		n = len(c.waiting)
	}
	for _, w := range c.waiting[:n] {
		w.turn <- true
	}
	c.waiting = slices.Clone(c.waiting[n:])
}

// refused ends the registration of an attempt that a counter refused, and returns the channel that it waits on; nil if it
// has nothing to wait for.
func (f *flights) refused(a *Attempt, key string, before map[string]int, now int64) <-chan bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var wait chan bool
	if slices.Contains(a.flights, key) {
		c := f.flight[key]
		maps.DeleteFunc(c.holders, func(_ *Attempt, since int64) bool { return now-since > abandoned.Microseconds() })
		w := &waiter{make(chan bool, 1), maps.Clone(c.pending)}
		delete(w.pending, a)
		switch {
		case c.landed != before[key]:
			wait = w.turn
			wait <- true
		case len(c.holders)+len(w.pending) > 0:
			wait = w.turn
			c.waiting = append(c.waiting, w)
		}
	}
	for _, key := range a.flights {
		f.leave(a, key)
	}
	return wait
}

// forget removes a waiter that left, and passes its turn on if it has one.
func (f *flights) forget(key string, wait <-chan bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.flight[key]
	if c == nil {
		return
	}
	c.waiting = slices.DeleteFunc(c.waiting, func(w *waiter) bool { return w.turn == wait })
	if len(wait) > 0 && <-wait && len(c.waiting) > 0 {
		c.waiting[0].turn <- true
		c.waiting = c.waiting[1:]
	}
	f.tidy(key)
}

// beginInTurn begins an attempt, and again after others were settled, until Config.Wait is over.
func (g *Guard) beginInTurn(ctx context.Context, t Try) (*Attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Wait)
	defer cancel()
	var texts []string
	for {
		a := g.newAttempt(ctx, t, texts)
		before := g.flights.enter(a)
		err := a.begin(ctx, t)
		if texts = nil; errors.Is(err, errDisbelieved) {
			g.flights.withdraw(a)
			texts = a.texts(ctx)
			continue
		}
		var e *Exceeded
		if !errors.As(err, &e) {
			g.flights.hold(a, g.now())
			return a, err
		}
		wait := g.flights.refused(a, e.counter, before, g.now())
		if wait == nil {
			a.chargeLinked(ctx, err)
			return nil, err
		}
		select {
		case again := <-wait:
			if !again {
				a.chargeLinked(ctx, err)
				return nil, err
			}
		case <-ctx.Done():
			g.flights.forget(e.counter, wait)
			a.chargeLinked(ctx, err)
			return nil, err
		}
	}
}
