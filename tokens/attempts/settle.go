package attempts

import (
	"context"
	"slices"
	"time"
)

// Result is what WordPress found about a password.
type Result string

// The results.
const (
	Right     Result = "accepted"     // and the second factor too, if there is one
	Wrong     Result = "refused"      // by WordPress or by something else
	Unknown   Result = "unknown"      // no account has the name, so no password was checked
	Asked     Result = "challenge"    // the password was right, and a second factor is required
	WrongCode Result = "code_refused" // the password was right, the second factor wrong
)

// Check is a password that WordPress checked.
type Check struct {
	User   int64 // the user; 0 if not known: then it is counted to the first name
	Result Result
	Times  int // how many wrong passwords; 0 means one
}

func (c Check) times() int64 { return int64(max(c.Times, 1)) }

// Lock is an account that an attempt locked.
type Lock struct {
	Account string // as in [Attempt.Account]
	Scope   Scope
	Until   time.Time // when one more attempt is admitted
}

// settlement collects what an attempt finally takes and gives back, for one round trip.
type settlement struct {
	batch
	wrong     int64 // passwords that count against the place
	elsewhere bool  // a wrong one was of another account than Begin expected
	keep      bool  // what Begin took of the account
	named     bool  // what Begin took of the first name
	looks     []look
	exceeded  error
}

// look is a counter whose state after the settlement shows whether the account is locked.
type look struct {
	account string
	held
}

// checked is an account whose password was checked, with its counters.
type checked struct {
	account string
	begun   bool // Begin took from its counters
	locked  bool // it passes by a lane
	own     record
	mine    int64
	held    []held
}

// Settle counts the results of the attempt: each wrong password to its account, and all of them to where they came from.
// It gives back everything else that Begin took; without checks that is all of it. A right password resets the wrong ones
// of the account that came from the same network.
//
// The error is an [Exceeded]: an account that was checked is locked, so the client must not read the answer, whether the
// password was right or wrong.
func (a *Attempt) Settle(ctx context.Context, checks ...Check) ([]Lock, error) {
	s := a.settlement(ctx, checks)
	return a.settled(ctx, s, checks, a.do(ctx, s.batch))
}

// settlement returns what the results of the attempt change.
func (a *Attempt) settlement(ctx context.Context, checks []Check) *settlement {
	s := &settlement{}
	a.releaseCode(s, checks)
	if a.looked && slices.ContainsFunc(checks, func(c Check) bool { return c.Result == Wrong }) { // the password was changed a moment ago
		a.g.known.forget(a.proof)
	}
	for i, c := range checks {
		a.settleCheck(ctx, s, c, i, len(checks) == 1)
	}
	a.settlePlace(s)
	return s
}

// settled ends the attempt after its settlement was counted.
func (a *Attempt) settled(ctx context.Context, s *settlement, checks []Check, done results) ([]Lock, error) {
	defer a.g.flights.land(a)
	locks := a.locks(s, done)
	for _, c := range checks {
		if c.Result == WrongCode && s.exceeded == nil {
			lock, err := a.countCode(ctx, c)
			locks, s.exceeded = append(locks, lock...), err
		}
	}
	a.held = nil
	return locks, s.exceeded
}

func (a *Attempt) settleCheck(ctx context.Context, s *settlement, c Check, i int, only bool) {
	if c.Result == Unknown {
		if a.settleUnknown(s, c, only) {
			return
		}
		c.Result = Wrong // the name has no counter but the one that Begin took from
	}
	cost := int64(0)
	if c.Result == Wrong {
		cost, s.wrong = 1, s.wrong+c.times()
	}
	account := a.account
	if c.User > 0 {
		account = userName(c.User)
	}
	if c.Result == Right {
		if err := a.codeLocked(ctx, account); err != nil {
			s.exceeded, c.Result = err, Asked // nothing follows from the password
		}
	}
	if only && len(a.names) == 1 && c.User > 0 && (account != a.account || c.Result == Right && !a.looked) {
		life := aliasLife
		if c.Result == Right {
			life = provenLife
		}
		s.aliases = append(s.aliases, alias{a.names[0], c.User, life})
	}
	j, err := a.countersOf(ctx, account, cost, s.keep)
	if only && c.User > 0 {
		a.account = account
	}
	if err != nil {
		s.exceeded = err
		s.named = true
		s.wrong = max(s.wrong, 1) // also if it was right: finding that out must cost an attempt
		s.elsewhere = s.elsewhere || !j.begun
		return
	}
	s.keep = s.keep || j.begun && c.Result == Wrong
	s.named = s.named || c.Result == Wrong
	switch c.Result {
	case Wrong:
		a.settleWrong(s, j, c)
	case Right:
		a.settleRight(s, j)
	default:
		if !j.begun {
			s.draws = append(s.draws, undo(j.held)...)
		}
	}
}

