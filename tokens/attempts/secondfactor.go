package attempts

import (
	"context"
	"slices"
)

// code returns what Begin took for a second factor.
func (a *Attempt) code() (h held, ok bool) {
	i := slices.IndexFunc(a.held, func(h held) bool { return h.scope == SecondFactor })
	if i < 0 {
		return held{}, false
	}
	return a.held[i], true
}

// releaseCode gives back what Begin took for a second factor, unless it was wrong.
func (a *Attempt) releaseCode(s *settlement, checks []Check) {
	h, ok := a.code()
	if ok && !slices.ContainsFunc(checks, func(c Check) bool { return c.Result == WrongCode }) {
		s.draws = append(s.draws, undo([]held{h})...)
	}
}

// codeLocked returns an [Exceeded] if the second factors of the account are used up that WordPress named, and Begin took from
// the counter of a name, because it did not know whose that is.
//
// Attack: guesses under such names, each of which is refused as the lock demands, until the one that is right. Prevention: the
// lock withholds that one, too.
func (a *Attempt) codeLocked(ctx context.Context, account string) error {
	h, ok := a.code()
	due := draw{scope: SecondFactor, key: "a:second_factor:" + account, limit: a.g.cfg.SecondFactor}
	if !ok || h.key == due.key {
		return nil
	}
	if out := a.do(ctx, batch{draws: []draw{due}}).out[0]; !out.ok {
		return &Exceeded{Scope: SecondFactor, State: due.limit.state(out.full, a.g.now())}
	}
	return nil
}

// countCode counts a wrong second factor to the account that WordPress named.
func (a *Attempt) countCode(ctx context.Context, c Check) ([]Lock, error) {
	account := a.account
	if c.User > 0 {
		account = userName(c.User)
	}
	if a.g.cfg.SecondFactor.Off() || account == "" {
		return nil, nil
	}
	due := draw{scope: SecondFactor, key: "a:second_factor:" + account, limit: a.g.cfg.SecondFactor, cost: 1}
	h, ok := a.code()
	if !ok || h.key != due.key { // not seen in the request, or counted to a name so far
		b := batch{draws: []draw{due}}
		if ok {
			b.draws = append(b.draws, undo([]held{h})...)
		}
		out := a.do(ctx, b).out[0]
		if !out.ok {
			return nil, &Exceeded{Scope: SecondFactor, State: due.limit.state(out.full, a.g.now())}
		}
		h = held{due, out.full}
	}
	if state := h.limit.state(h.full, a.g.now()); state.Remaining == 0 {
		return []Lock{{account, SecondFactor, a.g.until(state)}}, nil
	}
	return nil, nil
}
