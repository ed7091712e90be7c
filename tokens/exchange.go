package tokens

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/refreshtoken"
	"cocart-gateway/tokens/revocation"
)

// PluginTokens examines access tokens that the PHP plugin issued. It is implemented by package migration.
type PluginTokens interface {
	// Examine returns what a token says, with its nbf, if its form, signature and issuer are good. Else the error is a
	// Rejection. It does no I/O.
	Examine(token string) (access Access, notBefore time.Time, err error)
	// MaxLife is the longest that such a token is valid, from its IssuedAt: revocations are kept for as long.
	MaxLife() time.Duration
}

// PluginFingerprint is what EndUser takes to end the tokens that the PHP plugin issued to a user until now, and no
// session of ours.
const PluginFingerprint = "plugin"

// This file is what package migration needs of an Authority: it exchanges refresh tokens of the PHP plugin for
// sessions, and sessions for pairs of that plugin.

// ExchangeSettings is what exchanges share with their Authority.
type ExchangeSettings struct {
	Redis       redis.UniversalClient
	KeyPrefix   string
	Life, Grace time.Duration // of what is remembered about a token, and of a pair that waits for other tabs; Redis takes no life of 0
	Now         func() time.Time
	Log         *slog.Logger
}

// ExchangeSettings returns those of this Authority.
func (a *Authority) ExchangeSettings() ExchangeSettings {
	return ExchangeSettings{a.store.UniversalClient, a.store.prefix, a.cfg.RefreshTTL + outlives, max(a.cfg.RefreshGrace, time.Second), a.cfg.Now, a.cfg.Log}
}

// Recognise returns what is wrong with a refresh token, as far as can be seen without Redis: nil, or a Rejection.
func (a *Authority) Recognise(refresh string) error {
	_, err := a.parseRefresh(refresh)
	return err
}

// Peek returns the session of a refresh token, and as error what Refresh would answer now. It changes nothing. The
// session is the zero value where the token is not ours, and a tombstone where the error is Ended.
func (a *Authority) Peek(ctx context.Context, refresh string, from Client) (Session, error) {
	t, err := a.parseRefresh(refresh)
	if err != nil {
		return Session{}, err
	}
	s, err := a.store.load(ctx, t.Session)
	if err != nil {
		return Session{}, unavailable("reading session", err)
	}
	from = from.tidy()
	_, err = a.peek(ctx, s, t, from, from.digest())
	if errors.Is(err, Ended) && s.ended == 0 { // it ended in between: the tombstone has the cause
		now, gone := a.store.load(ctx, t.Session)
		if gone != nil {
			return Session{}, unavailable("reading session", gone)
		}
		s = now
	}
	if s == nil {
		return Session{}, err
	}
	return a.session(s), err
}

// peek checks a token in the order of Refresh. The script decides, as for Refresh.
func (a *Authority) peek(ctx context.Context, s *record, t refreshtoken.Token, from Client, client string) (Outcome, error) {
	switch {
	case s == nil:
		return OutcomeUnknown, Unknown
	case s.ended != 0:
		return OutcomeEnded, Ended
	case !t.Genuine(s.salt):
		return OutcomeRefused, BadSignature
	}
	step, err := a.store.step(ctx, stepOf{token: t, from: from, client: client, mode: peekMode, now: a.cfg.Now().UnixMilli()}, a.cfg)
	if err != nil {
		return OutcomeUnavailable, unavailable("reading session", err)
	}
	if err := step.outcome.rejection(); err != nil {
		return step.outcome, err
	}
	var cut cutoffs
	_, err = a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		cut = a.store.cutoffs(ctx, p, s)
		return nil
	})
	switch {
	case missing(err) != nil:
		return OutcomeUnavailable, unavailable("reading cutoffs", err)
	case cut.cover(s), a.over(s):
		return OutcomeEnded, Ended
	}
	return step.outcome, nil
}

// Examine checks an access token as Verify does, but notes and counts nothing, and an old view of the revocations is
// no error: it says nothing about the token.
func (a *Authority) Examine(access string) (*Access, error) {
	now := a.cfg.Now()
	v, err := a.examine(access, now)
	if err != nil {
		return nil, err
	}
	if err := a.current(v, now); err != nil && !errors.Is(err, Stale) {
		return nil, err
	}
	return &v.access, nil
}

