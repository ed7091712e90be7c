package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens/attempts"
)

func lockoutsCommand(t terminal) *cobra.Command {
	return group("lockouts", "See and end lockouts after too many wrong passwords", groupOperate, listLockouts(t), clearLockouts(t))
}

func listLockouts(t terminal) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List what is locked out now: accounts by user id; names, addresses and networks as hashes",
		Example: "  cocart-gateway lockouts list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return t.withGuard(path, func(g *attempts.Guard) error {
				all, err := g.Lockouts(c.Context())
				if err != nil {
					return err
				}
				return t.showLockouts(all, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesConfig(c, &path)
}

func (t terminal) showLockouts(all []attempts.Lockout, asJSON bool) error {
	if asJSON {
		return term.WriteJSON(t.out, map[string]any{"lockouts": append([]attempts.Lockout{}, all...)})
	}
	rows := [][]string{{"counter", "whose", "one more at", "all again at"}}
	for _, l := range all {
		whose := l.Subject
		if whose == "" {
			whose = "everybody"
		}
		rows = append(rows, []string{l.Counter, whose, term.Timestamp(l.Until), term.Timestamp(l.Reset)})
	}
	return term.WriteTable(t.out, rows)
}

func clearLockouts(t terminal) *cobra.Command {
	var path, address string
	var user int64
	var all bool
	c := &cobra.Command{
		Use:   "clear (--user N | --address ADDRESS | --all)",
		Short: "End the lockout of an account, of an address with its networks, or all of them",
		Example: "  cocart-gateway lockouts clear --user 17\n" +
			"  cocart-gateway lockouts clear --address 192.0.2.7",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := t.withGuard(path, func(g *attempts.Guard) error { return clearOne(c.Context(), g, user, address) })
			if err == nil {
				fmt.Fprintln(t.out, "cleared")
			}
			return err
		},
	}
	c.Flags().Int64Var(&user, "user", 0, "the number of a WordPress user")
	c.Flags().StringVar(&address, "address", "", "an address; its networks (IPv6 /64, /56 and /48, IPv4 /24) are cleared, too")
	c.Flags().BoolVar(&all, "all", false, "every counter")
	t.takesConfig(c, &path)
	return alsoNeeds(c, func([]string) error { return whatToClear(user, address, all) })
}

func whatToClear(user int64, address string, all bool) error {
	given := 0
	for _, is := range []bool{user != 0, address != "", all} {
		if is {
			given++
		}
	}
	if given != 1 || user < 0 {
		return errors.New("lockouts clear needs one of --user N, --address ADDRESS and --all")
	}
	if _, err := netip.ParseAddr(address); address != "" && err != nil {
		return errors.New("--address must be an IP address")
	}
	return nil
}

func clearOne(ctx context.Context, g *attempts.Guard, user int64, address string) error {
	switch {
	case user != 0:
		return g.ClearUser(ctx, user)
	case address != "":
		a, err := netip.ParseAddr(address)
		if err != nil {
			return err
		}
		return g.ClearAddress(ctx, a)
	}
	return g.ClearAll(ctx)
}

var errNoLockouts = errors.New("redis.address is embedded: lockouts are in the memory of the gateway and end with it")

// withGuard opens the counters that running gateways share.
func (t terminal) withGuard(path string, do func(*attempts.Guard) error) error {
	cfg, err := loadConfig(path, t.env)
	if err != nil {
		return err
	}
	if cfg.Redis.Embedded() {
		return errNoLockouts
	}
	client, closeStore, err := store.Open(cfg.Redis)
	if err != nil {
		return err
	}
	defer closeStore()
	g, err := newGuard(cfg, client, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return do(g)
}