// settleUnknown charges the own counter of a name that no account has any more, or that WordPress read differently from
// us. If its account were charged, an attacker could lock it by guesses that WordPress never checks.
func (a *Attempt) settleUnknown(s *settlement, c Check, only bool) bool {
	draws := a.ofName(c.times())
	if len(draws) == 0 {
		return false
	}
	if only {
		a.account = a.names[0]
	}
	s.wrong, s.named = s.wrong+c.times(), true
	if !a.looked { // Begin took one
		draws[0].cost--
	}
	if draws[0].fill = true; draws[0].cost > 0 {
		s.draws = append(s.draws, draws...)
	}
	return true
}

// countersOf returns the counters of an account whose password was checked. It takes from those that Begin did not take
// from; if they are used up the account may pass by a lane, as at the beginning.
func (a *Attempt) countersOf(ctx context.Context, account string, cost int64, again bool) (checked, error) {
	if account == a.account && !again {
		own := slices.DeleteFunc(slices.Clone(a.held), func(h held) bool { return !h.ofAccount() })
		return checked{account, true, a.lane != "", a.own, a.mine, own}, nil
	}
	b := batch{draws: a.ofAccount(account, cost), texts: a.recordOf(account)}
	done, now := a.do(ctx, b), a.g.now()
	j := checked{account: account}
	if len(done.texts) > 0 {
		j.own = record(done.texts[0])
	}
	var refused []denied
	for i, d := range b.draws {
		if d.scope == AccountNetwork {
			j.mine = done.out[i].full
		}
		if done.out[i].ok {
			j.held = append(j.held, held{d, done.out[i].full})
		} else if d.scope == Account {
			refused = append(refused, denied{d, done.out[i].full})
		}
	}
	j.locked = len(refused) > 0
	if !j.locked || a.recorded(j.own, now) && len(j.held) > 0 {
		return j, nil
	}
	if a.newcomer && a.lane != AccountNetwork {
		if more, ok := a.takeNewcomer(ctx, account, cost, refused); ok {
			j.held = append(j.held, more...)
			return j, nil
		}
	}
	a.do(ctx, batch{draws: undo(j.held)})
	j.held = nil
	return j, &Exceeded{Scope: Account, State: a.wait(refused[0], now).State, Linked: true, Place: a.state}
}

// settleWrong keeps what was taken, and takes the rest if there was more than one wrong password.
func (a *Attempt) settleWrong(s *settlement, j checked, c Check) {
	rest := c.times() - 1
	if j.begun && a.looked {
		rest++
	}
	s.elsewhere = s.elsewhere || !j.begun
	for _, h := range j.held {
		s.looks = append(s.looks, look{j.account, h})
		if rest > 0 {
			h.cost, h.fill = rest, true
			s.draws = append(s.draws, h.draw)
		}
	}
}

// settleRight resets the mistakes of the account that came from this network, and only those: otherwise every login of a
// customer would reset the guesses of an attacker elsewhere. An app that sends its password with each request resets
// nothing with the second one, so that an attacker in its network gains no guesses either.
func (a *Attempt) settleRight(s *settlement, j checked) {
	if !j.begun {
		s.draws = append(s.draws, undo(j.held)...)
	}
	if j.account == "" || j.account[:1] != "u" {
		return
	}
	now, cfg := a.g.now(), a.g.cfg
	if cfg.AccountNetwork.Off() { // where they came from is not known
		s.draws = append(s.draws, a.g.resets("a:account:"+j.account, "a:second_factor:"+j.account)...)
		if a.name != "" && j.begun {
			s.draws = append(s.draws, a.g.resets(a.name)...)
		}
	} else if !a.looked {
		s.draws = append(s.draws, a.g.resets("a:second_factor:"+j.account)...)
		mine := "a:account_network:" + j.account + ":" + a.place.network
		if used := cfg.AccountNetwork.used(j.mine, now) - taken(j.held, AccountNetwork); used > 0 {
			s.draws = append(s.draws, a.g.resets(mine)...)
			if !j.locked { // what passed by a lane was not counted to the account
				s.draws = append(s.draws, a.g.draw("", "a:account:"+j.account, cfg.Account, -used)...)
			}
			if !j.locked && j.begun && len(a.ofName(0)) > 0 {
				s.draws = append(s.draws, a.g.draw("", a.name, cfg.Account, -used)...)
			}
		}
	}
	a.g.known.add(a.proof, cfg.Now())
	if !cfg.AccountNetwork.Off() {
		s.records = append(s.records, a.additions(j.account, j.own, now)...)
	}
}

