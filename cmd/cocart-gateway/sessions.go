package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/tokens"
)

func sessionsCommand(t terminal) *cobra.Command {
	return group("sessions", "List, show and end sessions", groupOperate, sessionsListCommand(t), sessionsShowCommand(t), sessionsEndCommand(t),
		sessionsKeepCommand(t))
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

func sessionsListCommand(t terminal) *cobra.Command {
	var of shopOf
	var user string
	var q listing.Query
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [--user USER] [--login NAME] [--address ADDRESS] [--device TEXT]",
		Short: "List live sessions: all, or those of a user, an address or a device",
		Long: "List live sessions: all, or those of a user, an address or a device. Times are UTC; the last use is known to about\n" +
			"five minutes. --user asks WordPress for the id of a login name or an e-mail address; without it, all keys of\n" +
			"Redis are read in small steps. A list with --limit ends with the command for the next page.",
		Example: "  cocart-gateway sessions list\n" +
			"  cocart-gateway sessions list --user alice@example.com\n" +
			"  cocart-gateway sessions list --user 7 --json\n" +
			"  cocart-gateway sessions list --address 192.0.2.0/24 --sort last_used --desc --limit 50",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return t.listSessions(c.Context(), of, user, q, asJSON) },
	}
	takesUser(c, &user, "a WordPress user: the id, the login name or the e-mail address")
	c.Flags().StringVar(&q.Login, "login", "", "the login name at the time of the login; WordPress is not asked")
	c.Flags().StringVar(&q.Address, "address", "", "an address, or a network such as 192.0.2.0/24")
	c.Flags().StringVar(&q.Device, "device", "", "a part of the User-Agent")
	c.Flags().StringVar(&q.Sort, "sort", listing.Sorts[0], "order: "+strings.Join(listing.Sorts, ", "))
	c.Flags().BoolVar(&q.Descending, "desc", false, "largest or newest first")
	c.Flags().IntVar(&q.Limit, "limit", 0, fmt.Sprintf("sessions of one page, up to %d (default: all)", listing.MaxLimit))
	c.Flags().StringVar(&q.After, "after", "", "continue behind this place, which the page before names")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func([]string) error {
		if err := q.Check(); err != nil {
			return fmt.Errorf("--%w", err)
		}
		return nil
	})
	return t.takesShop(c, &of)
}

func (t terminal) listSessions(ctx context.Context, of shopOf, user string, q listing.Query, asJSON bool) error {
	a, err := t.openSessions(ctx, of)
	if err != nil {
		return err
	}
	defer a.close()
	if q.UserID, err = findUser(ctx, a.cfg, user); err != nil {
		return err
	}
	page, err := t.readSessions(ctx, a.Authority, q)
	if err != nil {
		return err
	}
	rows := [][]string{sessionColumns}
	for i, s := range page.Sessions {
		page.Sessions[i] = inUTC(s)
		rows = append(rows, sessionRow(s))
	}
	if asJSON {
		return term.WriteJSON(t.out, page)
	}
	err = term.WriteTable(t.out, rows)
	if err == nil && page.Next != "" {
		_, err = fmt.Fprintf(t.out, "\n%d of %d sessions. The next page: the same command with --after %s\n", len(page.Sessions), page.Total, page.Next)
	}
	return err
}

// readSessions shows how many sessions it has read: of all users these may be millions.
func (t terminal) readSessions(ctx context.Context, a *tokens.Authority, q listing.Query) (listing.Page, error) {
	p := t.progress("Reading sessions")
	defer p.End()
	q.Read = func() { p.Count(1) }
	return listing.Sessions(ctx, a, q)
}

