package attempts

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// Acceptance is a right password that is still to be counted: in the round trip of something else as its [cluster.Rider], or by
// [Acceptance.Alone]. Until then the attempt counts as wrong. It serves one goroutine.
type Acceptance struct {
	a      *Attempt
	s      *settlement
	now    int64
	queued *queued
	done   bool
}

// Accepting is [Attempt.Accepted] for a caller that is about to use Redis, which saves a round trip. It returns nil if nothing
// is left to be counted. The error is an [Exceeded]: the client must not read the answer.
func (a *Attempt) Accepting(ctx context.Context, user int64) (*Acceptance, error) {
	checks := []Check{{User: user, Result: Right}}
	s := a.settlement(ctx, checks)
	if s.exceeded == nil && !s.empty() && a.at == counters(a.g.shared) {
		return &Acceptance{a: a, s: s}, nil
	}
	_, err := a.settled(ctx, s, checks, a.do(ctx, s.batch))
	return nil, err
}

// Queue adds what is to be counted to a pipeline.
func (p *Acceptance) Queue(ctx context.Context, pipe redis.Pipeliner) {
	p.now = p.a.g.now()
	p.queued = p.a.g.shared.queue(ctx, pipe, p.now, p.s.batch)
}

// Arrived ends the attempt. If Redis did not answer, it is counted in this process. If the client left before that, the attempt
// stays counted as a wrong one, like every other that its client did not wait for.
func (p *Acceptance) Arrived(ctx context.Context) {
	p.done = true
	g, left := p.a.g, errors.Is(ctx.Err(), context.Canceled)
	done, err := p.queued.results(context.WithoutCancel(ctx))
	switch {
	case err == nil:
		g.back()
		g.local.note(p.now, p.s.batch)
	case !left:
		g.away(err, p.now)
		done, _ = g.local.apply(ctx, p.now, p.s.batch) // never fails
		p.a.at = g.local
	}
	if err == nil || !left {
		p.a.note(p.s.draws, done.out, p.now)
	}
	_, _ = p.a.settled(ctx, p.s, nil, done) // a right password locks no account
}

// Alone counts in a round trip of its own what was not counted beside anything. It goes on when the client has left.
func (p *Acceptance) Alone(ctx context.Context) {
	if p == nil || p.done {
		return
	}
	p.done = true
	_, _ = p.a.settled(ctx, p.s, nil, p.a.do(ctx, p.s.batch)) // a right password locks no account
}
