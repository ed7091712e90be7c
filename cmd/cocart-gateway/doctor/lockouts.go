package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/tokens/attempts"
)

const lockoutAdvice = "If a server of yours logs customers in, list it in trusted_proxies and let it send X-Forwarded-For, or raise " +
	"limits.login.address and limits.login.network; then run cocart-gateway lockouts clear --address ADDRESS. Otherwise a client guesses " +
	"passwords: see deploy/docs/runbook.md."

// lockouts reports addresses and networks whose limit is used up. Redis has hashes of them, so the report names only
// addresses that may be a server of the operator: those of this machine, of WordPress and of trusted proxies.
func (r *Report) lockouts(ctx context.Context, cfg *config.Config, client redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	guard, err := r.Attempts(cfg, client)
	var all []attempts.Lockout
	if err == nil {
		all, err = guard.Lockouts(ctx)
	}
	if err != nil {
		r.skip("the counters could not be read: "+cause(err), "lockouts")
		return
	}
	all = slices.DeleteFunc(all, func(l attempts.Lockout) bool { return !ofAddress(l) })
	r.decide("lockouts",
		row{len(all) == 0, OK, "No address or network is locked out.", ""},
		row{otherwise, Warning, lockoutsFound(all, guard.Subjects, ownAddresses(cfg)), lockoutAdvice},
	)
}

func ofAddress(l attempts.Lockout) bool {
	return slices.Contains([]string{string(attempts.Address), string(attempts.Subnet), string(attempts.Network), string(attempts.Refresh), string(attempts.Validate)}, l.Counter)
}

func lockoutsFound(found []attempts.Lockout, hashes func(netip.Addr) []string, own []netip.Addr) string {
	text := fmt.Sprintf("Addresses or networks that are locked out after too many wrong passwords or requests: %d", len(found))
	var named []string
	for _, a := range own {
		mine := hashes(a)
		if slices.ContainsFunc(found, func(l attempts.Lockout) bool { return slices.Contains(mine, l.Subject) }) {
			named = append(named, a.String())
		}
	}
	if len(named) == 0 {
		return text + "."
	}
	return text + ", among them " + strings.Join(named, ", ") + "."
}

// ownAddresses returns addresses that may be a server of the operator.
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
	interfaces, _ := net.InterfaceAddrs() // on an error fewer addresses are named
	for _, i := range interfaces {
		if p, err := netip.ParsePrefix(i.String()); err == nil {
			add(p.Addr())
		}
	}
	return own
}
