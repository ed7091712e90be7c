package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens/attempts"
)

// lockouts reports addresses and networks whose limit is used up. In Redis they are hashes, so only addresses that may
// be a server of the operator's are recognised: those of this machine, of WordPress and of trusted proxies.
func (r *report) lockouts(ctx context.Context, cfg *config.Config) {
	ctx, cancel := context.WithTimeout(ctx, questionTime)
	defer cancel()
	found, whose, err := addressLockouts(ctx, cfg)
	switch {
	case err != nil:
		r.skip("the counters could not be read: "+cause(err), "lockouts")
	case len(found) == 0:
		r.ok("lockouts", "No address and no network is locked out.")
	default:
		r.warn("lockouts", lockoutsFound(found, whose, ownAddresses(cfg)),
			"If a server of yours logs customers in for them, list it in trusted_proxies and let it send X-Forwarded-For, or raise limits.login.address and limits.login.network; then run lockouts clear --address ADDRESS. Otherwise somebody guesses passwords: see deploy/docs/runbook.md.")
	}
}

func addressLockouts(ctx context.Context, cfg *config.Config) (found []attempts.Lockout, whose func(netip.Addr) []string, err error) {
	client, closeStore, err := store.Open(cfg.Redis)
	if err != nil {
		return nil, nil, err
	}
	defer closeStore()
	g, err := newGuard(cfg, client, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	all, err := g.Lockouts(ctx)
	return slices.DeleteFunc(all, func(l attempts.Lockout) bool { return !ofAddress(l) }), g.Whose, err
}

func ofAddress(l attempts.Lockout) bool {
	return slices.Contains([]string{string(attempts.Address), string(attempts.Subnet), string(attempts.Network), string(attempts.Refresh), string(attempts.Validate)}, l.Counter)
}

func lockoutsFound(found []attempts.Lockout, whose func(netip.Addr) []string, own []netip.Addr) string {
	text := fmt.Sprintf("Addresses or networks locked out after too many wrong passwords or requests: %d", len(found))
	var named []string
	for _, a := range own {
		mine := whose(a)
		if slices.ContainsFunc(found, func(l attempts.Lockout) bool { return slices.Contains(mine, l.Whose) }) {
			named = append(named, a.String())
		}
	}
	if len(named) == 0 {
		return text + "."
	}
	return text + ", among them " + strings.Join(named, ", ") + "."
}

// ownAddresses are those that may be a server of the operator's.
func ownAddresses(cfg *config.Config) []netip.Addr {
	var own []netip.Addr
	add := func(a netip.Addr) {
		if a = a.Unmap().WithZone(""); a.IsValid() && !slices.Contains(own, a) {
			own = append(own, a)
		}
	}
	for _, node := range cfg.Upstream.Origins() {
		if a, err := netip.ParseAddr(node.Hostname()); err == nil {
			add(a)
		}
	}
	for _, p := range cfg.TrustedProxies {
		if p.IsSingleIP() {
			add(p.Addr())
		}
	}
	interfaces, _ := net.InterfaceAddrs() // without them fewer are recognised
	for _, i := range interfaces {
		if p, err := netip.ParsePrefix(i.String()); err == nil {
			add(p.Addr())
		}
	}
	return own
}
