package migration

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"cocart-gateway/tokens"
)

// The way back: customers leave with token pairs of the plugin, until no session is left. Handing a session back is an
// end of that session. For the grace its pair waits in Redis, so that parallel tabs and a client that lost the answer get
// the same one; nothing is spent before the plugin has answered.

// HandBack answers for a refresh token of ours with a pair of the plugin, and ends the session. A token that is not good
// is answered as by Refresh. On ErrKeep the session goes on, and the pair is ours. Other errors of the plugin are returned
// as they are, and the token is as good as before.
//
// The pair's lifetimes are the plugin's, and not known.
func (e *Exchange) HandBack(ctx context.Context, refresh string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
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
	return e.tellAgain(ctx, r, s.ID)
}

// handedBefore answers for a session that has gone back. An attacker may hold an older token of it, which was spent
// before: the pair waits for those tokens only that were good when it was issued.
func (e *Exchange) handedBefore(ctx context.Context, s tokens.Session, refresh string, from tokens.Client) (tokens.Pair, tokens.Identity, error) {
	value, err := e.cfg.Redis.Get(ctx, e.handed(s.ID)).Result()
	if ignoreMissing(err) != nil {
		return e.refuse(unavailable("reading the pair of a session", err))
	}
	if r, ok := e.open(value, s.ID); ok && slices.Contains(r.For, digest(refresh)) {
		return e.tellAgain(ctx, r, s.ID)
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
	return e.answer(pair.of(s.ID), tokens.Identity{UserID: s.UserID}, tokens.OutcomeHandedBack)
}

// endHandedBack keeps the pair for others, then ends the session: after a crash in between the next tab ends it. A
// session that ended while the plugin was asked stays ended, and its pair reaches no client.
func (e *Exchange) endHandedBack(ctx context.Context, c claim, s tokens.Session, refresh string, pair Pair) error {
	current, err := e.authority.Resume(ctx, s.ID)
	if err != nil {
		return err
	}
	at, err := e.NotePair(ctx, pair, s.UserID)
	if err != nil {
		return err
	}
	r := result{Pair: pair, User: s.UserID, At: at, For: []string{digest(refresh), digest(current)}}
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

// PassOn answers for a refresh token that is Foreign on the way back: the plugin exchanges it, and its pair is the
// answer, also for tabs that come with the same token within the grace. A token that had become a session goes back as
// that session. The errors are those of Adopt.
func (e *Exchange) PassOn(ctx context.Context, token string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	c, r, found, err := e.claimResult(ctx, e.exchanged(token), token)
	switch {
	case err != nil:
		return e.refuse(err)
	case !found:
		return e.passOnClaimed(ctx, c, token, plugin)
	case r.Spent != "":
		return e.HandBack(ctx, r.Spent, from, plugin)
	}
	return e.tellAgain(ctx, r, "")
}

// passOnClaimed answers with the pair also where Redis does not store it: the plugin has spent the token.
func (e *Exchange) passOnClaimed(ctx context.Context, c claim, token string, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	who, pair, err := e.ask(ctx, token, plugin)
	if err == nil {
		err = e.endedSince(ctx, who.UserID, c.issuedAt())
	}
	if err != nil {
		return e.refuse(e.release(ctx, c, err))
	}
	at, err := e.NotePair(ctx, pair, who.UserID)
	if err == nil {
		err = e.cfg.Redis.Set(ctx, c.key, e.seal(result{Pair: pair, User: who.UserID, At: at}, token), e.cfg.Grace).Err()
	}
	if err != nil {
		e.cfg.Log.Warn("a pair of the plugin could not be noted; another tab that holds its parent must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return e.answer(pair.of(""), who, tokens.OutcomePassedOn)
}
