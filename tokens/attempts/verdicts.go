package attempts

import (
	"context"
	"time"
)

// Refused: the password was wrong, so what was taken stays taken. An [Exceeded] means that the account WordPress named
// was locked already, so the client must not read the answer. The Lock is that of an account which this attempt
// locked.
func (a *Attempt) Refused(ctx context.Context, user int64) (Lock, error) {
	a.giveBackCode(ctx)
	if a.looked { // the password was changed a moment ago
		a.looked = false
		a.g.known.forget(a.proof)
		a.taken = a.password(1)
		a.spend(ctx, a.taken)
	}
	if err := a.move(ctx, user, 1); err != nil {
		return Lock{}, err
	}
	return a.lock(ctx, Account), nil
}

// Accepted: the password was right, and the second factor too if there is one. The account's counters are empty again;
// the address only gets back what this attempt took. An [Exceeded] is as with Refused.
func (a *Attempt) Accepted(ctx context.Context, user int64) error {
	if err := a.move(ctx, user, 0); err != nil {
		return err
	}
	a.giveBack(ctx)
	if user <= 0 {
		return nil
	}
	a.g.known.add(a.proof, a.g.cfg.Now())
	a.spend(ctx, a.g.resets(accountKeys(user)...))
	return nil
}

// Challenge: the password was right and a second factor is asked for. Nothing is counted, and nothing forgiven. An
// [Exceeded] is as with Refused.
func (a *Attempt) Challenge(ctx context.Context, user int64) error {
	if err := a.move(ctx, user, 0); err != nil {
		return err
	}
	a.giveBack(ctx)
	return nil
}

// CodeRefused: the password was right, the second factor wrong. That has a counter of its own. An [Exceeded] and the
// Lock are as with Refused.
func (a *Attempt) CodeRefused(ctx context.Context, user int64) (Lock, error) {
	taken := a.code
	a.keepCode()
	if err := a.move(ctx, user, 0); err != nil {
		return Lock{}, err
	}
	a.giveBack(ctx)
	if a.g.cfg.SecondFactor.Off() || a.Account() == "" {
		return Lock{}, nil
	}
	due := a.g.secondFactor(a.Account(), 1)
	if taken == nil || taken.key != due.key { // not seen in the request, or counted to a name so far
		if taken != nil {
			a.spend(ctx, undo([]draw{*taken}))
		}
		if out := a.spend(ctx, []draw{due}); !out[0].ok {
			return Lock{}, &Exceeded{SecondFactor, due.limit.state(out[0].full, a.g.now())}
		}
	}
	return a.lock(ctx, SecondFactor), nil
}

// Undecided: nobody judged the password.
func (a *Attempt) Undecided(ctx context.Context) { a.giveBack(ctx) }

// move counts an attempt to the user WordPress named, if it was counted to somebody else, and remembers the name. The
// user's counter may be used up: then it is an [Exceeded].
func (a *Attempt) move(ctx context.Context, user int64, cost int64) error {
	if user <= 0 || a.Account() == userName(user) {
		return nil
	}
	if len(a.names) == 1 { // of several it is not known which one WordPress judged
		a.g.remember(ctx, a.names[0], user)
	}
	before := a.Account()
	a.accounts = append([]string{userName(user)}, a.accounts[min(1, len(a.accounts)):]...)
	if a.g.cfg.Account.Off() {
		return nil
	}
	due := a.g.account(userName(user), cost)
	out := a.spend(ctx, []draw{due})
	if !out[0].ok {
		return &Exceeded{Account, due.limit.state(out[0].full, a.g.now())}
	}
	a.trade(ctx, before, due)
	return nil
}

// trade gives back what was counted to the name, now that the user's counter has it.
func (a *Attempt) trade(ctx context.Context, before string, due draw) {
	for i, d := range a.taken {
		if d.key == "a:account:"+before {
			a.spend(ctx, undo([]draw{d}))
			a.taken[i] = due
			return
		}
	}
}

func (a *Attempt) giveBack(ctx context.Context) {
	a.spend(ctx, undo(a.taken))
	a.taken, a.code = nil, nil
}

func (a *Attempt) giveBackCode(ctx context.Context) {
	if a.code != nil {
		a.spend(ctx, undo([]draw{*a.code}))
		a.keepCode()
	}
}

// keepCode takes the second factor off the list of what may be given back; it is the last of it.
func (a *Attempt) keepCode() {
	if a.code != nil {
		a.taken, a.code = a.taken[:len(a.taken)-1], nil
	}
}

// lock tells whether the account's counter has nothing left.
func (a *Attempt) lock(ctx context.Context, scope Scope) Lock {
	look := a.g.account(a.Account(), 0)
	if scope == SecondFactor {
		look = a.g.secondFactor(a.Account(), 0)
	}
	if look.limit.Off() || a.Account() == "" {
		return Lock{}
	}
	out := a.spend(ctx, []draw{look})
	state := look.limit.state(out[0].full, a.g.now())
	if out[0].ok {
		return Lock{}
	}
	return Lock{scope, a.g.cfg.Now().Add(time.Duration(state.RetryAfter) * time.Second)}
}
