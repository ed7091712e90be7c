package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"cocart-gateway/tokens"
)

// The way back: customers leave with token pairs of the plugin, until no session is left. Handing a session back is an
// end of that session. For the grace its pair waits in Redis, so that parallel tabs and a client that lost the answer get
// the same one; nothing is spent before the plugin has answered.

// handBack answers for a refresh token of ours with a pair of the plugin, and ends the session. A token that is not good
// is answered by Authority.Refresh. On ErrKeep the session goes on, and the pair is ours. After other errors of the plugin
// the token is as good as before.
func (e *Exchange) handBack(ctx context.Context, refresh string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	s, err := e.authority.Peek(ctx, refresh, from)
	if s.Cause == tokens.CauseHandedBack && errors.Is(err, tokens.Ended) {
		return e.handedBefore(ctx, s, refresh, from)
	}
	if err != nil {
		return e.authority.Refresh(ctx, refresh, from) // ends the session where it has to, and reports it
	}
	c, r, found, err := e.claimResult(ctx, e.handed(s.ID), s.ID)
	switch {
	case err != nil:
		return e.refuse(err)
	case !found:
		return e.handBackClaimed(ctx, c, s, refresh, from, plugin)
	}
	// A crash may have come between the pair and the end of the session.
	if err := e.authority.EndWithGrace(ctx, s.ID, tokens.CauseHandedBack); err != nil {
		return e.refuse(err)
	}
	return e.answerAgain(ctx, r, s.ID)
}

// handedBefore answers for a session that has gone back. An attacker may hold an older token of it, which was spent
// before: the pair waits for those tokens only that were good when it was issued.
func (e *Exchange) handedBefore(ctx context.Context, s tokens.Session, refresh string, from tokens.Client) (tokens.Pair, tokens.Identity, error) {
	value, err := e.cfg.Redis.Get(ctx, e.handed(s.ID)).Result()
	if ignoreMissing(err) != nil {
		return e.refuse(unavailable("reading the pair of a session", err))
	}
	if r, ok := e.open(value, s.ID); ok && slices.Contains(r.For, digest(refresh)) {
		return e.answerAgain(ctx, r, s.ID)
	}
	return e.authority.Refresh(ctx, refresh, from) // Ended
}

func (e *Exchange) handBackClaimed(ctx context.Context, c claim, s tokens.Session, refresh string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	pair, err := plugin.TakeOver(ctx, s)
	if errors.Is(err, ErrKeep) {
		return e.keep(ctx, c, refresh, from)
	}
	if err == nil {
		err = e.endHandedBack(ctx, c, s, refresh, pair)
	}
	if err != nil {
		return e.refuse(e.release(ctx, c, err))
	}
	pair.Session = s.ID
	return e.answer(pair, tokens.Identity{UserID: s.UserID}, tokens.OutcomeHandedBack)
}

// endHandedBack keeps the pair for others, then ends the session: after a crash in between the next tab ends it. A
// session that ended while the plugin was asked stays ended, and its pair reaches no client.
func (e *Exchange) endHandedBack(ctx context.Context, c claim, s tokens.Session, refresh string, pair tokens.Pair) error {
	good, err := e.authority.GoodTokens(ctx, s.ID)
	if err != nil {
		return err
	}
	at, err := e.NotePair(ctx, pair, s.UserID)
	if err != nil {
		return err
	}
	r := result{Access: pair.Access, Refresh: pair.Refresh, User: s.UserID, At: at, For: []string{digest(refresh)}}
	for _, token := range good {
		r.For = append(r.For, digest(token))
	}
	if err := e.cfg.Redis.Set(ctx, c.key, e.seal(r, s.ID), e.cfg.Grace).Err(); err != nil {
		return unavailable("keeping a pair of the plugin", err)
	}
	return e.authority.EndWithGrace(ctx, s.ID, tokens.CauseHandedBack)
}

// keep goes on with the session. The claim is released afterwards, so that tabs that wait for it get the same pair.
func (e *Exchange) keep(ctx context.Context, c claim, refresh string, from tokens.Client) (tokens.Pair, tokens.Identity, error) {
	pair, who, err := e.authority.RefreshKept(ctx, refresh, from)
	if unreleased := e.release(ctx, c, nil); unreleased != nil {
		e.cfg.Log.Warn("a session is not handed back until a claim has expired", "cause", unreleased.Error())
	}
	return pair, who, err
}

// passOn answers with the plugin's new pair, also where Redis does not store it: the plugin has spent the token.
func (e *Exchange) passOn(ctx context.Context, c claim, token string, who tokens.Identity, pair tokens.Pair) (tokens.Pair, tokens.Identity, error) {
	at, err := e.NotePair(ctx, pair, who.UserID)
	if err == nil {
		r := result{Access: pair.Access, Refresh: pair.Refresh, User: who.UserID, At: at}
		err = e.cfg.Redis.Set(ctx, c.key, e.seal(r, token), e.cfg.Grace).Err()
	}
	if err != nil {
		e.cfg.Log.Warn("a pair of the plugin could not be noted; another tab that holds its parent must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return e.answer(pair, who, tokens.OutcomePassedOn)
}

// CheckPair returns why the customer could not use a pair that WordPress answered for a user: tokens that are missing,
// signed with another secret, of another customer, or not valid now. It does no I/O, and the error names no token. It is
// also Revoked where only the moment is wrong: the plugin counts in seconds, and a token of the second in which others
// ended counts as one of those.
func (e *Exchange) CheckPair(pair tokens.Pair, userID int64) error {
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

// clocksDiffer is more than the difference between the clocks of two gateways.
const clocksDiffer = time.Minute

// NotePair notes that the plugin issued a pair now, so that earlier ends of sessions of this user do not end it, and
// returns the time (Unix ms): behind each end that Redis has, and else early enough for a later end by a gateway whose clock
// is behind. ErrUnavailable when Redis is away: any earlier end then does.
func (e *Exchange) NotePair(ctx context.Context, pair tokens.Pair, userID int64) (at int64, err error) {
	latest, err := e.authority.LatestEnd(ctx, userID)
	if err != nil {
		return 0, err
	}
	at = max(e.cfg.Now().Add(-clocksDiffer).UnixMilli(), latest+1)
	if err := e.cfg.Redis.Set(ctx, e.exchanged(pair.Refresh), issuedPrefix+strconv.FormatInt(at, 10), e.cfg.Life).Err(); err != nil {
		return 0, unavailable("noting a pair of the plugin", err)
	}
	return at, nil
}
