package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

func sessionsListCommand(t terminal) *cobra.Command {
	var path string
	var user int64
	var asJSON bool
	c := &cobra.Command{
		Use:   "list --config FILE [--user N]",
		Short: "List the live sessions of everybody, or of one user",
		Long: "List the live sessions of everybody, or of one user. Times are UTC; the last use is known to about five\n" +
			"minutes. Everybody's sessions are found by going through all keys of Redis in small steps.",
		Example: "  cocart-gateway sessions list --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway sessions list --user 7 --json --config /etc/cocart-gateway/config.yaml",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return t.listSessions(c.Context(), path, user, asJSON) },
	}
	c.Flags().Int64Var(&user, "user", 0, "the number of a WordPress user")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func([]string) error { return goodUser(c, user) })
	return needsConfig(c, &path)
}

func (t terminal) listSessions(ctx context.Context, path string, user int64, asJSON bool) error {
	a, closeStore, err := t.openSessions(ctx, path)
	if err != nil {
		return err
	}
	defer closeStore()
	list, err := sessionsOf(ctx, a, user)
	if err != nil {
		return err
	}
	if asJSON {
		return term.WriteJSON(t.out, map[string]any{"sessions": list})
	}
	rows := [][]string{sessionColumns}
	for _, s := range list {
		rows = append(rows, sessionRow(s))
	}
	return term.WriteTable(t.out, rows)
}

// sessionsOf are the live sessions of a user, or with 0 of everybody, in the order of users and their logins.
func sessionsOf(ctx context.Context, a *tokens.Authority, user int64) ([]tokens.Session, error) {
	list := []tokens.Session{}
	for s, err := range a.Sessions(ctx, user) {
		if err != nil {
			return nil, err
		}
		list = append(list, inUTC(s))
	}
	slices.SortFunc(list, func(a, b tokens.Session) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}
