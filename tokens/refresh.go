package tokens

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// Refresh trades a refresh token for a new pair. It decides in one atomic step in Redis what the presented
// generation means (see rotate.lua); the same request made again, or many at once, converge to one successor. The
// errors are Rejections, or ErrUnavailable when Redis is gone: then it is safe to try again with the same token.
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
	return a.take(ctx, s, t, from)
}

// take does the one step of a token that is genuine.
func (a *Authority) take(ctx context.Context, s *record, t refreshToken, from Client) (Pair, Identity, Outcome, error) {
	step, err := a.store.rotate(ctx, t, from, from.digest(), a.cfg, rotateMode)
	if err != nil {
		return Pair{}, Identity{}, OutcomeUnavailable, unavailable("rotating session", err)
	}
	if err := a.settleStep(ctx, s, t, step); err != nil {
		return Pair{}, Identity{}, outcomeOf(err), err
	}
	return a.answer(s, step, from)
}

// genuineSession finds the session of a token and checks the part of its MAC that needs the session's salt.
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

// endedBefore answers for a tombstone. If the log was never told of the end, because Redis went away in between,
// it is told now, and the answer is the one that could not be given then.
func (a *Authority) endedBefore(ctx context.Context, s *record) error {
	if s.owed == "" {
		return Ended
	}
	if err := a.tellEnd(ctx, s.id, s.ended, s.owed); err != nil {
		return err
	}
	if s.cause == CauseReuse {
		a.warnReuse(s, 0)
		return Reused
	}
	return Ended
}

// settleStep does what a step leaves to be done outside the session's own key.
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
		if err := a.tellRotation(ctx, s.id, step); err != nil {
			return err
		}
	}
	return a.checkCutoffs(ctx, s)
}

func (a *Authority) endReused(ctx context.Context, s *record, t refreshToken, step step) error {
	a.metrics.ended(CauseReuse, 1)
	if err := a.tellEnd(ctx, s.id, a.cfg.Now().UnixMilli(), "end"); err != nil {
		return err
	}
	a.warnReuse(s, t.generation)
	return Reused
}

func (a *Authority) warnReuse(s *record, presented uint64) {
	a.cfg.Log.Warn("refresh token reused, session ended", slog.String("verdict", string(OutcomeReuse)), slog.String("session", s.id.String()),
		slog.Int64("user", s.userID), slog.Uint64("presented", presented), slog.Uint64("current", s.generation))
}

// checkCutoffs ends a session that an earlier EndUser or EndAll could not find: its entry in the index was lost, or
// there were too many to visit. It also puts the session back into the index. It stands after the rotation because
// only then does it cost no round trip of its own; nobody has seen the new tokens yet.
func (a *Authority) checkCutoffs(ctx context.Context, s *record) error {
	var cut cutoffs
	_, err := a.store.Pipelined(ctx, func(p redis.Pipeliner) error {
		cut = a.store.cutoffs(ctx, p, s)
		a.store.enlist(ctx, p, s, milliseconds(a.cfg.RefreshTTL+outlives))
		a.noteLifetime(ctx, p)
		return nil
	})
	if missing(err) != nil {
		return unavailable("reading cutoffs", err)
	}
	if !cut.end(s) && !a.over(s) {
		return nil
	}
	if err := a.end(ctx, s.id, CauseAccount); err != nil {
		return err
	}
	return Ended
}

// answer makes the pair of the generation that is current now.
func (a *Authority) answer(s *record, step step, from Client) (Pair, Identity, Outcome, error) {
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
