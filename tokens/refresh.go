package tokens

import (
	"context"
	"errors"
	"log/slog"
	"math"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/refreshtoken"
)

// Refresh exchanges a refresh token for a new pair. One atomic step in Redis decides what the presented generation means
// (see rotate.lua): repeated and concurrent requests all get the same successor. The errors are Rejections, or
// ErrUnavailable when Redis is away: then the client may try again with the same token.
//
// It needs one round trip to Redis, on a cluster two.
func (a *Authority) Refresh(ctx context.Context, refresh string, from Client) (Pair, Identity, error) {
	return a.RefreshCounted(ctx, refresh, from, nil)
}

// RefreshCounted is Refresh behind a limit, which is counted in the same round trip. A request that the limit refuses
// spends nothing; its error is that of the Gate.
func (a *Authority) RefreshCounted(ctx context.Context, refresh string, from Client, limit Gate) (Pair, Identity, error) {
	pair, who, outcome, err := a.refresh(ctx, refresh, from.tidy(), limit)
	var over limited
	if errors.As(err, &over) {
		return Pair{}, Identity{}, over.error
	}
	a.metrics.countRefresh(outcome, err)
	if err == nil {
		pair.Outcome = outcome
	}
	return pair, who, err
}

func (a *Authority) refresh(ctx context.Context, text string, from Client, limit Gate) (Pair, Identity, Outcome, error) {
	t, err := a.parseRefresh(text)
	if err != nil {
		return Pair{}, Identity{}, OutcomeRefused, countAlone(ctx, limit, err)
	}
	if a.lossUnknown() {
		return Pair{}, Identity{}, OutcomeUnavailable, countAlone(ctx, limit, unavailable("refreshing", errNotLookedYet))
	}
	if a.sessionFromBeforeLoss(t.Session) { // it is not ended: the operator may confirm the data yet
		return Pair{}, Identity{}, OutcomeRefused, countAlone(ctx, limit, DataLost)
	}
	o := stepOf{token: t, from: from, client: from.digest(), now: a.cfg.Now().UnixMilli()}
	var st step
	apart := a.store.apart.Load()
	if !apart {
		st, err = a.refreshWhole(ctx, o, limit)
		apart = err != nil && a.store.apart.Load()
	}
	if apart {
		st, err = a.refreshApart(ctx, o, limit)
	}
	if err != nil {
		return Pair{}, Identity{}, outcomeOf(err), err
	}
	if st, err = a.pastRevoked(ctx, o, st); err != nil {
		return Pair{}, Identity{}, outcomeOf(err), err
	}
	return a.renewed(st, from)
}

// pastRevoked makes a second step where the generation that the first one gave is revoked here already: Redis lost rotations
// that the log has, and a tab came first that slept meanwhile. Its access token would be refused at once, and the app would
// log its customer out. The step is that of the first generation that lives, which is ahead of what Redis has.
func (a *Authority) pastRevoked(ctx context.Context, o stepOf, st step) (step, error) {
	from := a.revoked.AliveFrom(o.token.Session, a.cfg.Now())
	if st.generation >= from || from == math.MaxUint64 {
		return st, nil
	}
	o.token.Generation, o.mode = from, rotateMode
	o.proofs = a.refreshes.Proofs(o.token.Session, from+1, st.was.salt)
	var again step
	var err error
	if a.store.apart.Load() {
		again, err = a.stepApart(ctx, o, step{outcome: OutcomeAhead, generation: from + 1, was: st.was,
			owed: decimal(o.now + milliseconds(a.cfg.RefreshGrace))})
	} else {
		again, err = a.stepWhole(ctx, o, nil)
	}
	if err != nil {
		return step{}, err
	}
	if err := again.outcome.rejection(); err != nil {
		return step{}, err
	}
	again.outcome = st.outcome
	return again, nil
}

// refreshWhole is a refresh on one server. Where the hash has no proof of the token, the first round trip reads the salt,
// and a second one makes the step.
func (a *Authority) refreshWhole(ctx context.Context, o stepOf, limit Gate) (step, error) {
	o.mode = provenMode
	st, err := a.stepWhole(ctx, o, limit)
	if err == nil && st.outcome == unproven {
		if !o.token.Genuine(st.was.salt) {
			return step{}, BadSignature
		}
		o.mode, o.proofs = rotateMode, a.refreshes.Proofs(o.token.Session, st.generation, st.was.salt)
		st, err = a.stepWhole(ctx, o, nil)
	}
	if err != nil {
		return step{}, err
	}
	return st, a.conclude(ctx, o, st)
}

