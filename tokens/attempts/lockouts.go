package attempts

import (
	"cocart-gateway/tokens/cluster"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lockout is a counter in Redis that has nothing left.
type Lockout struct {
	// Counter is a [Scope], refresh, validate or newcomer_account.
	Counter string `json:"counter"`
	// Subject is "user:2", "name:" and a hash, the hash of an address or a network, an account and a network, or "".
	Subject string `json:"whose,omitempty"`
	// Until is when one more is admitted, Reset when all are.
	Until time.Time `json:"until"`
	Reset time.Time `json:"reset"`
}

// Lockouts returns the counters that are used up, sorted by key. It reads the whole keyspace in small steps.
func (g *Guard) Lockouts(ctx context.Context) ([]Lockout, error) {
	g.writeSoon(ctx)
	keys, err := g.shared.keys(ctx)
	if err != nil {
		return nil, err
	}
	var all []Lockout
	for some := range slices.Chunk(g.counters(keys), 500) {
		done, err := g.shared.apply(ctx, g.now(), batch{texts: some})
		if err != nil {
			return nil, fmt.Errorf("reading lockouts: %w", err)
		}
		for i, key := range some {
			if l, locked := g.lockout(key, done.texts[i]); locked {
				all = append(all, l)
			}
		}
	}
	return g.withoutKnownNames(ctx, all)
}

// withoutKnownNames removes names whose account is in the list itself.
func (g *Guard) withoutKnownNames(ctx context.Context, all []Lockout) ([]Lockout, error) {
	var aliases []string
	accounts := map[string]bool{}
	for _, l := range all {
		if accounts[l.Subject] = true; l.ofName() {
			aliases = append(aliases, aliasKey(l.Subject))
		}
	}
	if len(aliases) == 0 {
		return all, nil
	}
	done, err := g.shared.apply(ctx, g.now(), batch{texts: aliases})
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	i := -1
	return slices.DeleteFunc(all, func(l Lockout) bool {
		if !l.ofName() {
			return false
		}
		i++
		return accounts["user:"+done.texts[i]]
	}), nil
}

func (l Lockout) ofName() bool {
	return l.Counter == string(Account) && strings.HasPrefix(l.Subject, "name:")
}

// counters returns the keys that can lock a client out: not aliases, good records, and the counters of newcomers from an
// address, which three mistakes use up and which refuse nothing by themselves.
func (g *Guard) counters(keys []string) []string {
	return slices.DeleteFunc(keys, func(key string) bool {
		counter, _, _ := strings.Cut(strings.TrimPrefix(key, "a:"), ":")
		return g.limit(counter).Off() || counter == "newcomer_address" || counter == "newcomer_network"
	})
}

func (g *Guard) lockout(key, text string) (Lockout, bool) {
	counter, whose, _ := strings.Cut(strings.TrimPrefix(key, "a:"), ":")
	full, _ := strconv.ParseInt(text, 10, 64) // 0: it expired meanwhile
	state := g.limit(counter).state(full, g.now())
	return Lockout{counter, whose, g.until(state), state.Reset}, state.Remaining == 0
}

// limit returns the limit of a counter by the word in its key; the zero Limit for an alias or a good record.
func (g *Guard) limit(counter string) Limit {
	return map[string]Limit{
		"account": g.cfg.Account, "account_network": g.cfg.AccountNetwork, "second_factor": g.cfg.SecondFactor,
		"address": g.cfg.Address, "subnet": g.cfg.Subnet, "network": g.cfg.Network, "overall": g.cfg.Overall,
		"newcomer_account": g.cfg.Newcomer.Account, "newcomer_address": g.cfg.Newcomer.Address, "newcomer_network": g.cfg.Newcomer.Network,
		"refresh": g.cfg.Refresh, "validate": g.cfg.Validate, "requests": g.cfg.Requests, "session_requests": g.cfg.SessionRequests,
		"app_server": wrongKeys,
	}[counter]
}

// ClearUser resets the wrong passwords and second factors of an account, and those under each name that is known for it.
// What was counted under a name before WordPress named its account expires by itself.
func (g *Guard) ClearUser(ctx context.Context, user int64) error {
	account := userName(user)
	all, err := g.namesOf(ctx, user)
	if err != nil {
		return err
	}
	all = append(all, "a:account:"+account, "a:second_factor:"+account, newcomerAccount+account)
	return g.clear(ctx, all, func(key string) bool { return strings.HasPrefix(key, "a:account_network:"+account+":") })
}

// namesOf returns the counters of the names that are known for a user.
func (g *Guard) namesOf(ctx context.Context, user int64) ([]string, error) {
	keys, err := g.shared.keys(ctx)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, aliasKey("")) })
	var names []string
	for some := range slices.Chunk(keys, 500) {
		done, err := g.shared.apply(ctx, g.now(), batch{texts: some})
		if err != nil {
			return nil, fmt.Errorf("reading names: %w", err)
		}
		for i, key := range some {
			if done.texts[i] == strconv.FormatInt(user, 10) {
				names = append(names, "a:account:name:"+strings.TrimPrefix(key, aliasKey("")))
			}
		}
	}
	return names, nil
}