func taken(all []held, scope Scope) (n int64) {
	for _, h := range all {
		if h.scope == scope {
			n += h.cost
		}
	}
	return n
}

// settlePlace gives back what Begin took for passwords that were not wrong, or takes what Begin did not take.
func (a *Attempt) settlePlace(s *settlement) {
	for _, h := range a.held {
		if h.scope == SecondFactor || h.ofAccount() && s.keep || h.key == a.name && s.named || !h.ofAccount() && s.wrong > 0 {
			continue
		}
		s.draws = append(s.draws, undo([]held{h})...)
	}
	more := s.wrong - 1
	if a.looked || a.lane == AccountNetwork && s.elsewhere {
		more = s.wrong // Begin took nothing of the place
	}
	if more > 0 && (a.lane != AccountNetwork || s.elsewhere) {
		s.draws = append(s.draws, a.ofPlace(more, true)...)
	}
}

// locks returns the accounts whose counter is used up.
func (a *Attempt) locks(s *settlement, done results) []Lock {
	now := a.g.now()
	var locks []Lock
	for _, l := range s.looks {
		if l.key == a.name && l.key != "a:account:"+l.account {
			continue // of the name alone
		}
		if l.scope != Account && (l.scope != AccountNetwork || a.lane != AccountNetwork) {
			continue
		}
		full := l.full
		for i, d := range s.draws {
			if d.key == l.key && i < len(done.out) {
				full = done.out[i].full
			}
		}
		if state := l.limit.state(full, now); state.Remaining == 0 {
			locks = append(locks, Lock{l.account, l.scope, a.g.until(state)})
		}
	}
	return locks
}

func (g *Guard) until(s State) time.Time {
	return g.cfg.Now().Add(time.Duration(s.RetryAfter) * time.Second)
}

// Unreported settles an attempt of which WordPress reported nothing, although its answer may depend on a password: it
// charges every name of the request.
func (a *Attempt) Unreported(ctx context.Context) ([]Lock, error) {
	for _, account := range a.further {
		var draws []draw
		for _, d := range a.ofAccount(account, 1) {
			d.fill = true
			draws = append(draws, d)
		}
		a.do(ctx, batch{draws: draws})
	}
	return a.Settle(ctx, Check{Result: Wrong})
}

// Undecided settles an attempt whose password was not checked.
func (a *Attempt) Undecided(ctx context.Context) { _, _ = a.Settle(ctx) }

// Left ends an attempt whose client left before WordPress answered. It stays counted as a wrong one, and no other attempt
// waits for it any longer.
func (a *Attempt) Left() { a.g.flights.land(a) }

// Refused is [Attempt.Settle] for one wrong password.
func (a *Attempt) Refused(ctx context.Context, user int64) (Lock, error) {
	return first(a.Settle(ctx, Check{User: user, Result: Wrong}))
}

// Accepted is [Attempt.Settle] for one right password.
func (a *Attempt) Accepted(ctx context.Context, user int64) error {
	_, err := a.Settle(ctx, Check{User: user, Result: Right})
	return err
}

// Challenge is [Attempt.Settle] for a right password after which a second factor is required.
func (a *Attempt) Challenge(ctx context.Context, user int64) error {
	_, err := a.Settle(ctx, Check{User: user, Result: Asked})
	return err
}

// CodeRefused is [Attempt.Settle] for a wrong second factor.
func (a *Attempt) CodeRefused(ctx context.Context, user int64) (Lock, error) {
	return first(a.Settle(ctx, Check{User: user, Result: WrongCode}))
}

func first(locks []Lock, err error) (Lock, error) {
	if len(locks) == 0 {
		return Lock{}, err
	}
	return locks[0], err
}
