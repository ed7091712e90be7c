package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
)

func tokensCreateCommand(t terminal) *cobra.Command {
	var path string
	var who tokens.Identity
	var asJSON bool
	c := &cobra.Command{
		Use:   "create --user N --config FILE [--fingerprint FP] [--login NAME]",
		Short: "Start a session for a user and print its tokens, as wp cocart jwt create does",
		Long: "Start a session for a user and print its tokens, as wp cocart jwt create does. It counts as any login: beyond\n" +
			"tokens.max_sessions the user's oldest session ends.\n\n" +
			"The session needs the fingerprint that WordPress will compare. It is taken from the user's newest live session;\n" +
			"where there is none, only WordPress can compute it. That is on purpose: the secrets of the gateway alone must\n" +
			"not be enough to become a customer.",
		Example: "  cocart-gateway tokens create --user 7 --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway tokens create --user 7 --login alice --fingerprint 9f86d081884c7d659a2feaa0c55ad015 --json --config /etc/cocart-gateway/config.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return t.createTokens(c.Context(), path, who, asJSON) },
	}
	c.Flags().Int64Var(&who.UserID, "user", 0, "the number of a WordPress user")
	c.Flags().StringVar(&who.Fingerprint, "fingerprint", "", "what WordPress knows the account by now")
	c.Flags().StringVar(&who.Login, "login", "", "the user_login, to be shown in tokens and lists")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func([]string) error {
		if who.UserID == 0 && !c.Flags().Changed("user") {
			return errors.New("tokens create needs --user N")
		}
		return goodUser(c, who.UserID)
	})
	return needsConfig(c, &path)
}

func (t terminal) createTokens(ctx context.Context, path string, who tokens.Identity, asJSON bool) error {
	a, closeStore, err := t.openSessions(ctx, path)
	if err != nil {
		return err
	}
	defer closeStore()
	if who, err = completed(ctx, a, who); err != nil {
		return err
	}
	pair, err := a.Issue(ctx, who, tokens.Client{Device: "cocart-gateway tokens create"})
	if err != nil {
		return err
	}
	if asJSON {
		return term.WriteJSON(t.out, admin.Issued(who.UserID, pair))
	}
	return term.WriteTable(t.out, [][]string{
		{"user", person(who.UserID, who.Login)}, {"session", pair.Session},
		{"access token", pair.Access}, {"expires", t.since(pair.AccessExpiry)},
		{"refresh token", pair.Refresh}, {"expires", t.since(pair.RefreshExpiry)},
	})
}

// completed takes from the user's newest session what was not given.
func completed(ctx context.Context, a *tokens.Authority, who tokens.Identity) (tokens.Identity, error) {
	who, err := a.Recall(ctx, who)
	if err != nil {
		return who, err
	}
	if who.Fingerprint == "" {
		return who, fmt.Errorf(`user %[1]d has no live session to take the fingerprint of the account from; give --fingerprint.
Only WordPress can compute it, and that is on purpose: the secrets of the gateway alone must not be enough to become
a customer. In the folder of WordPress:

  wp eval 'echo CoCartGateway\fingerprint( get_userdata( %[1]d ) );'`, who.UserID)
	}
	return who, nil
}