// RefreshKept is Refresh for a session that was to be handed back to the PHP plugin; it is counted as such.
func (a *Authority) RefreshKept(ctx context.Context, refresh string, from Client) (Pair, Identity, error) {
	pair, who, outcome, err := a.refresh(ctx, refresh, from.tidy(), nil)
	if err == nil {
		pair.Outcome, outcome = OutcomeKept, OutcomeKept
	}
	a.metrics.countRefresh(outcome, err)
	return pair, who, err
}

// GoodTokens returns the refresh tokens of a session that Refresh would answer for any client now. The errors are those of
// Resume.
func (a *Authority) GoodTokens(ctx context.Context, session string) (good []string, err error) {
	if _, err := a.Resume(ctx, session); err != nil {
		return nil, err
	}
	id, _ := revocation.ParseSessionID(session) // as Resume did
	s, err := a.store.load(ctx, id)
	switch {
	case err != nil:
		return nil, unavailable("reading session", err)
	case s == nil:
		return nil, Unknown
	}
	for g := s.generation; ; g-- {
		step, err := a.store.step(ctx, stepOf{token: refreshtoken.Token{Session: id, Generation: g}, mode: peekMode, now: a.cfg.Now().UnixMilli()}, a.cfg)
		if err != nil {
			return nil, unavailable("reading session", err)
		}
		if step.outcome.rejection() != nil {
			return good, nil
		}
		good = append(good, a.refreshes.Mint(id, g, s.salt))
		if g == 0 {
			return good, nil
		}
	}
}

// IssueExchanged returns what begins a session in exchange for a refresh token of another issuer, with the errors of Issue. After
// ErrUnavailable it may be called again: a session that Redis may have stored is written once more, and no second one. The
// exchanged token counts as the session's generation 0, retired now: spent is the refresh token of ours that stands for it, which
// Refresh answers as any other retired one.
func (a *Authority) IssueExchanged(who Identity, from Client) (begin func(context.Context) (pair Pair, spent string, err error), err error) {
	s, err := a.newRecord(who, from)
	if err != nil {
		return nil, err
	}
	s.recent = fmt.Sprintf("0:%d", s.active)
	return func(ctx context.Context) (Pair, string, error) {
		pair, err := a.begin(ctx, s)
		return pair, a.refreshes.Mint(s.id, 0, s.salt), err
	}, nil
}

// IsUserID reports whether a number may be the id of a WordPress user, and every JSON reader on the way can hold it.
func IsUserID(id int64) bool { return id > 0 && id <= maxUserID }

// ListsKey reports whether a key of this id is in the table, also a retired one.
func (a *Authority) ListsKey(id string) bool { return a.keys.Has(id) }

// IsOwnHeader reports whether the first part of a token, still encoded, is the one that tokens of a key of the table begin
// with. A header that it does not know may still name such a key.
func (a *Authority) IsOwnHeader(encoded string) bool {
	_, own := a.keys.ByHeader(encoded)
	return own
}

// LatestEnd returns the time (Unix ms) of the latest cutoff that concerns a user, for any fingerprint; 0 without one. Tokens of the PHP plugin that were issued up to then are over.
func (a *Authority) LatestEnd(ctx context.Context, userID int64) (int64, error) {
	var all, user *redis.StringCmd
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		all, user = p.Get(ctx, a.store.allCutoff()), p.HGet(ctx, a.store.userCutoffs(userID), anyFingerprint)
		return nil
	})
	if missing(err) != nil {
		return 0, unavailable("reading cutoffs", err)
	}
	return max(a.revoked.LatestPluginCutoff(userID), number(all.Val()), number(user.Val())), nil
}

// CountExchange counts one refresh that was an exchange. Refresh counts for itself.
func (a *Authority) CountExchange(v Outcome, err error) {
	if err != nil {
		v = outcomeOf(err)
	}
	a.metrics.countRefresh(v, err)
}

// Seal encrypts a text for Redis, under a key that comes from the first refresh secret and from about: see
// [refreshtoken.Ring].
func (a *Authority) Seal(text []byte, about string) string { return a.refreshes.Seal(text, about) }

// Open returns what Seal encrypted, under any of the refresh secrets.
func (a *Authority) Open(sealed, about string) (text []byte, ok bool) {
	return a.refreshes.Open(sealed, about)
}
