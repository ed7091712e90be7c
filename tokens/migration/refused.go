package migration

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cocart-gateway/tokens"
)

// refusalLife is how long a refusal of the plugin is remembered. For each question PHP starts and searches the notes of
// all users, and a client that does not give up would ask for ever.
const refusalLife = 10 * time.Minute

// ask has the plugin exchange a refresh token, unless it refused that token a while ago.
func (e *Exchange) ask(ctx context.Context, token string, plugin Plugin) (tokens.Identity, tokens.Pair, error) {
	key := e.refused(token)
	switch word, err := e.cfg.Redis.Get(ctx, key).Result(); {
	case ignoreMissing(err) != nil:
		return tokens.Identity{}, tokens.Pair{}, unavailable("reading refused tokens", err)
	case word == string(tokens.Unknown), word == string(tokens.Expired):
		return tokens.Identity{}, tokens.Pair{}, tokens.Rejection(word)
	}
	who, pair, err := plugin.Refresh(ctx, token)
	var r tokens.Rejection
	if errors.As(err, &r) && (r == tokens.Unknown || r == tokens.Expired) && !errors.Is(err, ErrForNow) {
		if unnoted := e.cfg.Redis.Set(ctx, key, string(r), refusalLife).Err(); unnoted != nil {
			e.cfg.Log.Warn("a refused refresh token could not be remembered; WordPress is asked about it again", slog.String("cause", unnoted.Error()))
		}
	}
	return who, pair, err
}
