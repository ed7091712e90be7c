package tokens

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/refreshtoken"
	"cocart-gateway/tokens/revocation"
	"cocart-gateway/tokens/untrusted"
)

// Issue starts a session for a customer whom WordPress has just accepted, and ends the user's oldest ones beyond
// Config.MaxSessions. It returns ErrUnavailable when Redis is away; then no client has a token of the session.
//
// It needs one round trip to Redis, on a cluster two if the user has other sessions. The riders share the first one.
func (a *Authority) Issue(ctx context.Context, who Identity, from Client, riders ...cluster.Rider) (Pair, error) {
	s, err := a.newRecord(who, from)
	if err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, s, riders...)
}

func (a *Authority) begin(ctx context.Context, s *record, riders ...cluster.Rider) (Pair, error) {
	pair, err := a.pair(s)
	if err != nil {
		return Pair{}, err
	}
	s.proofs = a.refreshes.Proofs(s.id, s.generation, s.salt)
	apart := a.store.apart.Load()
	if !apart {
		err = a.createWhole(ctx, s, riders)
		riders = nil
		apart = err != nil && a.store.apart.Load()
	}
	if apart {
		err = a.createApart(ctx, s, riders)
	}
	if err != nil {
		return Pair{}, err
	}
	a.metrics.started.Inc()
	return pair, nil
}

// createWhole writes a session, its place in the index and the end of the oldest ones in one round trip: all keys are on
// one server.
func (a *Authority) createWhole(ctx context.Context, r *record, riders []cluster.Rider) error {
	s, now, lifetime := a.store, a.cfg.Now().UnixMilli(), a.lifetimeDue()
	keys := []string{s.session(r.id), s.index(r.userID), s.revocations(), s.lifetimes(), s.userCutoffs(r.userID), s.allCutoff()}
	life := milliseconds(a.cfg.RefreshTTL + outlives)
	args := append([]any{now, life, life, r.id.String(), r.created, r.userID, a.cfg.MaxSessions, milliseconds(a.cfg.RefreshTTL),
		milliseconds(a.cfg.SessionTTL), milliseconds(a.cfg.tombstone()), s.prefix + "s:", lifetime}, r.fields()...)
	answer, err := a.runBeside(ctx, issueScript, keys, args, riders, r.id)
	if err != nil {
		a.lifetimeLost(lifetime)
	}
	if s.foundApart(err, a.cfg.Log) {
		return err
	}
	if err != nil {
		return unavailable("storing session", err)
	}
	for _, text := range answer {
		if id, ok := revocation.ParseSessionID(text); ok {
			a.log.Wrote(revocation.SessionEnded(id, now))
			a.metrics.ended(CauseLimit, 1)
		}
	}
	return nil
}

// runBeside runs a script that begins a session with keys of one server, together with what others must send, and waits for replicas.
func (a *Authority) runBeside(ctx context.Context, script *redis.Script, keys []string, args []any, riders []cluster.Rider, id revocation.SessionID) ([]string, error) {
	if len(riders) == 0 && a.cfg.WaitReplicas == 0 {
		return script.Run(ctx, a.store, keys, args...).StringSlice()
	}
	pipe := a.store.Pipeline()
	cmd := script.EvalSha(ctx, pipe, keys, args...)
	cluster.Board(ctx, pipe, riders)
	wait := a.queueWait(ctx, pipe)
	_, _ = pipe.Exec(ctx) // each command has its own error
	cluster.Leave(ctx, riders)
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		pipe = a.store.Pipeline()
		cmd, wait = script.Eval(ctx, pipe, keys, args...), a.queueWait(ctx, pipe)
		_, _ = pipe.Exec(ctx)
	}
	answer, err := cmd.StringSlice()
	if err == nil {
		err = a.waited(ctx, wait, id, "gen")
	}
	return answer, err
}

// createApart does the same on a cluster: a second round trip reads the user's other sessions, if there are any.
func (a *Authority) createApart(ctx context.Context, r *record, riders []cluster.Rider) error {
	s, life := a.store, a.cfg.RefreshTTL+outlives
	pipe := s.Pipeline()
	write := []cluster.Call{{Script: writeScript, Key: s.session(r.id), Args: append([]any{milliseconds(life)}, r.fields()...)}}
	cluster.Queue(ctx, pipe, write)
	s.addToIndex(ctx, pipe, r, milliseconds(life))
	members := pipe.ZRange(ctx, s.index(r.userID), 0, -1)
	lifetime := a.lifetimeDue()
	noted := redis.NewIntResult(0, nil)
	if lifetime != "" {
		noted = s.noteLifetime(ctx, pipe, a.cfg.Now().UnixMilli(), lifetime)
	}
	cluster.Board(ctx, pipe, riders)
	_, _ = pipe.Exec(ctx) // each command has its own error
	if noted.Err() != nil {
		a.lifetimeLost(lifetime)
	}
	cluster.Leave(ctx, riders)
	if err := cluster.Retry(ctx, s.UniversalClient, write); err != nil {
		return unavailable("storing session", err)
	}
	if err := members.Err(); err != nil {
		return unavailable("listing session", err)
	}
	return a.enforceLimit(ctx, r, members.Val())
}

func (a *Authority) newRecord(who Identity, from Client) (*record, error) {
	if who.UserID <= 0 || who.UserID > maxUserID {
		return nil, fmt.Errorf("starting session: %d is not a user id", who.UserID)
	}
	now := a.cfg.Now().UnixMilli()
	from = from.tidy()
	s := &record{
		userID: who.UserID, login: untrusted.Storable(who.Login, maxDevice), fingerprint: untrusted.Storable(who.Fingerprint, maxDevice),
		active: now, generation: 1, address: from.Address, device: from.Device, salt: make([]byte, refreshtoken.SaltBytes),
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
		Refresh: a.refreshes.Mint(s.id, s.generation, s.salt), RefreshExpiry: a.expires(s)}, nil
}
