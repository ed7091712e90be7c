package tokens

import (
	"context"
	"errors"
)

// Revoke ends the session of an access or a refresh token, whichever the text is (RFC 7009 section 2.1: the whole
// grant goes). A token that is not good any more, or never was, is no error: there is nothing left to revoke. An
// access token that the PHP plugin issued has no session; it is refused as Unknown. ErrUnavailable is as for
// EndSession. It costs what Refresh and EndSession cost, so only trusted callers may be let at it.
func (a *Authority) Revoke(ctx context.Context, token string) error {
	id, err := a.sessionOf(ctx, token)
	if err != nil {
		return unlessRejected(err)
	}
	if id == "" {
		return Unknown
	}
	return a.EndSession(ctx, id, CauseClient)
}

// unlessRejected keeps what says nothing about the token itself.
func unlessRejected(err error) error {
	var rejection Rejection
	if errors.As(err, &rejection) && rejection != Stale {
		return nil
	}
	return err
}

// sessionOf names the session of a good access token or of a genuine refresh token of any generation: who holds a
// spent one was a rightful client once, and ending its session is what reuse would do anyway.
func (a *Authority) sessionOf(ctx context.Context, token string) (string, error) {
	t, err := a.refreshes.parse(token)
	if errors.Is(err, Malformed) { // then it can only be an access token
		access, err := a.Verify(token)
		if err != nil {
			return "", err
		}
		return access.Session, nil
	}
	if err != nil {
		return "", err
	}
	s, err := a.genuineSession(ctx, t)
	if err != nil {
		return "", err
	}
	return s.id.String(), nil
}
