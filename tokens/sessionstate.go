package tokens

import (
	"context"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// State is how a session stands.
type State string

// The closed list of states.
const (
	StateLive    State = "live"
	StateEnded   State = "ended"   // by itself, or cut off with others
	StateExpired State = "expired" // its idle or absolute limit has passed
	StateUnknown State = "unknown" // Redis knows no such session (any more)
)

// SessionState returns a session and how it stands, also when it was cut off with others and nobody has looked at it
// since. It changes nothing. StateUnknown comes with the zero Session; the errors are Malformed and ErrUnavailable.
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
	return a.public(s), state, nil
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
	if cut.end(s) || a.over(s) {
		return StateEnded, nil
	}
	return StateLive, nil
}
