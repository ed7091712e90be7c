package tokens

import (
	"context"
	"crypto/rand"
	"errors"
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
// It needs one round trip to Redis, on a cluster two if the user has other sessions, and one more (on a cluster two) while
// there is a cutoff that this process has not read of and that is later than its clock. The riders share the first one.
func (a *Authority) Issue(ctx context.Context, who Identity, from Client, riders ...cluster.Rider) (Pair, error) {
	s, err := a.newRecord(who, from)
	if err != nil {
		return Pair{}, err
	}
	return a.begin(ctx, s, riders...)
}

// beginnings is how often a session is tried to begin: each time behind a later cutoff than the last one.
const beginnings = 5

var errEndsGoOn = errors.New("sessions are ended again and again")

// begin writes a session, and returns its first pair. A session that is covered by a cutoff begins again behind it: gateways
// whose clocks are ahead end sessions later than this clock says, and their entry in the revocation log may not be read yet.
func (a *Authority) begin(ctx context.Context, s *record, riders ...cluster.Rider) (Pair, error) {
	for range beginnings {
		pair, err := a.pair(s)
		if err != nil {
			return Pair{}, err
		}
		s.proofs = a.refreshes.Proofs(s.id, s.generation, s.salt)
		cutoff, err := a.create(ctx, s, riders)
		if err != nil {
			return Pair{}, err
		}
		if cutoff == 0 {
			a.metrics.started.Inc()
			return pair, nil
		}
		a.beginAt(s, cutoff+1)
		riders = nil
	}
	return Pair{}, unavailable("beginning session", errEndsGoOn)
}

// create writes a session and what belongs to it. Where a cutoff in Redis covers it, it does not begin, and the cutoff is returned.
func (a *Authority) create(ctx context.Context, s *record, riders []cluster.Rider) (cutoff int64, err error) {
	apart := a.store.apart.Load()
	if !apart {
		cutoff, err = a.createWhole(ctx, s, riders)
		riders = nil
		apart = err != nil && a.store.apart.Load()
	}
	if apart {
		cutoff, err = a.createApart(ctx, s, riders)
	}
	return cutoff, err
}

// createWhole writes a session, its place in the index and the end of the oldest ones in one round trip: all keys are on
// one server.
func (a *Authority) createWhole(ctx context.Context, r *record, riders []cluster.Rider) (cutoff int64, err error) {
	s, now, lifetime := a.store, a.cfg.Now().UnixMilli(), a.lifetimeDue()
	keys := []string{s.session(r.id), s.index(r.userID), s.revocations(), s.lifetimes(), s.userCutoffs(r.userID), s.allCutoff(), s.newest()}
	life := milliseconds(a.cfg.RefreshTTL + outlives)
	args := append([]any{now, life, life, r.id.String(), r.created, r.userID, a.cfg.MaxSessions, milliseconds(a.cfg.RefreshTTL),
		milliseconds(a.cfg.SessionTTL), milliseconds(a.cfg.tombstone()), s.prefix + "s:", lifetime, r.fingerprint}, r.fields()...)
	answer, err := a.runBeside(ctx, issueScript, keys, args, riders, r.id)
	if err != nil {
		a.lifetimeLost(lifetime)
	}
	if s.foundApart(err, a.cfg.Log) {
		return 0, err
	}
	if err != nil {
		return 0, unavailable("storing session", err)
	}
	for _, text := range answer[1:] {
		if id, ok := revocation.ParseSessionID(text); ok {
			a.log.Wrote(revocation.SessionEnded(id, now))
			a.metrics.ended(CauseLimit, 1)
		}
	}
	return number(answer[0]), nil
}

// runBeside runs issue.lua with keys of one server, together with what others must send, and waits for replicas if the session
// began.
func (a *Authority) runBeside(ctx context.Context, script *redis.Script, keys []string, args []any, riders []cluster.Rider, id revocation.SessionID) ([]string, error) {
	cmd, wait := a.sendBeside(ctx, script, keys, args, riders)
	answer, err := cmd.StringSlice()
	switch {
	case err != nil:
		return nil, err
	case len(answer) == 0:
		return nil, errors.New("the script that begins a session answered nothing")
	case answer[0] != "":
		return answer, nil
	}
	return answer, a.waited(ctx, wait, id, "gen")
}

func (a *Authority) sendBeside(ctx context.Context, script *redis.Script, keys []string, args []any, riders []cluster.Rider) (*redis.Cmd, replicaWait) {
	if len(riders) == 0 && a.cfg.WaitReplicas == 0 {
		return script.Run(ctx, a.store, keys, args...), replicaWait{}
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
	return cmd, wait
}

// createApart does the same on a cluster: a second round trip reads the user's other sessions, if there are any.
func (a *Authority) createApart(ctx context.Context, r *record, riders []cluster.Rider) (cutoff int64, err error) {
	s, life := a.store, milliseconds(a.cfg.RefreshTTL+outlives)
	pipe := s.Pipeline()
	calls := []cluster.Call{{Script: writeScript, Key: s.session(r.id), Args: append([]any{life}, r.fields()...)},
		{Script: noteScript, Key: s.newest(), Args: []any{r.created, life}}}
	cluster.Queue(ctx, pipe, calls)
	cut := s.cutoffs(ctx, pipe, r)
	s.addToIndex(ctx, pipe, r, life)
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
	if err := cluster.Retry(ctx, s.UniversalClient, calls); err != nil {
		return 0, unavailable("storing session", err)
	}
	if err := errors.Join(members.Err(), cut.err()); err != nil {
		return 0, unavailable("listing session", err)
	}
	if cut.cover(r) {
		return cut.latest(), a.discard(ctx, r)
	}
	return 0, a.enforceLimit(ctx, r, members.Val())
}

// discard makes a tombstone of a session that was covered when it was written. No client has a token of it, so the revocation log
// needs no entry.
func (a *Authority) discard(ctx context.Context, r *record) error {
	calls := []cluster.Call{a.store.endCall(r.id, a.cfg.Now().UnixMilli(), CauseOther, a.cfg.tombstone(), "")}
	pipe := a.store.Pipeline()
	cluster.Queue(ctx, pipe, calls)
	pipe.ZRem(ctx, a.store.index(r.userID), r.id.String()) // without this the next reader repairs the index
	_, _ = pipe.Exec(ctx)                                  // each command has its own error
	if err := cluster.Retry(ctx, a.store.UniversalClient, calls); err != nil {
		return unavailable("ending session", err)
	}
	return nil
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
	// A login that follows a cutoff or a loss within the same millisecond, or on a slower clock, is still after it.
	a.beginAt(s, max(now, a.lostUntil()+1, a.revoked.LatestCutoff(s.userID, s.fingerprint)+1))
	return s, s.setExtra(who.Claims)
}

// beginAt sets when a new session began, and its id, which contains that time.
func (a *Authority) beginAt(s *record, created int64) {
	s.created, s.id = created, revocation.NewSessionID(created)
	a.newest.Raise(created)
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
