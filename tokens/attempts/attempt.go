package attempts

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Try is a password that is about to be checked.
type Try struct {
	// Names are all the names the request holds, in any place; WordPress is expected to check the first.
	Names []string
	// Password belongs to the first name.
	Password string
	Client   netip.Addr
	// Code: the request holds a second factor.
	Code bool
}

// maxNames is more than there are places in a request for a name.
const maxNames = 16

// Attempt is a password that is being checked. The caller must call [Attempt.Settle] or one of its short forms with the
// result; without that the attempt stays counted as wrong.
type Attempt struct {
	g        *Guard
	at       counters
	names    []string // hashed
	account  string   // the account whose counter the attempt takes from: that of the first name; "" without a name
	name     string   // the first name's own counter; "" without a name
	further  []string // accounts of the other names
	place    place
	crowd    record   // the accounts that logged in from the address
	network  record   // those of the network
	belief   *belief  // where crowd, network and the accounts are from, until Redis confirmed it; nil if they are from Redis
	learned  []string // what Redis has instead
	own      record   // the networks that the account logged in from
	held     []held
	lane     Scope    // AccountNetwork or newcomer if other counters refused; "" for the ordinary way
	newcomer bool     // few wrong passwords came from here
	mine     int64    // when the counter of the account in this network is full again
	flights  []string // keys of the counters on which other attempts may wait until it is settled
	returned []string // keys of the counters to which it gave back what it took before it was refused
	proof    string
	looked   bool // the password was right a moment ago, so nothing was taken yet
	state    *State
}

// held is a draw that was taken, and the counter after it.
type held struct {
	draw
	full int64
}

// Begin takes an attempt from the counters. The error is an [Exceeded]: nothing was taken, and WordPress must not check
// the password.
//
// It takes for the first name only. For other names it reads the counters of their accounts, and refuses if one is
// locked; if it took from them, an attacker could lock customers out with requests that name them and do not check their
// passwords. An attacker gains nothing by trying more passwords at once under another name than the limit allows:
// [Attempt.Settle] withholds the answers.
//
// If attempts of this process hold what the counter of the account or of the address lacks, Begin waits for them, up to
// Config.Wait.
func (g *Guard) Begin(ctx context.Context, t Try) (*Attempt, error) {
	if g.cfg.Wait > 0 {
		return g.beginInTurn(ctx, t)
	}
	var texts []string
	for {
		a := g.newAttempt(ctx, t, texts)
		err := a.begin(ctx, t)
		switch {
		case errors.Is(err, errDisbelieved):
			texts = a.texts(ctx)
		case err != nil:
			a.chargeLinked(ctx, err)
			return nil, err
		default:
			return a, nil
		}
	}
}

// newAttempt makes an attempt of which nothing is counted yet. texts is what Redis has under [Attempt.keys]; without it the
// attempt relies on what this process remembers, and begin returns errDisbelieved if Redis has something else.
func (g *Guard) newAttempt(ctx context.Context, t Try, texts []string) *Attempt {
	a := &Attempt{g: g, at: g.local, place: g.namer.place(t.Client)}
	for _, name := range t.Names[:min(len(t.Names), maxNames)] {
		if h := g.namer.name(name); !slices.Contains(a.names, h) {
			a.names = append(a.names, h)
		}
	}
	if texts == nil {
		if a.belief = g.believe(a.keys()); a.belief != nil {
			texts = a.belief.texts
		} else {
			texts = a.texts(ctx)
		}
	}
	a.read(texts)
	return a
}

func (a *Attempt) begin(ctx context.Context, t Try) error {
	g, cost := a.g, int64(1)
	if len(t.Names) > 0 {
		a.proof = g.known.proof(t.Names[0], t.Password)
		a.looked = a.proof != "" && len(a.names) == 1 && g.known.has(a.proof, g.cfg.Now())
	}
	if a.looked {
		cost = 0
	}
	return a.take(ctx, cost, t.Code)
}

// keys returns where the good records of the client's address and network are, and the accounts of the names.
func (a *Attempt) keys() []string {
	keys := []string{a.place.crowdRecord(), a.place.networkRecord()}
	for _, name := range a.names {
		keys = append(keys, aliasKey(name))
	}
	return keys
}

// texts returns what Redis has under keys. If begin learned it already, that needs no round trip.
func (a *Attempt) texts(ctx context.Context) []string {
	if a.learned != nil {
		return a.learned
	}
	keys := a.keys()
	done, at, _ := a.g.apply(ctx, batch{texts: keys})
	if at == counters(a.g.shared) {
		a.g.local.remember(keys, done.texts)
	}
	return done.texts
}

// read takes the good records and the accounts from the texts under keys.
func (a *Attempt) read(texts []string) {
	a.crowd, a.network = record(texts[0]), record(texts[1])
	for i, name := range a.names {
		account := name
		if user, _ := strconv.ParseInt(texts[i+2], 10, 64); user > 0 {
			account = userName(user)
		}
		switch {
		case i == 0:
			a.account, a.name = account, "a:account:"+name
		case account != a.account && !slices.Contains(a.further, account):
			a.further = append(a.further, account)
		}
	}
}