func sessionsShowCommand(t terminal) *cobra.Command {
	var of shopOf
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one session, also for some days after its end",
		Example: "  cocart-gateway sessions show AaMYMgQwTIOi1sF3lXq2RA\n" +
			"  cocart-gateway sessions show AaMYMgQwTIOi1sF3lXq2RA --json",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return t.showSession(c.Context(), of, args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesShop(c, &of)
}

func (t terminal) showSession(ctx context.Context, of shopOf, id string, asJSON bool) error {
	a, err := t.openSessions(ctx, of)
	if err != nil {
		return err
	}
	defer a.close()
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

// whose has the sessions that sessions end ends: one of the three.
type whose struct {
	session string
	user    string // as --user names the user
	all     bool
	userID  int64 // of user
}

func sessionsEndCommand(t terminal) *cobra.Command {
	var of shopOf
	var w whose
	var sure, asJSON bool
	c := &cobra.Command{
		Use:   "end (ID | --user USER | --all --yes)",
		Short: "End one session, all of a user's, or everybody's",
		Long: "End one session, all of a user's, or everybody's. Their refresh tokens are refused from now on. Running\n" +
			"gateways refuse their access tokens as soon as they read the revocation log: within a second.",
		Example: "  cocart-gateway sessions end AaMYMgQwTIOi1sF3lXq2RA\n" +
			"  cocart-gateway sessions end --user 7\n" +
			"  cocart-gateway sessions end --user alice@example.com\n" +
			"  cocart-gateway sessions end --all --yes",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, _ []string) error { return t.endSessions(c.Context(), of, w, asJSON) },
	}
	takesUser(c, &w.user, "end all sessions of this WordPress user: the id, the login name or the e-mail address")
	c.Flags().BoolVar(&w.all, "all", false, "end the sessions of everybody")
	c.Flags().BoolVar(&sure, "yes", false, "with --all: yes, of everybody")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func(args []string) error {
		if len(args) == 1 {
			w.session = args[0]
		}
		return w.complaint(sure)
	})
	return t.takesShop(c, &of)
}

func sessionsKeepCommand(t terminal) *cobra.Command {
	var of shopOf
	c := &cobra.Command{
		Use:   "keep",
		Short: "Confirm the sessions in Redis after it lost data",
		Long: "Confirm the sessions in Redis after it lost data. Until then revocation.on_loss applies to tokens from before the\n" +
			"loss, and gateways report it. Running gateways see the confirmation within a second.",
		Example: "  cocart-gateway sessions keep",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return t.keepSessions(c.Context(), of) },
	}
	return t.takesShop(c, &of)
}

func (t terminal) keepSessions(ctx context.Context, of shopOf) error {
	a, err := t.openSessions(ctx, of)
	if err != nil {
		return err
	}
	defer a.close()
	was, err := a.KeepData(ctx)
	if err != nil {
		return err
	}
	text := "No loss of data was open.\n"
	if was.Open() {
		text = fmt.Sprintf("Confirmed: the loss of %s (%s) is no longer open.\n", term.Timestamp(was.Lost), was.Why)
	}
	_, err = fmt.Fprint(t.out, text)
	return err
}

func (w whose) complaint(sure bool) error {
	said := 0
	for _, one := range []bool{w.session != "", w.user != "", w.all} {
		if one {
			said++
		}
	}
	switch {
	case said != 1:
		return errors.New("sessions end needs one of: the ID of a session, --user USER, --all")
	case w.all && !sure:
		return errors.New("--all logs out every customer of the shop: add --yes if that is meant")
	}
	return nil
}

func (t terminal) endSessions(ctx context.Context, of shopOf, w whose, asJSON bool) error {
	a, err := t.openSessions(ctx, of)
	if err != nil {
		return err
	}
	defer a.close()
	if w.userID, err = findUser(ctx, a.cfg, w.user); err != nil {
		return err
	}
	ended, err := t.end(ctx, w, a.Authority)
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
func (t terminal) end(ctx context.Context, w whose, a *tokens.Authority) (int, error) {
	switch {
	case w.userID != 0:
		p := t.progress("Ending sessions")
		defer p.End()
		return a.EndUser(ctx, w.userID, "", tokens.CauseAdmin)
	case w.session != "":
		return endOne(ctx, a, w.session)
	}
	live, err := t.readSessions(ctx, a, listing.Query{Limit: 1})
	if err != nil {
		return 0, err
	}
	return live.Total, a.EndAll(ctx, tokens.CauseAdmin)
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
	case w.userID != 0:
		return fmt.Sprintf(" of user %d", w.userID)
	case w.session != "" && ended == 0:
		return ": " + w.session + " is over or unknown, but was revoked all the same"
	}
	return ""
}
