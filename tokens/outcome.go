package tokens

import (
	"errors"
	"fmt"
)

// Rejection is why a token was refused: error, metric label and log word in one.
// It says nothing about the token's contents, so it may be logged; what a client is told is the caller's affair.
type Rejection string

// The closed list of rejections.
const (
	Malformed      Rejection = "malformed"       // not a token of ours in form
	BadSignature   Rejection = "bad_signature"   // the signature or MAC is not ours
	UnknownKey     Rejection = "unknown_key"     // no key of that id, or it is retired
	WrongAlgorithm Rejection = "wrong_algorithm" // not the algorithm of the key
	Expired        Rejection = "expired"         // exp has passed, or the session's idle or absolute limit
	NotYetValid    Rejection = "not_yet_valid"   // nbf or iat lies in the future
	WrongIssuer    Rejection = "wrong_issuer"
	WrongAudience  Rejection = "wrong_audience"
	Revoked        Rejection = "revoked"    // access token of an ended session, an older generation, a cut-off user
	Unknown        Rejection = "unknown"    // no such session (any more)
	Reused         Rejection = "reused"     // a spent refresh token: the session was ended because of it
	Superseded     Rejection = "superseded" // a spent refresh token from the session's own client: the session goes on
	Ended          Rejection = "ended"      // refresh token of a session that is over
	Stale          Rejection = "stale"      // revocations are too old to judge (Config.OnStale = Deny)
)

// Rejections returns the closed list, for metrics and documentation.
func Rejections() []Rejection {
	return []Rejection{Malformed, BadSignature, UnknownKey, WrongAlgorithm, Expired, NotYetValid, WrongIssuer,
		WrongAudience, Revoked, Unknown, Reused, Ended, Stale}
}

// Error returns the rejection's word.
func (r Rejection) Error() string { return string(r) }

// ErrUnavailable says that Redis did not answer, or not as it must; it wraps the cause. Nothing was decided
// about the token: the caller answers 503 with Retry-After, and the same request made again is safe.
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
	CauseAccount Cause = "account" // password, e-mail or epoch changed, or the user is gone
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

// known maps what callers or Redis hand in to the closed list, so that it can be a metric label.
func (c Cause) known() Cause {
	for _, k := range Causes() {
		if c == k {
			return c
		}
	}
	return CauseOther
}

// Verdict is what a refresh came to: metric label and log word in one.
type Verdict string

// The closed list of verdicts.
const (
	VerdictRotated     Verdict = "rotated"     // the current token: a new pair
	VerdictConcurrent  Verdict = "concurrent"  // retired less than the grace ago: the current token again
	VerdictLostAnswer  Verdict = "lost_answer" // the parent, by Config.LostAnswer: the current token again
	VerdictSameClient  Verdict = "same_client" // an older one from the session's own client, by Config.ReuseBySameClient: the current token again
	VerdictSuperseded  Verdict = "superseded"  // the same, refused: 401, and the session goes on
	VerdictHeld        Verdict = "held"        // more than 32 rotations within the grace: the current token again
	VerdictAhead       Verdict = "ahead"       // Redis lost its last write in a failover: a new pair
	VerdictAdopted     Verdict = "adopted"     // a token of the PHP plugin: a session of ours
	VerdictHandedBack  Verdict = "handed_back" // one of ours, while sessions go back: a pair of the PHP plugin
	VerdictPassedOn    Verdict = "passed_on"   // a token of the PHP plugin, while sessions go back: that plugin's answer
	VerdictKept        Verdict = "kept"        // one of ours that the PHP plugin gave nothing for: a new pair of ours
	VerdictReuse       Verdict = "reuse"       // a spent token: the session was ended
	VerdictEnded       Verdict = "ended"       // the session had been ended before
	VerdictExpired     Verdict = "expired"     // the session's idle or absolute limit has passed
	VerdictUnknown     Verdict = "unknown"     // no such session
	VerdictRefused     Verdict = "refused"     // malformed, or not made by us
	VerdictUnavailable Verdict = "unavailable" // Redis did not answer, or WordPress where it was asked
)

// Verdicts returns the closed list, for metrics and documentation.
func Verdicts() []Verdict {
	return []Verdict{VerdictRotated, VerdictConcurrent, VerdictLostAnswer, VerdictSameClient, VerdictSuperseded, VerdictHeld, VerdictAhead, VerdictAdopted, VerdictHandedBack,
		VerdictPassedOn, VerdictKept, VerdictReuse, VerdictEnded, VerdictExpired, VerdictUnknown, VerdictRefused, VerdictUnavailable}
}

// rejection is the error of a step that hands out no token.
func (v Verdict) rejection() error {
	switch v {
	case VerdictUnknown:
		return Unknown
	case VerdictExpired:
		return Expired
	case VerdictEnded:
		return Ended
	case VerdictReuse:
		return Reused
	case VerdictSuperseded:
		return Superseded
	}
	return nil
}

// verdictOf says what an error means for the refresh.
func verdictOf(err error) Verdict {
	var r Rejection
	if !errors.As(err, &r) {
		return VerdictUnavailable
	}
	switch r {
	case Unknown:
		return VerdictUnknown
	case Expired:
		return VerdictExpired
	case Ended:
		return VerdictEnded
	case Reused:
		return VerdictReuse
	case Superseded:
		return VerdictSuperseded
	}
	return VerdictRefused
}
