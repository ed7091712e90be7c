package tokens

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
	"cocart-gateway/tokens/untrusted"
)

// Issue starts a session for a customer whom WordPress has just accepted, and ends the user's oldest ones beyond
// Config.MaxSessions. It returns ErrUnavailable when Redis is away; then no client has a token of the session.
func (a *Authority) Issue(ctx context.Context, who Identity, from Client) (Pair, error) {
	s, err := a.newRecord(who, from)
	if err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, s)
}

func (a *Authority) begin(ctx context.Context, s *record) (Pair, error) {
	pair, err := a.pair(s)
	if err != nil {
		return Pair{}, err
	}
	if err := a.store.create(ctx, s, a.cfg.RefreshTTL+outlives); err != nil {
		return Pair{}, unavailable("storing session", err)
	}
	if err := a.addToIndex(ctx, s); err != nil {
		return Pair{}, unavailable("listing session", err)
	}
	if err := a.enforceLimit(ctx, s); err != nil {
		return Pair{}, err
	}
	a.metrics.started.Inc()
	return pair, nil
}

func (a *Authority) newRecord(who Identity, from Client) (*record, error) {
	if who.UserID <= 0 || who.UserID > maxUserID {
		return nil, fmt.Errorf("starting session: %d is not a user id", who.UserID)
	}
	now := a.cfg.Now().UnixMilli()
	from = from.tidy()
	s := &record{
		userID: who.UserID, login: untrusted.Storable(who.Login, maxDevice), fingerprint: untrusted.Storable(who.Fingerprint, maxDevice),
		active: now, generation: 1, address: from.Address, device: from.Device, salt: make([]byte, saltBytes),
	}
	rand.Read(s.salt)
	// A login that follows a cutoff within the same millisecond, or on a slower clock, is still after it.
	s.created = max(now, a.revoked.LatestCutoff(s.userID, s.fingerprint)+1)
	s.id = revocation.NewSessionID(s.created)
	a.newest.Raise(s.created)
	return s, s.setExtra(who.Claims)
}

// pair returns the tokens of a session's current generation.
func (a *Authority) pair(s *record) (Pair, error) {
	access, expiry, err := a.mint(s, a.cfg.Now())
	if err != nil {
		return Pair{}, err
	}
	return Pair{Access: access, AccessExpiry: expiry, Session: s.id.String(),
		Refresh: a.refreshes.mint(s.id, s.generation, s.salt), RefreshExpiry: a.expires(s)}, nil
}

// create writes the hash and its expiry together, so that a crash leaves no hash without an expiry.
func (s store) create(ctx context.Context, r *record, life time.Duration) error {
	_, err := s.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, s.session(r.id), r.fields()...)
		p.PExpire(ctx, s.session(r.id), life)
		return nil
	})
	return err
}
