package tokens

import (
	"context"
	"errors"
	"time"
)

// Introspection is what RFC 7662 reports of a token. The zero value is a token that is not active.
type Introspection struct {
	Active   bool
	Refresh  bool // a refresh token; else an access token
	UserID   int64
	Login    string
	Session  string
	IssuedAt time.Time
	Expiry   time.Time // of a refresh token: unless the session is refreshed before
}

// Introspect reports whether a token would be accepted now, without spending it: an access token by the rules of Verify,
// a refresh token if it is its session's current one. Every other token is just not active (RFC 7662 section 2.2). It
// returns ErrUnavailable if it needs Redis and Redis is away, or if the view of revocations is too old.
func (a *Authority) Introspect(ctx context.Context, token string) (Introspection, error) {
	answer, err := a.introspect(ctx, token)
	var rejection Rejection
	switch {
	case errors.As(err, &rejection) && rejection == Stale:
		return Introspection{}, unavailable("introspecting", rejection)
	case errors.As(err, &rejection):
		return Introspection{}, nil
	}
	return answer, err
}

func (a *Authority) introspect(ctx context.Context, token string) (Introspection, error) {
	t, err := a.parseRefresh(token)
	if errors.Is(err, Malformed) { // then it can only be an access token
		return a.introspectAccess(token)
	}
	if err != nil {
		return Introspection{}, err
	}
	s, err := a.genuineSession(ctx, t)
	switch {
	case err != nil:
		return Introspection{}, err
	case t.Generation != s.generation:
		return Introspection{}, Reused
	case !a.cfg.Now().Before(a.expires(s)):
		return Introspection{}, Expired
	}
	if err := a.checkCutoffs(ctx, s); err != nil {
		return Introspection{}, err
	}
	return Introspection{Active: true, Refresh: true, UserID: s.userID, Login: s.login, Session: s.id.String(),
		IssuedAt: time.UnixMilli(s.active), Expiry: a.expires(s)}, nil
}

// introspectAccess does not call Verify, which would note a use of the token.
func (a *Authority) introspectAccess(token string) (Introspection, error) {
	v, err := a.check(token, a.cfg.Now())
	if err != nil {
		return Introspection{}, err
	}
	return Introspection{Active: true, UserID: v.access.UserID, Login: v.access.Login, Session: v.access.Session,
		IssuedAt: v.access.IssuedAt, Expiry: v.access.Expiry}, nil
}

// Revoke ends the session of an access or a refresh token (RFC 7009 section 2.1: the whole grant is revoked). For a token
// that is not valid, or never was, it returns nil: there is nothing to revoke. An access token that the PHP plugin issued
// has no session; for it Revoke returns Unknown. ErrUnavailable is as for EndSession. It costs as much as Refresh and
// EndSession, so only trusted callers may use it.
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

// unlessRejected returns the error unless it is a rejection of the token itself.
func unlessRejected(err error) error {
	var rejection Rejection
	if errors.As(err, &rejection) && rejection != Stale {
		return nil
	}
	return err
}

// sessionOf returns the session of a valid access token, or of a genuine refresh token of any generation: the holder of
// a spent one was a rightful client once, and its reuse would end the session anyway.
func (a *Authority) sessionOf(ctx context.Context, token string) (string, error) {
	t, err := a.parseRefresh(token)
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
