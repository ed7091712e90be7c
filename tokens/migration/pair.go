package migration

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"cocart-gateway/tokens"
)

// Pair is what the plugin issues at a login or refresh. It must not be stored or logged; its LogValue redacts.
type Pair struct{ Access, Refresh string }

const redacted = "[redacted]"

// LogValue keeps both tokens out of logs.
func (Pair) LogValue() slog.Value { return slog.StringValue(redacted) }

// String keeps both tokens out of %v and %s.
func (Pair) String() string { return redacted }

// GoString keeps both tokens out of %#v.
func (Pair) GoString() string { return redacted }

func (p Pair) of(session string) tokens.Pair {
	return tokens.Pair{Access: p.Access, Refresh: p.Refresh, Session: session}
}

// CheckPair returns why the customer could not use a pair that WordPress answered for a user: tokens that are missing,
// signed with another secret, of another customer, or not valid now. It does no I/O, and the error names no token. It is
// also Revoked where only the moment is wrong: the plugin counts in seconds, and a token of the second in which others
// ended counts as one of those.
func (e *Exchange) CheckPair(pair Pair, userID int64) error {
	if pair.Access == "" || pair.Refresh == "" {
		return fmt.Errorf("%w: there are no tokens of the plugin in the answer", ErrKeep)
	}
	access, err := e.authority.Examine(pair.Access)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the access token in the answer is not good: %w", ErrKeep, err)
	case access.PAT == "" || access.UserID != userID:
		return fmt.Errorf("%w: the access token in the answer is not the plugin's for this customer", ErrKeep)
	case !Foreign(e.authority, pair.Refresh):
		return fmt.Errorf("%w: the refresh token in the answer is not the plugin's", ErrKeep)
	}
	return nil
}

// NotePair notes that the plugin issued a pair now, so that earlier ends of sessions of this user do not end it, and
// returns the time (Unix ms). ErrUnavailable when Redis is away: any earlier end then does.
func (e *Exchange) NotePair(ctx context.Context, pair Pair, userID int64) (at int64, err error) {
	latest, err := e.authority.LatestEnd(ctx, userID)
	if err != nil {
		return 0, err
	}
	at = max(e.cfg.Now().UnixMilli(), latest+1)
	if err := e.cfg.Redis.Set(ctx, e.exchanged(pair.Refresh), issuedPrefix+strconv.FormatInt(at, 10), e.cfg.Life).Err(); err != nil {
		return 0, unavailable("noting a pair of the plugin", err)
	}
	return at, nil
}
