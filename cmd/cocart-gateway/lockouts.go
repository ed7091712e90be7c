package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens/attempts"
)

func lockoutsCommand(t terminal) *cobra.Command {
	return group("lockouts", "See and end lockouts after too many wrong passwords", groupOperate, listLockouts(t), clearLockouts(t))
}

func listLockouts(t terminal) *cobra.Command {
	var of shopOf
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List what is locked out now: accounts by user id; names, addresses and networks as hashes",
		Example: "  cocart-gateway lockouts list",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return t.withGuard(of, func(_ *config.Config, g *attempts.Guard) error {
				p := t.progress("Reading counters")
				all, err := g.Lockouts(c.Context())
				p.End()
				if err != nil {
					return err
				}
				return t.showLockouts(all, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesShop(c, &of)
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
	var of shopOf
	var user, address string
	var what admin.Clearing
	var asJSON bool
	c := &cobra.Command{
		Use:   "clear (--user USER | --address ADDRESS | --all)",
		Short: "End the lockout of an account, of an address with its networks, or all of them",
		Example: "  cocart-gateway lockouts clear --user 17\n" +
			"  cocart-gateway lockouts clear --user alice@example.com\n" +
			"  cocart-gateway lockouts clear --address 192.0.2.7",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return t.withGuard(of, func(cfg *config.Config, g *attempts.Guard) (err error) {
				if what.UserID, err = findUser(c.Context(), cfg, user); err != nil {
					return err
				}
				return t.clearLockouts(c.Context(), g, what, asJSON)
			})
		},
	}
	takesUser(c, &user, "a WordPress user: the id, the login name or the e-mail address")
	c.Flags().StringVar(&address, "address", "", "an address; its networks (IPv6 /64, /56 and /48, IPv4 /24) are cleared, too")
	c.Flags().BoolVar(&what.All, "all", false, "every counter")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	t.takesShop(c, &of)
	return alsoNeeds(c, func([]string) error { return checkClearing(&what, user, address) })
}

// checkClearing completes what to clear. It requires exactly one thing, so that a forgotten flag clears nothing.
func checkClearing(what *admin.Clearing, user, address string) error {
	given := 0
	for _, is := range []bool{user != "", address != "", what.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("lockouts clear needs one of --user USER, --address ADDRESS and --all")
	}
	if address == "" {
		return nil
	}
	var err error
	if what.Address, err = netip.ParseAddr(address); err != nil {
		return errors.New("--address must be an IP address")
	}
	return nil
}

// clearLockouts reports the lockouts that it ended.
func (t terminal) clearLockouts(ctx context.Context, g *attempts.Guard, what admin.Clearing, asJSON bool) error {
	p := t.progress("Clearing counters")
	cleared, err := admin.ClearLockouts(ctx, g, what)
	p.End()
	switch {
	case err != nil:
		return err
	case asJSON:
		return term.WriteJSON(t.out, map[string]any{"cleared": append([]attempts.Lockout{}, cleared...)})
	case len(cleared) == 0:
		_, err = fmt.Fprintln(t.out, "There was no lockout. The counters below their limits are cleared.")
		return err
	}
	if _, err := fmt.Fprintln(t.out, "Ended:"); err != nil {
		return err
	}
	return t.showLockouts(cleared, false)
}

var errNoLockouts = errors.New("redis.address is embedded: lockouts are in the memory of the gateway and end with it")

// withGuard opens the counters that running gateways share.
func (t terminal) withGuard(of shopOf, do func(*config.Config, *attempts.Guard) error) error {
	cfg, err := t.loadShop(of)
	if err != nil {
		return err
	}
	if cfg.Redis.Embedded() {
		return errNoLockouts
	}
	client, closeStore, err := openStoreOfAnother(cfg.Redis)
	if err != nil {
		return err
	}
	defer closeStore()
	g, err := newGuard(cfg, client, discard)
	if err != nil {
		return err
	}
	return do(cfg, g)
}
