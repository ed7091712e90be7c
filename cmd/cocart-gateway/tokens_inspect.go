package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/untrusted"
)

func tokensInspectCommand(t terminal) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect (TOKEN | -) --config FILE",
		Short: "Show what an access or refresh token says, whether it is good, and if not why",
		Long: "Show what an access or refresh token says, whether it is good, and if not why. Nothing is used up by it, and\n" +
			"no part of the token is shown with which it could be spent. With - it is read from standard input, so that it\n" +
			"stays out of the shell's history and the list of processes.\n\n" +
			"The exit code is 0 for a good token, 1 for any other.",
		Example: "  cocart-gateway tokens inspect - --config /etc/cocart-gateway/config.yaml < token.txt\n" +
			"  cocart-gateway tokens inspect - --json --config /etc/cocart-gateway/config.yaml < token.txt",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return t.inspectToken(c.Context(), path, args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return needsConfig(c, &path)
}

// inspected is the answer for machines.
type inspected struct {
	Good *bool  `json:"good"` // null: Redis would have to be asked
	Why  string `json:"why"`
	tokens.Inspection
}

func (t terminal) inspectToken(ctx context.Context, path, token string, asJSON bool) error {
	token, err := t.token(token)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(path, t.env)
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

// indented is JSON of a stranger, fit for a terminal.
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
