package main

import (
	"encoding/json"
	"strconv"
	"time"

	"cocart-gateway/cmd/cocart-gateway/term"
	"cocart-gateway/tokens"
)

// refusals say what each rejection means to an operator.
var refusals = map[tokens.Rejection]string{
	tokens.Malformed:      "It has not the form of a token that this gateway hands out.",
	tokens.BadSignature:   "Its signature does not fit: somebody changed it, or another secret made it. What it says is not to be believed.",
	tokens.UnknownKey:     "The configuration has no key of that name, or the key is retired. What it says is not to be believed.",
	tokens.WrongAlgorithm: "It names another algorithm than its key is for. What it says is not to be believed.",
	tokens.Expired:        "Its time is over, or that of its session: the client refreshes it, or the customer logs in again.",
	tokens.NotYetValid:    "Its time has not come: the clock of who issued it is ahead, or this one is behind.",
	tokens.WrongIssuer:    "It was issued for another shop, or before site.url changed.",
	tokens.WrongAudience:  "It is meant for somebody else, or was issued before tokens.audience changed.",
	tokens.Revoked:        "Its session was ended, or was refreshed since and the grace is over.",
	tokens.Unknown:        "There is no such session: it is long over, or Redis has lost it.",
	tokens.Reused:         "It was spent long before. Were it presented, its session would end: two clients, or a thief, hold it.",
	tokens.Superseded:     "It was spent by another tab or window of the same client: this one is refused, and the session goes on.",
	tokens.Ended:          "Its session is over: the customer logs in again.",
	tokens.Stale:          "Revocations could not be followed for too long (revocation.max_staleness).",
}

func whyRefused(r tokens.Rejection) string { return refusals[r] }

// outlooks say what a refresh token that is good would bring.
var outlooks = map[tokens.Outcome]string{
	tokens.OutcomeRotated:    "It is the current one: a refresh hands out a new pair.",
	tokens.OutcomeConcurrent: "It was spent moments ago: a refresh tells the current one again, as for parallel tabs.",
	tokens.OutcomeLostAnswer: "It was spent, but nobody used its successor: a refresh tells the current one again.",
	tokens.OutcomeSameClient: "It was spent by another tab or window: from the session's own network and User-Agent it brings the current one again, from elsewhere it ends the session.",
	tokens.OutcomeHeld:       "It is the current one, but was refreshed too often just now: a refresh tells it again.",
	tokens.OutcomeAhead:      "It is ahead of Redis, which lost its last write in a failover: a refresh hands out a new pair.",
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