// ClearAddress resets the counters of an address and of its networks: of an IPv6 address the /64, /56 and /48, of an IPv4
// address the /24. Otherwise the address would stay locked out.
func (g *Guard) ClearAddress(ctx context.Context, a netip.Addr) error {
	p := g.namer.place(a)
	all := []string{"a:network:" + p.network, "a:newcomer_network:" + p.network}
	for _, counter := range []string{"address", "newcomer_address", "refresh", "validate", "requests", "app_server"} {
		all = append(all, "a:"+counter+":"+p.address)
	}
	if p.subnet != "" {
		all = append(all, "a:subnet:"+p.subnet)
	}
	return g.clear(ctx, all, func(key string) bool {
		return strings.HasPrefix(key, "a:account_network:") && strings.HasSuffix(key, ":"+p.network)
	})
}

// clear resets counters, and those whose key belongs to them.
func (g *Guard) clear(ctx context.Context, all []string, belongs func(string) bool) error {
	keys, err := g.shared.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if belongs(key) {
			all = append(all, key)
		}
	}
	return g.reset(ctx, all...)
}

// Subjects returns how an address and its networks appear in a [Lockout].
func (g *Guard) Subjects(a netip.Addr) []string {
	p := g.namer.place(a)
	return slices.DeleteFunc([]string{p.address, p.subnet, p.network}, func(s string) bool { return s == "" })
}

// ClearAll resets every counter.
func (g *Guard) ClearAll(ctx context.Context) error {
	keys, err := g.shared.keys(ctx)
	if err != nil {
		return err
	}
	return g.reset(ctx, keys...)
}

// resets returns draws that give back everything. They delete no key: the gateway's Redis user may not.
func (g *Guard) resets(keys ...string) []draw {
	var draws []draw
	for _, key := range keys {
		counter, _, _ := strings.Cut(strings.TrimPrefix(key, "a:"), ":")
		if limit := g.limit(counter); !limit.Off() {
			draws = append(draws, draw{key: key, limit: limit, cost: -int64(limit.N)})
		}
	}
	return draws
}

func (g *Guard) reset(ctx context.Context, keys ...string) error {
	g.writeSoon(ctx)
	defer g.soon.forget(keys)
	for some := range slices.Chunk(g.resets(keys...), 500) {
		if _, err := g.shared.apply(ctx, g.now(), batch{draws: some}); err != nil {
			return err
		}
	}
	return nil
}

// keys returns every key of this package, without the prefix, sorted.
func (s *shared) keys(ctx context.Context) ([]string, error) {
	var all []string
	for found, err := range cluster.Keys(ctx, s.UniversalClient, s.prefix+"a:") {
		if err != nil {
			return nil, fmt.Errorf("reading lockouts: %w", err)
		}
		for _, key := range found {
			all = append(all, strings.TrimPrefix(key, s.prefix))
		}
	}
	slices.Sort(all)
	return all, nil
}