func (a *Attempt) take(ctx context.Context, cost int64, code bool) error {
	b := batch{draws: slices.Concat(a.ofAccount(a.account, cost), a.ofName(cost), a.ofPlace(cost, false))}
	for _, account := range a.further {
		b.draws = append(b.draws, a.g.draw(further, "a:account:"+account, a.g.cfg.Account, 0)...)
	}
	if code && a.account != "" {
		b.draws = append(b.draws, a.g.draw(SecondFactor, "a:second_factor:"+a.account, a.g.cfg.SecondFactor, 1)...)
	}
	b.texts = a.recordOf(a.account)
	done, now, err := a.applyFirst(ctx, b)
	if err != nil || b.empty() {
		return err
	}
	if len(done.texts) > 0 {
		a.own = record(done.texts[0])
	}
	a.note(b.draws, done.out, now)
	return a.admit(ctx, b.draws, done.out, now)
}

// applyFirst counts the beginning of the attempt. The error is errDisbelieved.
func (a *Attempt) applyFirst(ctx context.Context, b batch) (done results, now int64, err error) {
	switch {
	case a.belief != nil:
		done, a.at, now, a.learned, err = a.g.applyIf(ctx, a.belief, b)
	case !b.empty():
		done, a.at, now = a.g.apply(ctx, b)
	}
	return done, now, err
}

// recordOf returns the key of an account's good record. Only accounts that WordPress named have one.
func (a *Attempt) recordOf(account string) []string {
	if a.g.cfg.AccountNetwork.Off() || !strings.HasPrefix(account, "user:") {
		return nil
	}
	return []string{accountRecord(account)}
}

// draw returns a draw, or none if there is no such limit.
func (g *Guard) draw(scope Scope, key string, limit Limit, cost int64) []draw {
	if limit.Off() {
		return nil
	}
	return []draw{{scope: scope, key: key, limit: limit, cost: cost}}
}

// ofAccount returns the draws of one wrong password from an account.
func (a *Attempt) ofAccount(account string, cost int64) []draw {
	if account == "" {
		return nil
	}
	return slices.Concat(a.g.draw(Account, "a:account:"+account, a.g.cfg.Account, cost),
		a.g.draw(AccountNetwork, "a:account_network:"+account+":"+a.place.network, a.g.cfg.AccountNetwork, cost))
}

// ofName returns the draw of one wrong password from the first name, beside that of its account. With it the answers to a
// name do not reveal that its account was locked under another name: see [Exceeded.Linked].
func (a *Attempt) ofName(cost int64) []draw {
	if a.name == "" || a.name == "a:account:"+a.account {
		return nil
	}
	return a.g.draw(Account, a.name, a.g.cfg.Account, cost)
}

// ofPlace returns the draws of wrong passwords from the address and its networks. The limits grow with the number of
// accounts that logged in from there: a server that logs in all customers of a shop also sends all their mistakes.
func (a *Attempt) ofPlace(cost int64, fill bool) []draw {
	cfg, p, today := a.g.cfg, a.place, dayOf(a.g.now())
	crowd, network := a.crowd.count(accountsOfNetwork, today), a.network.count(accountsOfNetwork, today)
	draws := slices.Concat(a.g.draw(Address, "a:address:"+p.address, cfg.Address.grown(crowd), cost),
		a.g.draw(Network, "a:network:"+p.network, cfg.Network.grown(network), cost))
	if p.subnet != "" {
		draws = append(draws, a.g.draw(Subnet, "a:subnet:"+p.subnet, cfg.Subnet.grown(crowd), cost)...)
	}
	if crowd < trusted {
		draws = append(draws, a.g.draw(Overall, "a:overall", cfg.Overall, cost)...)
	}
	if !cfg.Newcomer.Off() {
		draws = slices.Concat(draws, a.g.draw(newcomer, "a:newcomer_address:"+p.address, cfg.Newcomer.Address.grown(crowd), cost),
			a.g.draw(newcomer, "a:newcomer_network:"+p.network, cfg.Newcomer.Network.grown(network), cost))
	}
	for i := range draws {
		draws[i].fill = fill
	}
	return draws
}

// ofAccount reports whether a draw is from the counter of an account, not of a place.
func (d draw) ofAccount() bool {
	return d.scope == Account || d.scope == AccountNetwork || strings.HasPrefix(d.key, newcomerAccount)
}

const newcomerAccount = "a:newcomer_account:"

// do counts where the attempt began: in Redis or in this process.
func (a *Attempt) do(ctx context.Context, b batch) results {
	var done results
	done, a.at = a.g.applyAt(ctx, a.at, b)
	a.note(b.draws, done.out, a.g.now())
	return done
}

func (a *Attempt) note(draws []draw, out []outcome, now int64) {
	for i, d := range draws {
		if d.scope == Address {
			state := d.limit.state(out[i].full, now)
			a.state = &state
		}
	}
}

// State returns the counter of the client's address; nil without one. Clients must see no other counter: that of an
// account would reveal which names belong to one account.
func (a *Attempt) State() *State { return a.state }

// Account returns the account that the attempt is counted to, for the log: "user:2", or "name:" and a hash; "" without a
// name.
func (a *Attempt) Account() string { return a.account }
