package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

func sessionsCommand(t terminal) *cobra.Command {
	return group("sessions", "List, show and end sessions", groupOperate, sessionsListCommand(t), sessionsShowCommand(t), sessionsEndCommand(t))
}

// sessionRow is one line of a list, below sessionColumns.
func sessionRow(s tokens.Session) []string {
	return []string{s.ID, strconv.FormatInt(s.UserID, 10), term.Cell(s.Login), term.Cell(s.Device), term.Cell(s.Address),
		term.Timestamp(s.Created), term.Timestamp(s.LastUsed), term.Timestamp(s.Expires)}
}

var sessionColumns = []string{"ID", "USER", "LOGIN", "DEVICE", "ADDRESS", "CREATED", "LAST USED", "EXPIRES"}

// inUTC is the session as a machine should read it, whatever the zone of this one.
func inUTC(s tokens.Session) tokens.Session {
	s.Created, s.LastUsed, s.Expires, s.Ended = s.Created.UTC(), s.LastUsed.UTC(), s.Expires.UTC(), s.Ended.UTC()
	return s
}
