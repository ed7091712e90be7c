package tokens

import (
	"context"
	"iter"
	"strings"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/revocation"

	"github.com/redis/go-redis/v9"
)

// Session returns one session, or Unknown. A session that ended is returned for some days, with the time and cause.
func (a *Authority) Session(ctx context.Context, id string) (Session, error) {
	parsed, ok := revocation.ParseSessionID(id)
	if !ok {
		return Session{}, Malformed
	}
	s, err := a.store.load(ctx, parsed)
	if err != nil {
		return Session{}, unavailable("reading session", err)
	}
	if s == nil {
		return Session{}, Unknown
	}
	return a.session(s), nil
}

// Resume returns the current refresh token of a live session, for a login by a valid access token alone. It changes
// nothing. The errors are Rejections (Malformed, Unknown, Ended, Expired), or ErrUnavailable.
func (a *Authority) Resume(ctx context.Context, session string) (refresh string, err error) {
	id, ok := revocation.ParseSessionID(session)
	if !ok {
		return "", Malformed
	}
	s, err := a.store.load(ctx, id)
	switch {
	case err != nil:
		return "", unavailable("reading session", err)
	case s == nil:
		return "", Unknown
	case s.ended != 0:
		return "", Ended
	case !a.cfg.Now().Before(a.expires(s)):
		return "", Expired
	}
	if err := a.checkCutoffs(ctx, s); err != nil {
		return "", err
	}
	return a.refreshes.Mint(s.id, s.generation, s.salt), nil
}

// Sessions yields the live sessions of a user, oldest first, or with 0 those of all users, in no order. It stops at the
// first error, which is ErrUnavailable. For all users it reads the whole keyspace in small steps; a session that begins
// or ends meanwhile may be missed or shown.
func (a *Authority) Sessions(ctx context.Context, userID int64) iter.Seq2[Session, error] {
	if userID == 0 {
		return a.allSessions(ctx)
	}
	return func(yield func(Session, error) bool) {
		listed, err := a.store.indexed(ctx, userID)
		if err != nil {
			yield(Session{}, unavailable("listing sessions", err))
			return
		}
		a.yieldLive(ctx, listed, yield)
	}
}

// yieldLive yields the records that are live: not ended, not expired, and not covered by a cutoff. It returns false when
// the consumer stopped, or after an error.
func (a *Authority) yieldLive(ctx context.Context, records []*record, yield func(Session, error) bool) bool {
	all, err := a.store.Get(ctx, a.store.allCutoff()).Result()
	if missing(err) != nil {
		yield(Session{}, unavailable("listing sessions", err))
		return false
	}
	for _, s := range records {
		if s == nil || s.ended != 0 || s.created <= number(all) || a.over(s) || !a.cfg.Now().Before(a.expires(s)) {
			continue
		}
		if !yield(a.session(s), nil) {
			return false
		}
	}
	return true
}

func (a *Authority) allSessions(ctx context.Context) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		prefix := a.store.prefix + "s:"
		for keys, err := range cluster.Keys(ctx, a.store.UniversalClient, prefix) {
			if err != nil {
				yield(Session{}, unavailable("listing sessions", err))
				return
			}
			records, err := a.store.loadAll(ctx, sessionIDs(keys, prefix))
			if err != nil {
				yield(Session{}, unavailable("listing sessions", err))
				return
			}
			if !a.yieldLive(ctx, records, yield) {
				return
			}
		}
	}
}

func sessionIDs(keys []string, prefix string) (ids []revocation.SessionID) {
	for _, k := range keys {
		if id, ok := revocation.ParseSessionID(strings.TrimPrefix(k, prefix)); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// Recall adds what an identity lacks, login name and fingerprint, from the user's newest live session. Without a live
// session both stay as they were: only WordPress can compute a fingerprint, so that the secrets of the gateway alone are
// not enough to become a customer. It returns ErrUnavailable when Redis is away.
func (a *Authority) Recall(ctx context.Context, who Identity) (Identity, error) {
	var newest Session
	for s, err := range a.Sessions(ctx, who.UserID) {
		if err != nil {
			return who, err
		}
		if s.Fingerprint != "" && s.Created.After(newest.Created) {
			newest = s
		}
	}
	if who.Fingerprint == "" {
		who.Fingerprint = newest.Fingerprint
	}
	if who.Login == "" {
		who.Login = newest.Login
	}
	return who, nil
}

// State says whether a session is live.
type State string

// The closed list of states.
const (
	StateLive    State = "live"
	StateEnded   State = "ended"   // by itself, or by a cutoff
	StateExpired State = "expired" // its idle or absolute limit has passed
	StateUnknown State = "unknown" // Redis does not have the session, or no longer
)

// SessionState returns a session and its state, which is StateEnded also if a cutoff covers it that did not visit it. It
// changes nothing. StateUnknown comes with the zero Session; the errors are Malformed and ErrUnavailable.
func (a *Authority) SessionState(ctx context.Context, id string) (Session, State, error) {
	parsed, ok := revocation.ParseSessionID(id)
	if !ok {
		return Session{}, "", Malformed
	}
	s, err := a.store.load(ctx, parsed)
	if err != nil {
		return Session{}, "", unavailable("reading session", err)
	}
	state, err := a.state(ctx, s)
	if s == nil || err != nil {
		return Session{}, state, err
	}
	return a.session(s), state, nil
}

func (a *Authority) state(ctx context.Context, s *record) (State, error) {
	switch {
	case s == nil:
		return StateUnknown, nil
	case s.ended != 0:
		return StateEnded, nil
	case !a.cfg.Now().Before(a.expires(s)):
		return StateExpired, nil
	}
	var cut cutoffs
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		cut = a.store.cutoffs(ctx, p, s)
		return nil
	})
	if missing(err) != nil {
		return "", unavailable("reading cutoffs", err)
	}
	if cut.cover(s) || a.over(s) {
		return StateEnded, nil
	}
	return StateLive, nil
}
