package attempts

import (
	"fmt"
	"time"
)

// Limit is how often something may happen: N times at once, and N times in each period Per after that. The zero Limit
// means no limit.
type Limit struct {
	N   int
	Per time.Duration
}

// Off reports whether there is no limit.
func (l Limit) Off() bool { return l.N == 0 }

func (l Limit) problem(name string) error {
	if l == (Limit{}) || l.N > 0 && l.Per >= time.Second && l.Per.Microseconds() >= int64(l.N) {
		return nil
	}
	return fmt.Errorf("limit %s: invalid value %d/%s: both numbers must be positive, and the period at least 1s", name, l.N, l.Per)
}

// interval is the time in which one comes back, in microseconds: the unit of the counters, exact in Lua's numbers
// until the year 2255.
func (l Limit) interval() int64 { return max(1, l.Per.Microseconds()/int64(l.N)) }

// leeway allows the clock of one attempt to be a little behind that of the attempt counted before it: concurrent attempts
// read their clocks in one order and arrive in another, and gateways' clocks differ. Without it the last of N would be
// refused. It is less than an interval, so it never allows more than N at once.
func (l Limit) leeway() int64 { return min(l.interval()/2, 500_000) }

// grown returns the limit of a network from which that many accounts logged in: each adds a twenty-fifth of the limit.
// The period stays, so a counter that is half used up stays half used up when its limit grows.
func (l Limit) grown(accounts int) Limit {
	l.N += l.N * accounts / accountsPerLimit
	return l
}

const accountsPerLimit = 25

// spend computes a counter: full is when its bucket is full again, cost what is taken (negative: given back; zero: only
// read). With fill, a cost that exceeds the limit takes what is left. spend.lua does the same in Redis.
func (l Limit) spend(full, now, cost int64, fill bool) (after int64, ok bool) {
	interval, top := l.interval(), now+int64(l.N)*l.interval()
	brim := top + l.leeway()
	full = min(max(full, now), brim)
	switch {
	case cost == 0:
		return full, full+interval <= brim
	case cost < 0:
		return max(now, full+cost*interval), true
	case full+cost*interval > brim && fill:
		return max(full, top), false
	case full+cost*interval > brim:
		return full, false
	}
	return full + cost*interval, true
}

// used returns how many of the limit a counter has counted.
func (l Limit) used(full, now int64) int64 {
	return (max(full-now, 0) + l.interval()/2) / l.interval()
}

// State is the state of a counter as a client may see it.
type State struct {
	Limit     int
	Remaining int
	// Reset is when all of Limit is available again.
	Reset time.Time
	// RetryAfter is the wait for the next one, in whole seconds; 0 if Remaining is not 0.
	RetryAfter int
}

func (l Limit) state(full, now int64) State {
	interval, brim := l.interval(), now+int64(l.N)*l.interval()
	full = min(max(full, now), brim)
	s := State{Limit: l.N, Remaining: int((brim - full) / interval), Reset: time.UnixMicro(full)}
	if s.Remaining == 0 {
		s.RetryAfter = seconds(full + interval - brim)
	}
	return s
}

// wait returns after how many seconds so many are available at once.
func (l Limit) wait(full, now, cost int64) int {
	return seconds(full + cost*l.interval() - now - int64(l.N)*l.interval() - l.leeway())
}

// seconds rounds microseconds up to whole seconds, at least one.
func seconds(micros int64) int { return max(1, int((micros+999_999)/1_000_000)) }

// Scope names the counter that refused. The words are metric labels.
type Scope string

// The scopes.
const (
	Account        Scope = "account"
	AccountNetwork Scope = "account_network" // an account, from a network it logged in from before
	Address        Scope = "address"
	Subnet         Scope = "subnet"  // an IPv6 /56
	Network        Scope = "network" // an IPv6 /48 or an IPv4 /24
	Overall        Scope = "overall"
	SecondFactor   Scope = "second_factor"

	Requests        Scope = "requests"         // of an address, on routes without a limit of their own
	SessionRequests Scope = "session_requests" // of a session, there
	AppServers      Scope = "app_servers"      // wrong keys of app servers from an address
	BrowserLinks    Scope = "browser_links"    // open tickets of a session, which package ticket counts

	newcomer Scope = "newcomer" // of an address and its network: never the reason of a refusal
	further  Scope = "further"  // the account of a name whose password is probably not checked
)

// Scopes returns every Scope that an [Exceeded] can have.
func Scopes() []Scope {
	return []Scope{Account, AccountNetwork, Address, Subnet, Network, Overall, SecondFactor, Requests, SessionRequests, AppServers, BrowserLinks}
}

// Exceeded is the error for too many attempts or requests.
type Exceeded struct {
	Scope Scope
	State State
	// Linked means that the name itself was tried less often than the limit allows, and only its account is locked, by
	// attempts under its other names. The client must not learn this: it would reveal which names belong to one
	// account. The attempt was charged to the name and to where it came from, like a wrong password of an unknown name.
	Linked bool
	// Place is the counter of the address after a Linked refusal; nil without one.
	Place   *State
	counter string // the key of the counter that refused
}

func (e *Exceeded) Error() string { return "too many attempts: " + string(e.Scope) }
