package attempts

import (
	"context"
	"net/netip"
	"strings"

	"cocart-gateway/tokens/cluster"
)

// Ticket is one request that counts against the limit of its address. It is counted once, by one of two ways: together with
// what the request does in Redis ([Ticket.Spending] and [Ticket.Counted]), or by [Ticket.Alone]. It serves one goroutine.
type Ticket struct {
	g     *Guard
	what  Request
	draw  []draw // none without a limit
	who   string
	state *State
}

// Ticket begins to count a request of an address.
func (g *Guard) Ticket(what Request, client netip.Addr) *Ticket {
	limit := g.cfg.Refresh
	if what == Validate {
		limit = g.cfg.Validate
	}
	return &Ticket{g: g, what: what, draw: g.draw(Address, "a:"+string(what)+":"+g.namer.place(client).address, limit, 1)}
}

// For names the client that waits if the limit refuses, such as its session: of many behind one address each gets a turn
// of its own. The name stays in this process.
func (t *Ticket) For(who string) { t.who = strings.Clone(who) } // who may be a part of a long body, which must not stay in memory

// State returns the counter after the request; nil without a limit.
func (t *Ticket) State() *State { return t.state }

// Spending returns what is to be counted in Redis together with what the request does; the zero value if it was counted here
// because Redis is away, or if there is no limit. The error is an [Exceeded]; it needs no Redis while this process knows that
// nothing is left.
func (t *Ticket) Spending() (cluster.Draw, error) {
	if len(t.draw) == 0 {
		return cluster.Draw{}, nil
	}
	g, d, now := t.g, t.draw[0], t.g.now()
	if full, spent := g.soon.spent(d, now); spent {
		return cluster.Draw{}, t.conclude(outcome{full: full}, now)
	}
	if g.breaker.open(now) {
		return cluster.Draw{}, t.conclude(g.local.spendOne(now, d), now)
	}
	return cluster.Draw{Function: spendFunction, Script: spendScript, Key: g.shared.prefix + d.key, Args: d.arguments(now)}, nil
}

// Counted takes the answer of what Spending returned, or the error of that round trip: then the request is counted here.
// The error is an [Exceeded].
func (t *Ticket) Counted(answer []any, failed error) error {
	g, now := t.g, t.g.now()
	var o outcome
	if failed == nil {
		o, failed = readSpent(answer)
	}
	if failed != nil {
		g.away(failed, now)
		return t.conclude(g.local.spendOne(now, t.draw[0]), now)
	}
	g.back()
	g.soon.learn(t.draw[0].key, o.full, now)
	return t.conclude(o, now)
}

// Alone counts the request by itself: a validation in this process, where Redis hears of it within a moment, a refresh in
// a round trip. It goes on when the client has left. The error is an [Exceeded].
func (t *Ticket) Alone(ctx context.Context) error {
	if len(t.draw) == 0 {
		return nil
	}
	g, d, now := t.g, t.draw[0], t.g.now()
	if t.what == Validate {
		return t.conclude(g.spendSoon(ctx, d, now), now)
	}
	if full, spent := g.soon.spent(d, now); spent {
		return t.conclude(outcome{full: full}, now)
	}
	done, _, now := g.apply(ctx, batch{draws: t.draw})
	g.soon.learn(d.key, done.out[0].full, now)
	return t.conclude(done.out[0], now)
}

func (t *Ticket) conclude(o outcome, now int64) error {
	limit := t.draw[0].limit
	state := limit.state(o.full, now)
	t.state = &state
	if o.ok {
		return nil
	}
	state.RetryAfter = max(1, state.RetryAfter)
	if t.who != "" {
		state.RetryAfter = t.turn(o.full, now)
	}
	return &Exceeded{Scope: Address, State: state}
}

// longestTurn bounds the wait that many clients behind one address are given, in periods of the limit.
const longestTurn = 10

// turn returns after how many seconds the client's turn comes, if every client behind the address keeps to its own.
func (t *Ticket) turn(full, now int64) int {
	limit := t.draw[0].limit
	interval := limit.interval()
	first := max(now, full-int64(limit.N-1)*interval)
	turn := t.g.waiting.turn(t.draw[0].key, t.who, now, first, interval, now+longestTurn*limit.Per.Microseconds())
	return seconds(turn - now)
}
