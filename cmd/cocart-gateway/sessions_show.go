package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

func sessionsShowCommand(t terminal) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID --config FILE",
		Short: "Show one session, also for some days after its end",
		Example: "  cocart-gateway sessions show AaMYMgQwTIOi1sF3lXq2RA --config /etc/cocart-gateway/config.yaml\n" +
			"  cocart-gateway sessions show AaMYMgQwTIOi1sF3lXq2RA --json --config /etc/cocart-gateway/config.yaml",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return t.showSession(c.Context(), path, args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return needsConfig(c, &path)
}

func (t terminal) showSession(ctx context.Context, path, id string, asJSON bool) error {
	a, closeStore, err := t.openSessions(ctx, path)
	if err != nil {
		return err
	}
	defer closeStore()
	s, state, err := a.SessionState(ctx, id)
	switch {
	case errors.Is(err, tokens.Malformed):
		return errNoID(id)
	case err != nil:
		return err
	case state == tokens.StateUnknown:
		return fmt.Errorf("there is no session %s; one that ended is remembered for some days only", id)
	case asJSON:
		return term.WriteJSON(t.out, struct {
			State tokens.State `json:"state"`
			tokens.Session
		}{state, inUTC(s)})
	}
	return term.WriteTable(t.out, append([][]string{{"session", s.ID}}, t.sessionLines(s, state)...))
}

// sessionLines describe a session one thing a line. Of one that was ended only its times are left.
func (t terminal) sessionLines(s tokens.Session, state tokens.State) [][]string {
	lines := [][]string{{"state", string(state)}, {"user", person(s.UserID, s.Login)}}
	if !s.Ended.IsZero() {
		return append(lines, []string{"created", t.since(s.Created)}, []string{"ended", t.since(s.Ended) + " (" + string(s.Cause) + ")"})
	}
	return append(lines,
		[]string{"device", term.Cell(s.Device)}, []string{"address", term.Cell(s.Address)}, []string{"generation", strconv.FormatUint(s.Generation, 10)},
		[]string{"created", t.since(s.Created)}, []string{"last used", t.since(s.LastUsed)}, []string{"expires", t.since(s.Expires)})
}

func person(user int64, login string) string {
	if login == "" {
		return strconv.FormatInt(user, 10)
	}
	return fmt.Sprintf("%d (%s)", user, term.Cell(login))
}
