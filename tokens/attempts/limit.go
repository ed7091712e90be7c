package attempts

import (
	"fmt"
	"time"
)

// Limit is how often something may happen: N times at once, and N times in each span of Per after that. The zero
// Limit is none.
type Limit struct {
	N   int
	Per time.Duration
}

// Off tells whether there is no limit.
func (l Limit) Off() bool { return l.N == 0 }

func (l Limit) problem(name string) error {
	if l == (Limit{}) || l.N > 0 && l.Per >= time.Second && l.interval() > 0 {
		return nil
	}
	return fmt.Errorf("limit %s: %d in %s is none that can be kept", name, l.N, l.Per)
}

// interval is the time in which one comes back, in microseconds: the unit of the counters, exact in Lua's numbers
// until the year 2255.
func (l Limit) interval() int64 { return l.Per.Microseconds() / int64(l.N) }

// leeway lets the clock of one attempt be a little behind that of the attempt counted before it: attempts at once read
// their clocks in one order and arrive in another, and gateways' clocks differ. Without it the last of N would be
// refused. It is less than an interval, so it never buys one more at once.
func (l Limit) leeway() int64 { return min(l.interval()/2, 500_000) }

// spend is the arithmetic of a counter: full is when its bucket is full again, cost what is taken (below zero: given
// back; zero: only looked). spend.lua is the same for Redis.
func (l Limit) spend(full, now, cost int64) (after int64, ok bool) {
	interval, brim := l.interval(), now+int64(l.N)*l.interval()+l.leeway()
	full = min(max(full, now), brim)
	switch {
	case cost == 0:
		return full, full+interval <= brim
	case cost < 0:
		return max(now, full+cost*interval), true
	case full+cost*interval > brim:
		return full, false
	}
	return full + cost*interval, true
}

// State is what a counter says to a client.
type State struct {
	Limit     int
	Remaining int
	// Reset is when all of Limit is there again.
	Reset time.Time
	// RetryAfter is the wait for the next one, in whole seconds; 0 when Remaining is not.
	RetryAfter int
}

func (l Limit) state(full, now int64) State {
	interval, brim := l.interval(), now+int64(l.N)*l.interval()
	full = min(max(full, now), brim)
	s := State{Limit: l.N, Remaining: int((brim - full) / interval), Reset: time.UnixMicro(full)}
	if s.Remaining == 0 {
		s.RetryAfter = max(1, int((full+interval-brim+999_999)/1_000_000))
	}
	return s
}

// Scope is which counter said no. The words are metric labels.
type Scope string

// The scopes.
const (
	Account      Scope = "account"
	Address      Scope = "address"
	Overall      Scope = "overall"
	SecondFactor Scope = "second_factor"
)

// Scopes returns every Scope.
func Scopes() []Scope { return []Scope{Account, Address, Overall, SecondFactor} }

// Exceeded says that there were too many.
type Exceeded struct {
	Scope Scope
	State State
}

func (e *Exceeded) Error() string { return "too many attempts: " + string(e.Scope) }
