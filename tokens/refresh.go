package tokens

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// Refresh exchanges a refresh token for a new pair. One atomic step in Redis decides what the presented generation means
// (see rotate.lua): repeated and concurrent requests all get the same successor. The errors are Rejections, or
// ErrUnavailable when Redis is away: then the client may try again with the same token.
func (a *Authority) Refresh(ctx context.Context, refresh string, from Client) (Pair, Identity, error) {
	pair, who, outcome, err := a.refresh(ctx, refresh, from.tidy())
	a.metrics.countRefresh(outcome, err)
	if err == nil {
		pair.Outcome = outcome
	}
	return pair, who, err
}

func (a *Authority) refresh(ctx context.Context, text string, from Client) (Pair, Identity, Outcome, error) {
	t, err := a.refreshes.parse(text)
	if err != nil {
		return Pair{}, Identity{}, OutcomeRefused, err
	}
	s, err := a.genuineSession(ctx, t)
	if err != nil {
		return Pair{}, Identity{}, outcomeOf(err), err
	}
	return a.rotate(ctx, s, t, from)
}

// rotate does the one step of a genuine token.
func (a *Authority) rotate(ctx context.Context, s *record, t refreshToken, from Client) (Pair, Identity, Outcome, error) {
	step, err := a.store.rotate(ctx, t, from, from.digest(), a.cfg, rotateMode)
	if err != nil {
		return Pair{}, Identity{}, OutcomeUnavailable, unavailable("rotating session", err)
	}
	if err := a.settleStep(ctx, s, t, step); err != nil {
		return Pair{}, Identity{}, outcomeOf(err), err
	}
	return a.renewed(s, step, from)
}

// genuineSession loads the session of a token and checks the MAC that needs the session's salt.
func (a *Authority) genuineSession(ctx context.Context, t refreshToken) (*record, error) {
	s, err := a.store.load(ctx, t.session)
	switch {
	case err != nil:
		return nil, unavailable("reading session", err)
	case s == nil:
		return nil, Unknown
	case s.ended != 0:
		return nil, a.endedBefore(ctx, s)
	case !t.genuine(s.salt):
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

// settleStep does what remains of a step outside the session's own key.
func (a *Authority) settleStep(ctx context.Context, s *record, t refreshToken, step step) error {
	switch step.outcome {
	case OutcomeUnknown:
		return Unknown
	case OutcomeExpired:
		return Expired
	case OutcomeEnded:
		return a.endedBefore(ctx, &record{id: s.id, ended: a.cfg.Now().UnixMilli(), owed: step.owed})
	case OutcomeReuse:
		return a.endReused(ctx, s, t, step)
	case OutcomeSuperseded:
		return Superseded
	}
	if step.owed != "" {
		if err := a.logRotation(ctx, s.id, step); err != nil {
			return err
		}
	}
	return a.checkCutoffs(ctx, s)
}

func (a *Authority) endReused(ctx context.Context, s *record, t refreshToken, step step) error {
	a.metrics.ended(CauseReuse, 1)
	if err := a.logEnd(ctx, s.id, a.cfg.Now().UnixMilli(), "end"); err != nil {
		return err
	}
	a.warnReuse(s, t.generation)
	return Reused
}

func (a *Authority) warnReuse(s *record, presented uint64) {
	a.cfg.Log.Warn("refresh token reused, session ended", slog.String("verdict", string(OutcomeReuse)), slog.String("session", s.id.String()),
		slog.Int64("user", s.userID), slog.Uint64("presented", presented), slog.Uint64("current", s.generation))
}

// checkCutoffs ends a session that an earlier EndUser or EndAll did not visit: its entry in the index was lost, or EndAll
// visits none. It also adds the session to the index again. It runs after the rotation, where it shares the round trip of
// the index; the client has not received the new tokens yet.
func (a *Authority) checkCutoffs(ctx context.Context, s *record) error {
	var cut cutoffs
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		cut = a.store.cutoffs(ctx, p, s)
		a.store.addToIndex(ctx, p, s, milliseconds(a.cfg.RefreshTTL+outlives))
		a.noteLifetime(ctx, p)
		return nil
	})
	if missing(err) != nil {
		return unavailable("reading cutoffs", err)
	}
	if !cut.cover(s) && !a.over(s) {
		return nil
	}
	if err := a.end(ctx, s.id, CauseAccount); err != nil {
		return err
	}
	return Ended
}

// renewed returns the pair of the generation that is current now.
func (a *Authority) renewed(s *record, step step, from Client) (Pair, Identity, Outcome, error) {
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