// refreshApart is a refresh on a cluster: the first round trip counts the limit and reads the session, the second one
// makes the step and writes what belongs to it.
func (a *Authority) refreshApart(ctx context.Context, o stepOf, limit Gate) (step, error) {
	st, err := a.peekCounted(ctx, o, limit)
	if err != nil {
		return step{}, err
	}
	switch st.outcome {
	case OutcomeUnknown:
		return step{}, Unknown
	case OutcomeEnded:
		return step{}, a.endedBefore(ctx, st.was)
	}
	if !o.token.Genuine(st.was.salt) {
		return step{}, BadSignature
	}
	if st.outcome == OutcomeExpired || st.outcome == OutcomeSuperseded {
		return step{}, st.outcome.rejection()
	}
	o.mode = rotateMode
	if st, err = a.stepApart(ctx, o, st); err != nil {
		return step{}, err
	}
	return st, a.conclude(ctx, o, st)
}

// conclude does what follows from a step that was made and logged.
func (a *Authority) conclude(ctx context.Context, o stepOf, st step) error {
	switch st.outcome {
	case OutcomeUnknown:
		return Unknown
	case OutcomeEnded: // the log has the end by now
		if st.owed != "" && st.was.cause == CauseReuse {
			a.warnReuse(st.was, 0)
			return Reused
		}
		return Ended
	}
	if !o.token.Genuine(st.was.salt) {
		return BadSignature
	}
	if st.outcome == OutcomeReuse {
		a.metrics.ended(CauseReuse, 1)
		a.warnReuse(st.was, o.token.Generation)
	}
	if err := st.outcome.rejection(); err != nil {
		return err
	}
	if st.covered || a.over(st.was) {
		if err := a.endCovered(ctx, st.was); err != nil {
			return err
		}
	}
	a.keepProofs(o, st)
	return nil
}

// keepProofs lets Run write the proofs of the next tokens before those in the hash come to an end.
func (a *Authority) keepProofs(o stepOf, st step) {
	if o.mode == provenMode && st.proofs < st.generation+2 {
		a.notes.proofs(st.was.id, a.refreshes.Proofs(st.was.id, st.generation, st.was.salt))
	}
}

// parseRefresh reads a refresh token, and checks all that can be checked without Redis.
func (a *Authority) parseRefresh(text string) (refreshtoken.Token, error) {
	t, err := a.refreshes.Parse(text)
	switch {
	case errors.Is(err, refreshtoken.ErrUnknownSecret):
		return t, UnknownKey
	case errors.Is(err, refreshtoken.ErrForged):
		return t, BadSignature
	case err != nil:
		return t, Malformed
	}
	return t, nil
}

// genuineSession loads the session of a token and checks the MAC that needs the session's salt.
func (a *Authority) genuineSession(ctx context.Context, t refreshtoken.Token) (*record, error) {
	s, err := a.store.load(ctx, t.Session)
	switch {
	case err != nil:
		return nil, unavailable("reading session", err)
	case s == nil:
		return nil, Unknown
	case s.ended != 0:
		return nil, a.endedBefore(ctx, s)
	case !t.Genuine(s.salt):
		return nil, BadSignature
	}
	return s, nil
}

// endedBefore returns the error for the token of a tombstone. If the revocation log misses the end, because Redis went
// away in between, it is written now, and the error is the one that could not be returned then.
func (a *Authority) endedBefore(ctx context.Context, s *record) error {
	if s.owed == "" {
		return Ended
	}
	if err := a.logEnd(ctx, s.id, s.ended, s.owed); err != nil {
		return err
	}
	if s.cause == CauseReuse {
		a.warnReuse(s, 0)
		return Reused
	}
	return Ended
}

func (a *Authority) warnReuse(s *record, presented uint64) {
	a.cfg.Log.Warn("refresh token reused, session ended", slog.String("verdict", string(OutcomeReuse)), slog.String("session", s.id.String()),
		slog.Int64("user", s.userID), slog.Uint64("presented", presented), slog.Uint64("current", s.generation))
}

// checkCutoffs ends a session that an earlier EndUser or EndAll did not visit: its entry in the index was lost, or EndAll
// visits none. It also adds the session to the index again.
func (a *Authority) checkCutoffs(ctx context.Context, s *record) error {
	var cut cutoffs
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		cut = a.store.cutoffs(ctx, p, s)
		a.store.addToIndex(ctx, p, s, milliseconds(a.cfg.RefreshTTL+outlives))
		return nil
	})
	if missing(err) != nil {
		return unavailable("reading cutoffs", err)
	}
	if !cut.cover(s) && !a.over(s) {
		return nil
	}
	return a.endCovered(ctx, s)
}

// renewed returns the pair of the generation that is current now.
func (a *Authority) renewed(step step, from Client) (Pair, Identity, Outcome, error) {
	s := step.was
	s.generation, s.active = step.generation, a.cfg.Now().UnixMilli()
	s.address, s.device = from.Address, from.Device
	pair, err := a.pair(s)
	if err != nil {
		return Pair{}, Identity{}, step.outcome, err
	}
	who, err := s.identity()
	if err != nil {
		return Pair{}, Identity{}, step.outcome, err
	}
	return pair, who, step.outcome, nil
}
