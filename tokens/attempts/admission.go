package attempts

import (
	"context"
	"errors"
	"slices"
)

// denied is a draw that was refused, and its counter.
type denied struct {
	draw
	full int64
}

// admit lets an attempt pass if no counter refused it, or else by one of two lanes:
//
// Wrong passwords that others send must not keep a customer out. From a network that the account logged in from before,
// an attempt passes by a counter of the account in that network, whichever others are used up. A customer without such a
// record passes as a newcomer: if only the account or the overall limit refuses, and few wrong passwords came from the
// address and its network. An attacker has few such addresses, and each attempt uses them up.
//
// Requests with names of several accounts pass by neither lane.
func (a *Attempt) admit(ctx context.Context, draws []draw, out []outcome, now int64) error {
	granted, refused := a.divide(draws, out)
	switch {
	case len(refused) == 0:
		a.held = granted
		return nil
	case a.passesByRecord(granted, refused, now):
		a.lane = AccountNetwork
		for _, h := range granted {
			if h.scope == AccountNetwork || h.scope == SecondFactor {
				a.held = append(a.held, h)
			}
		}
		a.giveBack(ctx, without(granted, a.held))
		return nil
	case a.passesAsNewcomer(refused):
		if more, ok := a.takeNewcomer(ctx, a.account, a.cost(), refused); ok {
			a.lane, a.held = newcomer, append(granted, more...)
			return nil
		}
	}
	a.giveBack(ctx, granted)
	if visible := slices.DeleteFunc(slices.Clone(refused), a.linked); len(visible) > 0 {
		return a.exceeded(visible, now)
	}
	e := a.exceeded(refused, now)
	e.Linked = true
	return e
}

// linked reports whether the counter that refuses is that of an account with other names: its answer would reveal more
// than how often the first name was tried.
func (a *Attempt) linked(d denied) bool {
	return d.ofAccount() && d.key != a.name || d.scope == further
}

// chargeLinked charges an attempt that only a lock of the account refused like a wrong password of an unknown name. The
// client gets the answer of an unknown name, so the counters must look the same to the next attempt, too.
func (a *Attempt) chargeLinked(ctx context.Context, err error) {
	var e *Exceeded
	if !errors.As(err, &e) || !e.Linked {
		return
	}
	draws := a.ofPlace(1, true)
	if a.name != "" {
		draws = append(draws, a.g.draw(Account, a.name, a.g.cfg.Account, 1)...)
	}
	a.do(ctx, batch{draws: draws})
	e.Place = a.state
}

// divide returns what was taken and what refuses the attempt. The counters of the lanes refuse nothing.
func (a *Attempt) divide(draws []draw, out []outcome) (granted []held, refused []denied) {
	a.newcomer = !a.g.cfg.Newcomer.Off()
	for i, d := range draws {
		if d.scope == AccountNetwork {
			a.mine = out[i].full
		}
		switch {
		case out[i].ok:
			granted = append(granted, held{d, out[i].full})
		case d.scope == newcomer:
			a.newcomer = false
		case d.scope != AccountNetwork:
			refused = append(refused, denied{d, out[i].full})
		}
	}
	return granted, refused
}

func (a *Attempt) cost() int64 {
	if a.looked {
		return 0
	}
	return 1
}

// recorded reports whether an account logged in from the network of the client before; own is its record.
func (a *Attempt) recorded(own record, now int64) bool {
	return !a.g.cfg.AccountNetwork.Off() && own.day(networksOfAccount, dayOf(now), a.place.network) > 0
}

func (a *Attempt) passesByRecord(granted []held, refused []denied, now int64) bool {
	return a.recorded(a.own, now) && allOf(refused, Account, Address, Subnet, Network, Overall) &&
		slices.ContainsFunc(granted, func(h held) bool { return h.scope == AccountNetwork })
}

func (a *Attempt) passesAsNewcomer(refused []denied) bool {
	return a.newcomer && a.account != "" && allOf(refused, Account, Overall)
}

func allOf(refused []denied, scopes ...Scope) bool {
	return !slices.ContainsFunc(refused, func(d denied) bool { return !slices.Contains(scopes, d.scope) })
}

// takeNewcomer takes from the counter of newcomers to a locked account. If the account is not locked it takes nothing.
func (a *Attempt) takeNewcomer(ctx context.Context, account string, cost int64, refused []denied) ([]held, bool) {
	if allOf(refused, Overall) {
		return nil, true
	}
	d := draw{scope: newcomer, key: newcomerAccount + account, limit: a.g.cfg.Newcomer.Account, cost: cost}
	out := a.do(ctx, batch{draws: []draw{d}}).out[0]
	return []held{{d, out.full}}, out.ok
}

func (a *Attempt) giveBack(ctx context.Context, taken []held) {
	back := undo(taken)
	a.do(ctx, batch{draws: back})
	for _, d := range back {
		a.returned = append(a.returned, d.key)
	}
}

// undo returns the draws that give back what was taken.
func undo(taken []held) []draw {
	var back []draw
	for _, h := range taken {
		if h.cost > 0 {
			h.cost = -h.cost
			back = append(back, h.draw)
		}
	}
	return back
}

func without(all, some []held) []held {
	return slices.DeleteFunc(slices.Clone(all), func(h held) bool {
		return slices.ContainsFunc(some, func(s held) bool { return s.key == h.key })
	})
}

// exceeded returns the counter with the longest wait, or that of the account in its network if its wait is shorter.
func (a *Attempt) exceeded(refused []denied, now int64) *Exceeded {
	var longest *Exceeded
	for _, d := range refused {
		if e := a.wait(d, now); longest == nil || e.State.RetryAfter > longest.State.RetryAfter {
			longest = e
		}
	}
	if a.recorded(a.own, now) && allOf(refused, Account, Address, Subnet, Network, Overall) {
		state := a.g.cfg.AccountNetwork.state(a.mine, now)
		if state.RetryAfter > 0 && state.RetryAfter < longest.State.RetryAfter {
			return &Exceeded{Scope: AccountNetwork, State: state}
		}
	}
	return longest
}

// wait returns the error for a client that one counter refused.
func (a *Attempt) wait(d denied, now int64) *Exceeded {
	state := d.limit.state(d.full, now)
	if state.RetryAfter == 0 { // less than a counter's leeway
		state.RetryAfter = 1
	}
	switch d.scope {
	case further:
		return &Exceeded{Scope: Account, State: state, counter: d.key}
	case Address, Subnet, Network, Overall:
		interval := d.limit.interval()
		first := max(now, d.full-int64(d.limit.N-1)*interval)
		turn := a.g.waiting.turn(d.key, a.account, now, first, interval, now+d.limit.Per.Microseconds())
		state.RetryAfter = seconds(turn - now)
	}
	return &Exceeded{Scope: d.scope, State: state, counter: d.key}
}
