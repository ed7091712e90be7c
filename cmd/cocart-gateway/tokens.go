package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/untrusted"
)

func tokensCommand(t terminal) *cobra.Command {
	return group("tokens", "Inspect a token, or make a pair for a user", groupOperate, tokensInspectCommand(t), tokensCreateCommand(t))
}

func tokensCreateCommand(t terminal) *cobra.Command {
	var of shopOf
	var user string
	var who tokens.Identity
	var asJSON bool
	c := &cobra.Command{
		Use:   "create --user USER [--fingerprint FP] [--login NAME]",
		Short: "Start a session for a user and print its tokens, as wp cocart jwt create does",
		Long: "Start a session for a user and print its tokens, as wp cocart jwt create does. It counts as any login: beyond\n" +
			"tokens.max_sessions the user's oldest session ends.\n\n" +
			"The session needs the fingerprint that WordPress will compare. It is taken from the user's newest live session.\n" +
			"Without one, only WordPress can compute it. That is on purpose: the secrets of the gateway alone must\n" +
			"not be enough to become a customer.",
		Example: "  cocart-gateway tokens create --user 7\n" +
			"  cocart-gateway tokens create --user alice@example.com\n" +
			"  cocart-gateway tokens create --user 7 --login alice --fingerprint 9f86d081884c7d659a2feaa0c55ad015 --json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return t.createTokens(c.Context(), of, user, who, asJSON) },
	}
	takesUser(c, &user, "a WordPress user: the id, the login name or the e-mail address")
	c.Flags().StringVar(&who.Fingerprint, "fingerprint", "", "what WordPress knows the account by now")
	c.Flags().StringVar(&who.Login, "login", "", "the user_login, to be shown in tokens and lists")
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	alsoNeeds(c, func([]string) error {
		if user == "" {
			return errors.New("tokens create needs --user USER")
		}
		return nil
	})
	return t.takesShop(c, &of)
}

