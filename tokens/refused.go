package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"
)

// refusalLife is how long it is remembered that nobody knows a foreign refresh token. Each asking starts PHP, which
// looks through all users' notes for it, and a client that does not give up would ask for ever.
const refusalLife = 10 * time.Minute

// ErrForNow in the chain of a refusal says that it may be another one at once: Adopt does not remember it.
var ErrForNow = errors.New("and another answer may follow at once")

// askedOnce asks about a foreign refresh token, unless it was refused a while ago.
func (a *Authority) askedOnce(foreign string, ask func(context.Context) (Identity, error)) func(context.Context) (Identity, error) {
	key := a.store.refused(foreign)
	return func(ctx context.Context) (Identity, error) {
		switch word, err := a.store.Get(ctx, key).Result(); {
		case missing(err) != nil:
			return Identity{}, unavailable("reading refused tokens", err)
		case word == string(Unknown), word == string(Expired):
			return Identity{}, Rejection(word)
		}
		who, err := ask(ctx)
		var r Rejection
		if errors.As(err, &r) && (r == Unknown || r == Expired) && !errors.Is(err, ErrForNow) {
			a.noteRefusal(ctx, key, r)
		}
		return who, err
	}
}

// noteRefusal: what Redis does not take in is asked about again.
func (a *Authority) noteRefusal(ctx context.Context, key string, why Rejection) {
	if err := a.store.Set(ctx, key, string(why), refusalLife).Err(); err != nil {
		a.cfg.Log.Warn("a refused refresh token could not be remembered; WordPress is asked about it again", slog.String("cause", err.Error()))
	}
}

// refused names the key of a refused token by its digest, as adopted does.
func (s store) refused(foreign string) string {
	sum := sha256.Sum256([]byte(foreign))
	return s.prefix + "n:" + hex.EncodeToString(sum[:])
}
