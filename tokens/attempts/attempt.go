package attempts

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// Try is a password that somebody wants to be judged.
type Try struct {
	// Names are all the names the request holds, in any place; WordPress is expected to judge the first.
	Names []string
	// Password belongs to the first name.
	Password string
	Client   netip.Addr
	// Code: the request holds a second factor.
	Code bool
}

// maxNames is more than there are places in a request for a name.
const maxNames = 16

// Attempt is a password on its way. One of its methods must be called with what became of it; without that it stays
// counted as wrong. A user id is 0 where WordPress named nobody.
type Attempt struct {
	g        *Guard
	at       counters
	names    []string // hashed
	accounts []string // whose counters these are: the first is that of the first name
	taken    []draw
	code     *draw // of taken
	proof    string
	looked   bool // it was known to be right a moment ago, so nothing was taken yet
	client   string
	address  *State
}

// Begin takes an attempt from the counters. The error is an [Exceeded]: nothing was taken, and WordPress must not be
// asked.
func (g *Guard) Begin(ctx context.Context, t Try) (*Attempt, error) {
	a := &Attempt{g: g, client: g.namer.address(t.Client)}
	for _, name := range t.Names[:min(len(t.Names), maxNames)] {
		if h := g.namer.name(name); !slices.Contains(a.names, h) {
			a.names = append(a.names, h)
		}
	}
	for i, user := range g.users(ctx, a.names) {
		account := a.names[i]
		if user > 0 {
			account = userName(user)
		}
		if !slices.Contains(a.accounts, account) {
			a.accounts = append(a.accounts, account)
		}
	}
	if len(t.Names) > 0 {
		a.proof = g.known.proof(t.Names[0], t.Password)
		a.looked = a.proof != "" && len(a.names) == 1 && g.known.has(a.proof, g.cfg.Now())
	}
	return a.take(ctx, t.Code)
}

func (a *Attempt) take(ctx context.Context, code bool) (*Attempt, error) {
	cost := int64(1)
	if a.looked {
		cost = 0
	}
	draws := a.password(cost)
	if code && len(a.accounts) > 0 && !a.g.cfg.SecondFactor.Off() {
		draws = append(draws, a.g.secondFactor(a.accounts[0], 1))
	}
	if len(draws) == 0 {
		a.at = a.g.local
		return a, nil
	}
	out, at, now := a.g.spend(ctx, draws)
	a.at, a.taken = at, draws
	if denied := firstDenied(draws, out, now); denied != nil {
		a.note(draws, out, now)
		a.taken = nil
		a.spend(ctx, undo(granted(draws, out)))
		return nil, denied
	}
	a.note(draws, out, now)
	if last := &a.taken[len(a.taken)-1]; last.scope == SecondFactor {
		a.code = last
	}
	return a, nil
}

// password is what one wrong password costs, and whom.
func (a *Attempt) password(cost int64) []draw {
	var draws []draw
	if !a.g.cfg.Account.Off() {
		for _, account := range a.accounts {
			draws = append(draws, a.g.account(account, cost))
		}
	}
	if !a.g.cfg.Address.Off() {
		draws = append(draws, draw{Address, "a:address:" + a.client, a.g.cfg.Address, cost})
	}
	if !a.g.cfg.Overall.Off() {
		draws = append(draws, draw{Overall, "a:overall", a.g.cfg.Overall, cost})
	}
	return draws
}

func (g *Guard) account(account string, cost int64) draw {
	return draw{Account, "a:account:" + account, g.cfg.Account, cost}
}

func (g *Guard) secondFactor(account string, cost int64) draw {
	return draw{SecondFactor, "a:second_factor:" + account, g.cfg.SecondFactor, cost}
}

func firstDenied(draws []draw, out []outcome, now int64) error {
	for i, o := range out {
		if !o.ok {
			return &Exceeded{draws[i].scope, draws[i].limit.state(o.full, now)}
		}
	}
	return nil
}

func granted(draws []draw, out []outcome) []draw {
	var took []draw
	for i, d := range draws {
		if out[i].ok {
			took = append(took, d)
		}
	}
	return took
}

// undo gives back what draws took.
func undo(draws []draw) []draw {
	var back []draw
	for _, d := range draws {
		if d.cost > 0 {
			d.cost = -d.cost
			back = append(back, d)
		}
	}
	return back
}

func (a *Attempt) spend(ctx context.Context, draws []draw) (out []outcome) {
	out, a.at = a.g.spendAt(ctx, a.at, draws)
	a.note(draws, out, a.g.now())
	return out
}

func (a *Attempt) note(draws []draw, out []outcome, now int64) {
	for i, d := range draws {
		if d.scope == Address {
			state := d.limit.state(out[i].full, now)
			a.address = &state
		}
	}
}

// State is the counter of the client's address, nil if there is none. Clients are told of no other: that of an
// account would tell which names belong together.
func (a *Attempt) State() *State { return a.address }

// Account stands for whom the attempt is counted to, for the log: "user:2", or "name:" and a hash; "" without a name.
func (a *Attempt) Account() string {
	if len(a.accounts) == 0 {
		return ""
	}
	return a.accounts[0]
}

// Lock is when an account's counter has something left again; the zero time says that it has now.
type Lock struct {
	Scope Scope
	Until time.Time
}
