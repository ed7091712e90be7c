package attempts

import (
	"context"
	"net/netip"
	"time"
)

// Request is a kind of request that Allow counts. The words are part of the keys in Redis.
type Request string

// The requests.
const (
	Refresh  Request = "refresh"
	Validate Request = "validate"
)

var wrongKeys = Limit{10, time.Minute}

// Allow counts a request of an address. The State is nil without a limit. The error is an [Exceeded].
func (g *Guard) Allow(ctx context.Context, what Request, client netip.Addr) (*State, error) {
	t := g.Ticket(what, client)
	err := t.Alone(ctx)
	return t.State(), err
}

// AllowWrongKey counts a wrong key of an app server. The limit is fixed: the keys are too long to be guessed, and the limit
// keeps the log readable. The error is an [Exceeded].
func (g *Guard) AllowWrongKey(ctx context.Context, client netip.Addr) (*State, error) {
	return g.count(ctx, g.draw(AppServers, "a:app_server:"+g.namer.place(client).address, wrongKeys, 1))
}

// Use is a request on a route that has no limit of its own.
type Use struct {
	Client  netip.Addr
	Session string // "" for a guest
	Times   int    // how many requests it stands for, such as those of a batch; 0 means one
}

// CountsUse reports whether there is a limit for such requests at all. Without one [Guard.AllowUse] does no I/O.
func (g *Guard) CountsUse() bool { return !g.cfg.Requests.Off() || !g.cfg.SessionRequests.Off() }

// AllowUse counts a request to its address, and to its session if it has one. If one of the two refuses, neither counts it.
// The State is that of the counter with less left, nil without a limit; the error is an [Exceeded]. More at once than a limit
// allows count as many as it allows, since such a request would never pass otherwise.
func (g *Guard) AllowUse(ctx context.Context, u Use) (*State, error) {
	cost := func(l Limit) int64 { return int64(min(max(u.Times, 1), max(l.N, 1))) }
	draws := g.draw(Requests, "a:requests:"+g.namer.place(u.Client).address, g.cfg.Requests, cost(g.cfg.Requests))
	if u.Session != "" {
		draws = append(draws, g.draw(SessionRequests, "a:session_requests:"+g.namer.hash("session", u.Session), g.cfg.SessionRequests, cost(g.cfg.SessionRequests))...)
	}
	return g.count(ctx, draws)
}

// count takes from counters that have nothing to do with passwords: from all of them, or from none.
func (g *Guard) count(ctx context.Context, draws []draw) (*State, error) {
	if len(draws) == 0 {
		return nil, nil
	}
	if refused := g.refuseFromMemory(draws); refused != nil {
		return &refused.State, refused
	}
	done, at, now := g.apply(ctx, batch{draws: draws})
	var least *State
	var taken []held
	var refused *Exceeded
	for i, d := range draws {
		state := d.limit.state(done.out[i].full, now)
		if done.out[i].ok {
			taken = append(taken, held{d, done.out[i].full})
		} else {
			refused = d.refusal(done.out[i].full, now)
			state = refused.State
		}
		if least == nil || state.Remaining < least.Remaining {
			least = &state
		}
	}
	g.learn(at, draws, done, now)
	if refused == nil {
		return least, nil
	}
	back := undo(taken)
	returned, at := g.applyAt(ctx, at, batch{draws: back})
	g.learn(at, back, returned, now)
	return &refused.State, refused
}

// refusal returns the error of a counter that has less left than a request costs.
func (d draw) refusal(full, now int64) *Exceeded {
	state := d.limit.state(full, now) // what is left may not be enough for all of a batch
	state.Remaining, state.RetryAfter = 0, d.limit.wait(full, now, d.cost)
	return &Exceeded{Scope: d.scope, State: state}
}

// refuseFromMemory refuses without a round trip while this process knows that a counter has less left than the request costs.
func (g *Guard) refuseFromMemory(draws []draw) (refused *Exceeded) {
	now := g.now()
	for _, d := range draws {
		if full, lacks := g.soon.lacks(d, now, d.cost); lacks {
			refused = d.refusal(full, now)
		}
	}
	return refused
}

// learn keeps what Redis said about counters, and nothing of what this process counted while Redis is away.
func (g *Guard) learn(at counters, draws []draw, done results, now int64) {
	if at != counters(g.shared) {
		return
	}
	for i, d := range draws {
		g.soon.learn(d.key, done.out[i].full, now)
	}
}
