package upstream

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Report lists the passwords that WordPress checked in one request, in the
// plugin's signed words. An empty list means that it checked none.
type Report struct{ Checks []Check }

// Check is one account whose password WordPress checked.
type Check struct {
	// UserID is whose password it was, by whatever name; 0 if no account has the
	// name that came with it.
	UserID int64
	Result AttemptResult
	// Times counts different passwords of this account with this result.
	Times int
}

// AttemptResult is one word for a judged password.
type AttemptResult string

// The results.
const (
	AttemptAccepted    AttemptResult = "accepted"
	AttemptRefused     AttemptResult = "refused"
	AttemptChallenge   AttemptResult = "challenge"    // right, and a second factor is asked for
	AttemptCodeRefused AttemptResult = "code_refused" // right, but the second factor is not
)

const typAttempt = "cocart-attempt+jwt"

// maxChecks bounds one row: the plugin lets ten wrong passwords be checked in one
// request.
const maxChecks = 100

// checkClaims is one row of the claim "checks".
type checkClaims struct {
	Subject string        `json:"sub"`
	Result  AttemptResult `json:"result"`
	Times   int           `json:"n"`
}

// parseReport reads the signed header about passwords; nil if it is absent: the
// plugin is missing or does not know it, or something in PHP took the header away.
func (w *WordPress) parseReport(h http.Header, to sent) (*Report, error) {
	value := h.Get(attemptHeader)
	if value == "" {
		return nil, nil
	}
	c, err := w.verifyReply(value, typAttempt, to)
	if err != nil {
		return nil, err
	}
	only, err := checkClaims{c.Subject, AttemptResult(c.Result), 1}.check()
	if err != nil {
		return nil, err
	}
	if c.Checks == nil {
		return onlyCheck(only), nil
	}
	return readChecks(c.Checks)
}

// onlyCheck is the report of a plugin that knows no list. It says "accepted" of
// no user if something other than a password was accepted.
func onlyCheck(c Check) *Report {
	if c.UserID == 0 && c.Result == AttemptAccepted {
		return &Report{}
	}
	return &Report{Checks: []Check{c}}
}

func readChecks(raw json.RawMessage) (*Report, error) {
	var rows []checkClaims
	if err := json.Unmarshal(raw, &rows); err != nil {
		return nil, badReply("the checks of an attempt header are no list of checks")
	}
	report := &Report{}
	for _, row := range rows {
		c, err := row.check()
		if err != nil {
			return nil, err
		}
		report.Checks = append(report.Checks, c)
	}
	return report, nil
}

func (c checkClaims) check() (Check, error) {
	id, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || id < 0 || strconv.FormatInt(id, 10) != c.Subject {
		return Check{}, badReply("attempt header has no user id")
	}
	if c.Times < 1 || c.Times > maxChecks {
		return Check{}, badReply("attempt header counts no checks, or too many")
	}
	switch c.Result {
	case AttemptAccepted, AttemptRefused, AttemptChallenge, AttemptCodeRefused:
		return Check{id, c.Result, c.Times}, nil
	}
	return Check{}, badReply("attempt header does not say what became of it")
}