func (t terminal) createTokens(ctx context.Context, of shopOf, user string, who tokens.Identity, asJSON bool) error {
	a, err := t.openSessions(ctx, of)
	if err != nil {
		return err
	}
	defer a.close()
	if who.UserID, err = findUser(ctx, a.cfg, user); err != nil {
		return err
	}
	if who, err = completed(ctx, a.Authority, who); err != nil {
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

func tokensInspectCommand(t terminal) *cobra.Command {
	var of shopOf
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect (TOKEN | -)",
		Short: "Show what an access or refresh token says, whether it is good, and if not why",
		Long: "Show what an access or refresh token says, whether it is good, and if not why. Nothing is used up by it, and\n" +
			"no part of the token is shown with which it could be spent. With - it is read from standard input, so that it\n" +
			"stays out of the shell's history and the list of processes.\n\n" +
			"The exit code is 0 for a good token, 1 for any other.",
		Example: "  cocart-gateway tokens inspect - < token.txt\n" +
			"  cocart-gateway tokens inspect - --json < token.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return t.inspectToken(c.Context(), of, args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return t.takesShop(c, &of)
}

// inspected is the answer for machines.
type inspected struct {
	Good *bool  `json:"good"` // null: Redis would have to be asked
	Why  string `json:"why"`
	tokens.Inspection
}

func (t terminal) inspectToken(ctx context.Context, of shopOf, token string, asJSON bool) error {
	token, err := t.token(token)
	if err != nil {
		return err
	}
	cfg, err := t.loadShop(of)
	if err != nil {
		return err
	}
	a, closeStore, err := t.openAuthority(cfg)
	if err != nil {
		return err
	}
	defer closeStore()
	i, late := a.Inspect(ctx, token)
	answer := answered(i, late)
	write := t.writeInspected
	if asJSON {
		write = func(answer inspected) error { return term.WriteJSON(t.out, answer) }
	}
	if err := write(answer); err != nil {
		return err
	}
	if answer.Good == nil || !*answer.Good {
		return errReported
	}
	return nil
}

const longestInput = 64 << 10

// token is the argument or, for -, standard input. The word in front of it in a header is taken off.
func (t terminal) token(argument string) (string, error) {
	if argument == "-" {
		text, err := io.ReadAll(io.LimitReader(t.in, longestInput))
		if err != nil {
			return "", fmt.Errorf("reading the token: %w", err)
		}
		argument = string(text)
	}
	argument = strings.TrimSpace(argument)
	if scheme, rest, ok := strings.Cut(argument, " "); ok && strings.EqualFold(scheme, "Bearer") {
		argument = strings.TrimSpace(rest)
	}
	if argument == "" {
		return "", errors.New("there is no token to inspect")
	}
	return argument, nil
}

// answered says whether a token is good. A refusal stands whatever Redis might have added.
func answered(i tokens.Inspection, late error) inspected {
	good := i.Rejection == "" && late == nil
	answer := inspected{Good: &good, Why: whyGood(i), Inspection: i}
	if answer.Session != nil {
		s := inUTC(*i.Session)
		answer.Session = &s
	}
	switch {
	case i.Rejection != "":
		answer.Why = whyRefused(i.Rejection)
	case errors.Is(late, errEmbedded):
		answer.Good, answer.Why = nil, unseen+errEmbedded.Error()+"."
	case late != nil:
		answer.Good, answer.Why = nil, unseen+late.Error()+"."
	}
	return answer
}

const unseen = "Nothing is wrong with the token itself, but its session cannot be looked at: "

func (t terminal) writeInspected(answer inspected) error {
	if err := term.WriteTable(t.out, t.inspectedLines(answer)); err != nil {
		return err
	}
	if answer.State != "" {
		lines := [][]string{{"state", string(answer.State)}}
		if answer.Session != nil {
			lines = t.sessionLines(*answer.Session, answer.State)
		}
		fmt.Fprint(t.out, "\nits session now\n")
		if err := term.WriteTable(t.out, lines); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name string
		text json.RawMessage
	}{{"header", answer.Header}, {"claims", answer.Claims}} {
		if part.text == nil {
			continue
		}
		if _, err := fmt.Fprintf(t.out, "\n%s\n%s\n", part.name, indented(part.text)); err != nil {
			return err
		}
	}
	return nil
}

// indented returns JSON of a client, safe for a terminal.
func indented(text json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return untrusted.Visible(string(text))
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = untrusted.Visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

// refusals say what each rejection means to an operator.
var refusals = map[tokens.Rejection]string{
	tokens.Malformed:      "Not a token issued by this gateway.",
	tokens.BadSignature:   "Its signature is wrong: the token was changed, or made with another secret. Do not trust its contents.",
	tokens.UnknownKey:     "The configuration has no key of that name, or the key is retired. What it says is not to be believed.",
	tokens.WrongAlgorithm: "It names another algorithm than its key is for. What it says is not to be believed.",
	tokens.Expired:        "Its time is over, or that of its session: the client refreshes it, or the customer logs in again.",
	tokens.NotYetValid:    "It is not valid yet: the clock of its issuer is ahead, or this clock is behind.",
	tokens.WrongIssuer:    "It was issued for another shop, or before site.url changed.",
	tokens.WrongAudience:  "It has another audience, or was issued before tokens.audience changed.",
	tokens.Revoked:        "Its session was ended, or was refreshed since and the grace is over.",
	tokens.Unknown:        "There is no such session: it is long over, or Redis has lost it.",
	tokens.Reused:         "It was spent long before. Were it presented, its session would end: two clients, or a thief, hold it.",
	tokens.Superseded:     "It was spent by another tab or window of the same client: this one is refused, and the session goes on.",
	tokens.Ended:          "Its session is over: the customer logs in again.",
	tokens.Stale:          "Revocations could not be followed for too long (revocation.max_staleness).",
	tokens.DataLost:       "It is from before a loss of data in Redis that no operator confirmed (revocation.on_loss, sessions keep).",
}

func whyRefused(r tokens.Rejection) string { return refusals[r] }

// outlooks say what a refresh token that is good would bring.
var outlooks = map[tokens.Outcome]string{
	tokens.OutcomeRotated:    "It is the current one: a refresh issues a new pair.",
	tokens.OutcomeConcurrent: "It was used moments ago: a refresh returns the current one again, as for parallel tabs.",
	tokens.OutcomeLostAnswer: "It was used, but its successor was not: a refresh returns the current one again.",
	tokens.OutcomeSameClient: "It was spent by another tab or window: from the session's own network and User-Agent it brings the current one again, from elsewhere it ends the session.",
	tokens.OutcomeHeld:       "It is the current one, but was refreshed too often just now: a refresh returns it again.",
	tokens.OutcomeAhead:      "It is ahead of Redis, which lost its last write in a failover: a refresh issues a new pair.",
}

func whyGood(i tokens.Inspection) string {
	if i.Kind == tokens.KindRefresh {
		return outlooks[i.Outcome]
	}
	return "It would be accepted now."
}

// shownClaims are read without complaint: a token that is refused may say anything.
type shownClaims struct {
	IssuedAt  json.Number `json:"iat"`
	NotBefore json.Number `json:"nbf"`
	Expiry    json.Number `json:"exp"`
	Data      struct {
		User struct {
			ID    json.Number `json:"id"`
			Login string      `json:"username"`
		} `json:"user"`
	} `json:"data"`
}

type shownHeader struct {
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
}

func (t terminal) inspectedLines(answer inspected) [][]string {
	lines := [][]string{{"token", pick(answer.Kind == "", "neither an access nor a refresh token", string(answer.Kind))}, {"good", verdict(answer)}, {"", answer.Why}}
	if answer.Kind == tokens.KindAccess {
		lines = append(lines, t.accessLines(answer.Inspection)...)
	}
	if answer.Kind == tokens.KindRefresh {
		lines = append(lines, []string{"refresh secret", pick(answer.Secret == 0, "none of ours", "number "+strconv.Itoa(answer.Secret))})
	}
	if answer.SessionID != "" {
		lines = append(lines, []string{"session", term.Cell(answer.SessionID)}, []string{"of generation", strconv.FormatUint(answer.Generation, 10)})
	}
	return lines
}

func verdict(answer inspected) string {
	switch {
	case answer.Rejection != "":
		return "no: " + string(answer.Rejection)
	case answer.Good == nil:
		return "not known"
	}
	return "yes"
}

// accessLines show what an access token says. Errors leave a field as empty as it then deserves.
func (t terminal) accessLines(i tokens.Inspection) [][]string {
	var head shownHeader
	var says shownClaims
	_ = json.Unmarshal(i.Header, &head)
	_ = json.Unmarshal(i.Claims, &says)
	lines := [][]string{{"key", term.Cell(head.KeyID) + " (" + term.Cell(head.Algorithm) + ")"},
		{"user", term.Cell(says.Data.User.ID.String()) + " (" + term.Cell(says.Data.User.Login) + ")"}}
	for _, at := range []struct {
		name string
		unix json.Number
	}{{"issued", says.IssuedAt}, {"not before", says.NotBefore}, {"expires", says.Expiry}} {
		if seconds, err := at.unix.Int64(); err == nil {
			lines = append(lines, []string{at.name, t.since(time.Unix(seconds, 0))})
		}
	}
	return lines
}
