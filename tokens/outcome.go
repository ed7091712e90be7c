package tokens

import (
	"errors"
	"fmt"
)

// Rejection is why a token was refused: error, metric label and log word in one. It reveals nothing of the token, so it
// may be logged. The caller chooses what the client reads.
type Rejection string

// The closed list of rejections.
const (
	Malformed      Rejection = "malformed"       // not the form of our tokens
	BadSignature   Rejection = "bad_signature"   // the signature or MAC is not ours
	UnknownKey     Rejection = "unknown_key"     // no key of that id, or it is retired
	WrongAlgorithm Rejection = "wrong_algorithm" // not the algorithm of the key
	Expired        Rejection = "expired"         // exp has passed, or the session's idle or absolute limit
	NotYetValid    Rejection = "not_yet_valid"   // nbf or iat lies in the future
	WrongIssuer    Rejection = "wrong_issuer"
	WrongAudience  Rejection = "wrong_audience"
	Revoked        Rejection = "revoked"    // access token of an ended session or a retired generation, or covered by a cutoff
	Unknown        Rejection = "unknown"    // Redis does not have the session, or no longer
	Reused         Rejection = "reused"     // a spent refresh token: the session was ended because of it
	Superseded     Rejection = "superseded" // a spent refresh token from the session's own client: the session goes on
	Ended          Rejection = "ended"      // refresh token of a session that is over
	Stale          Rejection = "stale"      // the view of revocations is too old (Config.OnStale = Deny), or Redis was not seen yet (Config.OnLoss = DenyLoss)
	DataLost       Rejection = "data_lost"  // from before a loss of data in Redis (Config.OnLoss)
)

// Rejections returns the closed list, for metrics and documentation.
func Rejections() []Rejection {
	return []Rejection{Malformed, BadSignature, UnknownKey, WrongAlgorithm, Expired, NotYetValid, WrongIssuer,
		WrongAudience, Revoked, Unknown, Reused, Superseded, Ended, Stale, DataLost}
}

// Error returns the word of the rejection.
func (r Rejection) Error() string { return string(r) }

// ErrUnavailable means that Redis did not answer, or gave an unexpected answer; it wraps the cause. Nothing was decided
// about the token: the caller answers 503 with Retry-After, and the client may repeat the request.
var ErrUnavailable = errors.New("session store unavailable")

func unavailable(doing string, cause error) error {
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, cause)
}

// Cause is why a session ended: metric label and log word in one.
type Cause string

// The closed list of causes.
const (
	CauseLogout  Cause = "logout"  // the customer logged out
	CauseReuse   Cause = "reuse"   // a spent refresh token was presented
	CauseLimit   Cause = "limit"   // the user has more sessions than allowed; this was the oldest
	CauseAccount Cause = "account" // password, e-mail or epoch changed, or the user was deleted
	CauseAdmin   Cause = "admin"   // an operator ended it
	CauseClient  Cause = "client"  // revoked through the revocation endpoint
	CauseOther   Cause = "other"   // any word that is not in this list
	// CauseHandedBack is the end of a session whose customer went back to the PHP plugin (package migration).
	CauseHandedBack Cause = "handed_back"
)

// Causes returns the closed list, for metrics and documentation.
func Causes() []Cause {
	return []Cause{CauseLogout, CauseReuse, CauseLimit, CauseAccount, CauseAdmin, CauseClient, CauseHandedBack, CauseOther}
}

// known returns the cause if it is in the closed list, else CauseOther, so that it can be a metric label.
func (c Cause) known() Cause {
	for _, k := range Causes() {
		if c == k {
			return c
		}
	}
	return CauseOther
}

// Outcome is the result of a refresh: metric label and log word in one.
type Outcome string

// The closed list of outcomes.
const (
	OutcomeRotated     Outcome = "rotated"     // the current token: a new pair
	OutcomeConcurrent  Outcome = "concurrent"  // retired less than the grace ago: the current token again
	OutcomeLostAnswer  Outcome = "lost_answer" // the parent, by Config.LostAnswer: the current token again
	OutcomeSameClient  Outcome = "same_client" // an older one from the session's own client, by Config.ReuseBySameClient: the current token again
	OutcomeSuperseded  Outcome = "superseded"  // the same, refused: 401, and the session goes on
	OutcomeHeld        Outcome = "held"        // more than 32 rotations within the grace: the current token again
	OutcomeAhead       Outcome = "ahead"       // Redis lost writes, in a failover or with older data: a new pair
	OutcomeAdopted     Outcome = "adopted"     // a token of the PHP plugin: a session of ours
	OutcomeHandedBack  Outcome = "handed_back" // one of ours, during a rollback: a pair of the PHP plugin
	OutcomePassedOn    Outcome = "passed_on"   // a token of the PHP plugin, during a rollback: that plugin's answer
	OutcomeKept        Outcome = "kept"        // one of ours, during a rollback, for which the PHP plugin gave no pair: a new pair of ours
	OutcomeReuse       Outcome = "reuse"       // a spent token: the session was ended
	OutcomeEnded       Outcome = "ended"       // the session had been ended before
	OutcomeExpired     Outcome = "expired"     // the session's idle or absolute limit has passed
	OutcomeUnknown     Outcome = "unknown"     // no such session
	OutcomeRefused     Outcome = "refused"     // malformed, or not made by us
	OutcomeUnavailable Outcome = "unavailable" // Redis did not answer, or WordPress where it was asked
)

// Outcomes returns the closed list, for metrics and documentation.
func Outcomes() []Outcome {
	return []Outcome{OutcomeRotated, OutcomeConcurrent, OutcomeLostAnswer, OutcomeSameClient, OutcomeSuperseded, OutcomeHeld, OutcomeAhead, OutcomeAdopted, OutcomeHandedBack,
		OutcomePassedOn, OutcomeKept, OutcomeReuse, OutcomeEnded, OutcomeExpired, OutcomeUnknown, OutcomeRefused, OutcomeUnavailable}
}

// rejection returns the error of an outcome without tokens; nil for the others.
func (v Outcome) rejection() error {
	switch v {
	case OutcomeUnknown:
		return Unknown
	case OutcomeExpired:
		return Expired
	case OutcomeEnded:
		return Ended
	case OutcomeReuse:
		return Reused
	case OutcomeSuperseded:
		return Superseded
	}
	return nil
}

// outcomeOf returns the outcome of a refresh that failed with an error.
func outcomeOf(err error) Outcome {
	var r Rejection
	if !errors.As(err, &r) {
		return OutcomeUnavailable
	}
	switch r {
	case Unknown:
		return OutcomeUnknown
	case Expired:
		return OutcomeExpired
	case Ended:
		return OutcomeEnded
	case Reused:
		return OutcomeReuse
	case Superseded:
		return OutcomeSuperseded
	}
	return OutcomeRefused
}
