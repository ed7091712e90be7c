package tokens

import (
	"context"
	"fmt"
	"time"

	"cocart-gateway/tokens/revocation"
)

// Bound says how a session goes on after its customer changed the account.
type Bound string

// The ways.
const (
	// BoundSame means that the session has the new fingerprint. Renew gives its tokens.
	BoundSame Bound = "same"
	// BoundAnew means that another request of the customer met the change first, and ended the session because of it. Issue
	// begins the one that takes its place.
	BoundAnew Bound = "anew"
)

// endedLately is how long a session may be over because of the change that its own request has made: no longer than WordPress
// may take for that request, with some time to spare.
const endedLately = 5 * time.Minute

// Rebind binds a live session to the fingerprint that WordPress computes for its account now. It is for the session in which
// the customer changed the password: the other sessions keep the earlier fingerprint, and end with it.
//
// Call it before EndUser with the earlier fingerprint, which would end this session, too. Access tokens keep the fingerprint
// with which they were issued, so those that are out end with the change, also those of this session: Renew, or a refresh,
// gives one that is valid. Repeating Rebind changes nothing.
//
// The errors are Malformed, Unknown, Ended (for another reason than the change, or bound to a third fingerprint), or
// ErrUnavailable: then nothing has changed, and the session ends with the others.
func (a *Authority) Rebind(ctx context.Context, session, earlier, now string) (Bound, error) {
	id, ok := revocation.ParseSessionID(session)
	if !ok || earlier == "" || now == "" {
		return "", Malformed
	}
	answer, err := rebindScript.Run(context.WithoutCancel(ctx), a.store, []string{a.store.session(id)}, earlier, now).StringSlice()
	if err == nil && len(answer) != 3 {
		err = fmt.Errorf("rebind script answered %d values instead of 3", len(answer))
	}
	if err != nil {
		return "", unavailable("binding session", err)
	}
	switch at := time.UnixMilli(number(answer[2])); {
	case answer[0] == "bound":
		return BoundSame, nil
	case answer[0] == "unknown":
		return "", Unknown
	case answer[0] == "ended" && Cause(answer[1]) == CauseAccount && a.cfg.Now().Sub(at) < endedLately:
		return BoundAnew, nil
	}
	return "", Ended
}

// Renew gives the next pair of a live session to the client that has just proved itself by an access token of it, as a refresh
// with its current token would. It is for a session that Rebind has bound; in any other case a thief of an access token
// would get a session that renews itself. A client that does not receive the answer may refresh with the token that it
// has: rotate.lua takes that for a lost answer. The errors are those of Refresh.
func (a *Authority) Renew(ctx context.Context, session string, from Client) (Pair, error) {
	current, err := a.Resume(ctx, session)
	if err != nil {
		return Pair{}, err
	}
	pair, _, outcome, err := a.refresh(ctx, current, from.tidy(), nil)
	a.metrics.countRefresh(outcome, err)
	return pair, err
}
