package attempts

import (
	"context"
	"errors"
	"net/netip"
)

// Admit reports whether a customer whom WordPress identified without a password may have a session: the error is an
// [Exceeded] while the account is locked. A lock keeps an attacker out who is about to succeed, by whatever way.
//
// It takes from no counter. As a login does, the customer passes from a network that the account logged in from before, or
// as a newcomer from an address with few wrong passwords, so that wrong passwords of others keep no customer out. Limits of
// addresses do not count, because no password was tried. Without Redis the counters of this process decide.
func (g *Guard) Admit(ctx context.Context, user int64, client netip.Addr) error {
	if user <= 0 {
		return nil
	}
	a := &Attempt{g: g, at: g.local, place: g.namer.place(client), account: userName(user), looked: true}
	b := batch{draws: a.ofAccount(a.account, 0), texts: a.recordOf(a.account)}
	if !g.cfg.Newcomer.Off() {
		b.draws = append(append(b.draws, g.draw(newcomer, "a:newcomer_address:"+a.place.address, g.cfg.Newcomer.Address, 0)...),
			g.draw(newcomer, "a:newcomer_network:"+a.place.network, g.cfg.Newcomer.Network, 0)...)
	}
	done, at, now := g.apply(ctx, b)
	a.at = at
	if len(done.texts) > 0 {
		a.own = record(done.texts[0])
	}
	err := a.admit(ctx, b.draws, done.out, now)
	var e *Exceeded
	if errors.As(err, &e) {
		e.Linked = false // the customer has no name here that could reveal another
	}
	return err
}
