package upstream

import (
	"net/http"
	"strconv"
)

// Attempt is what WordPress made of the password in a request, in the plugin's
// signed words.
type Attempt struct {
	// UserID is whose password it was, by whatever name; 0 when nobody has that
	// name, or when the plugin cannot tell.
	UserID int64
	Result AttemptResult
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

// parseAttempt reads the signed header about a password; nil when there is none,
// as with an older plugin.
func (w *WordPress) parseAttempt(h http.Header, to sent) (*Attempt, error) {
	value := h.Get(attemptHeader)
	if value == "" {
		return nil, nil
	}
	c, err := w.verifyReply(value, typAttempt, to)
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || id < 0 || strconv.FormatInt(id, 10) != c.Subject {
		return nil, badReply("attempt header has no user id")
	}
	switch r := AttemptResult(c.Result); r {
	case AttemptAccepted, AttemptRefused, AttemptChallenge, AttemptCodeRefused:
		return &Attempt{UserID: id, Result: r}, nil
	}
	return nil, badReply("attempt header does not say what became of it")
}
