package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

// whose is what sessions end was told: one of the three.
type whose struct {
	session string
	user    int64
	all     bool
}

func sessionsEndCommand(t terminal) *cobra.Command {
	var path string
	var w whose
	var sure, asJSON bool
	c := &cobra.Command{
		Use:   "end (ID | --user N | --all --yes) --config FILE",
		Short: "End one session, all of a user's, or everybody's",
		Long: "End one session, all of a user's, or everybody's. Their refresh tokens are refused from now on. Running\n" +
			"gateways refuse their access tokens as soon as they read the revocation log: within a second.",
		Example: "  cocart-gateway sessions end AaMYMgQwTIOi1sF3lXq2RA --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway sessions end --user 7 --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway sessions end --all --yes --config /etc/cocart-gateway/config.yaml",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, _ []string) error { return t.endSessions(c.Context(), path, w, asJSON) },
	}
	c.Flags().Int64Var(&w.user, "user", 0, "end all sessions of this WordPress user")
	c.Flags().BoolVar(&w.all, "all", false, "end the sessions of everybody")
	c.Flags().BoolVar(&sure, "yes", false, "with --all: yes, of everybody")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func(args []string) error {
		if len(args) == 1 {
			w.session = args[0]
		}
		return errors.Join(goodUser(c, w.user), w.complaint(sure))
	})
	return needsConfig(c, &path)
}

func (w whose) complaint(sure bool) error {
	said := 0
	for _, one := range []bool{w.session != "", w.user != 0, w.all} {
		if one {
			said++
		}
	}
	switch {
	case said != 1:
		return errors.New("sessions end needs one of: the ID of a session, --user N, --all")
	case w.all && !sure:
		return errors.New("--all logs out every customer of the shop: add --yes if that is meant")
	}
	return nil
}

func (t terminal) endSessions(ctx context.Context, path string, w whose, asJSON bool) error {
	a, closeStore, err := t.openSessions(ctx, path)
	if err != nil {
		return err
	}
	defer closeStore()
	ended, err := w.end(ctx, a)
	if err != nil {
		return err
	}
	if asJSON {
		return term.WriteJSON(t.out, map[string]int{"ended": ended})
	}
	_, err = fmt.Fprintf(t.out, "Ended %d session%s%s.\nRunning gateways refuse the access tokens as soon as they read the revocation log.\n",
		ended, pick(ended == 1, "", "s"), w.remark(ended))
	return err
}

// end counts the sessions that were live until now.
func (w whose) end(ctx context.Context, a *tokens.Authority) (int, error) {
	switch {
	case w.user != 0:
		return a.EndUser(ctx, w.user, "", tokens.CauseAdmin)
	case w.session != "":
		return endOne(ctx, a, w.session)
	}
	live, err := sessionsOf(ctx, a, 0)
	if err != nil {
		return 0, err
	}
	return len(live), a.EndAll(ctx, tokens.CauseAdmin)
}

// endOne revokes also what is over or unknown: its access tokens may still live.
func endOne(ctx context.Context, a *tokens.Authority, id string) (int, error) {
	_, state, err := a.SessionState(ctx, id)
	if errors.Is(err, tokens.Malformed) {
		return 0, errNoID(id)
	}
	if err != nil {
		return 0, err
	}
	if err := a.EndSession(ctx, id, tokens.CauseAdmin); err != nil {
		return 0, err
	}
	if state != tokens.StateLive {
		return 0, nil
	}
	return 1, nil
}

func errNoID(id string) error {
	return fmt.Errorf("%s is not the id of a session: it has 22 letters, digits, - and _", term.Cell(id))
}

func (w whose) remark(ended int) string {
	switch {
	case w.user != 0:
		return fmt.Sprintf(" of user %d", w.user)
	case w.session != "" && ended == 0:
		return ": " + w.session + " is over or unknown, but was revoked all the same"
	}
	return ""
}
