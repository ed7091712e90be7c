package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"cocart-gateway/tokens/attempts"
)

func lockoutsCommand(env func(string) (string, bool), stdout io.Writer) *cobra.Command {
	group := &cobra.Command{
		Use:   "lockouts",
		Short: "See and end lockouts after too many wrong passwords",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	group.AddCommand(listLockouts(env, stdout), clearLockouts(env, stdout))
	return group
}

func listLockouts(env func(string) (string, bool), stdout io.Writer) *cobra.Command {
	var config string
	c := &cobra.Command{
		Use:   "list --config FILE",
		Short: "List what is locked out now: accounts by user id, names and addresses as hashes",
		Args:  needsConfig(&config, "lockouts list"),
		RunE: func(c *cobra.Command, _ []string) error {
			return withGuard(config, env, func(g *attempts.Guard) error {
				all, err := g.Lockouts(c.Context())
				if err != nil {
					return err
				}
				return printLockouts(stdout, all)
			})
		},
	}
	configFlag(c, &config)
	return c
}

func printLockouts(stdout io.Writer, all []attempts.Lockout) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COUNTER\tWHOSE\tONE MORE AT\tALL AGAIN AT")
	for _, l := range all {
		whose := l.Whose
		if whose == "" {
			whose = "everybody"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Counter, whose, l.Until.UTC().Format(time.RFC3339), l.Reset.UTC().Format(time.RFC3339))
	}
	return w.Flush()
}

func clearLockouts(env func(string) (string, bool), stdout io.Writer) *cobra.Command {
	var config, address string
	var user int64
	var all bool
	c := &cobra.Command{
		Use:   "clear --config FILE (--user ID | --address ADDRESS | --all)",
		Short: "End the lockout of an account, of an address, or all of them",
		Example: "  cocart-gateway lockouts clear --config /etc/cocart-gateway/config.yaml --user 17\n" +
			"  cocart-gateway lockouts clear --config /etc/cocart-gateway/config.yaml --address 192.0.2.7",
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := needsConfig(&config, "lockouts clear")(c, args); err != nil {
			return err
		}
		return whatToClear(user, address, all)
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		err := withGuard(config, env, func(g *attempts.Guard) error { return clearOne(c.Context(), g, user, address) })
		if err == nil {
			fmt.Fprintln(stdout, "cleared")
		}
		return err
	}
	configFlag(c, &config)
	c.Flags().Int64Var(&user, "user", 0, "the user id of an account")
	c.Flags().StringVar(&address, "address", "", "an address; of an IPv6 address the whole /64 is cleared")
	c.Flags().BoolVar(&all, "all", false, "every counter")
	return c
}

func whatToClear(user int64, address string, all bool) error {
	given := 0
	for _, is := range []bool{user != 0, address != "", all} {
		if is {
			given++
		}
	}
	if given != 1 || user < 0 {
		return errors.New("lockouts clear needs one of --user ID, --address ADDRESS and --all")
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

func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVarP(path, "config", "c", "", "configuration file (see config.example.yaml)")
}

func needsConfig(path *string, command string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if *path == "" {
			return errors.New(command + " needs --config FILE")
		}
		return cobra.NoArgs(c, args)
	}
}

var errEmbedded = errors.New("redis.address is embedded: lockouts are in the memory of the gateway and end with it")

// withGuard opens the store of a running gateway.
func withGuard(path string, env func(string) (string, bool), do func(*attempts.Guard) error) error {
	cfg, err := loadConfig(path, env)
	if err != nil {
		return err
	}
	if cfg.Redis.Address == EmbeddedStore {
		return errEmbedded
	}
	client, closeStore, err := openStore(cfg.Redis)
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
