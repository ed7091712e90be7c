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
