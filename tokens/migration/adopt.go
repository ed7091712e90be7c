package migration

import (
	"context"
	"log/slog"

	"cocart-gateway/tokens"
)

// Adopt answers for a refresh token that is Foreign. The plugin exchanges it, which spends it, and a session of the
// customer begins. The token counts as generation 0 of that session: tabs that come with it at the same time and a client
// that lost the answer get the current token, and one that comes with it much later is a thief, as for Refresh.
//
// Errors of the plugin are returned as they are, and the token may be tried again; the others are those of Refresh.
func (e *Exchange) Adopt(ctx context.Context, token string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	c, r, found, err := e.claimResult(ctx, e.exchanged(token), token)
	switch {
	case err != nil:
		return e.refuse(err)
	case !found:
		return e.adoptClaimed(ctx, c, token, from, plugin)
	case r.Spent != "":
		return e.authority.Refresh(ctx, r.Spent, from)
	}
	return e.tellAgain(ctx, r, "") // another tab came to a gateway that hands sessions back
}

// adoptClaimed remembers the session before any client reads of it. If Redis fails then, this client gets its tokens
// all the same: the plugin has spent the old one.
func (e *Exchange) adoptClaimed(ctx context.Context, c claim, token string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	who, _, err := e.ask(ctx, token, plugin)
	if err == nil {
		err = e.endedSince(ctx, who.UserID, c.issuedAt())
	}
	if err != nil {
		return e.refuse(e.release(ctx, c, err))
	}
	pair, spent, err := e.authority.IssueExchanged(ctx, who, from)
	if err != nil {
		return e.refuse(err)
	}
	if err := e.cfg.Redis.Set(ctx, c.key, e.seal(result{Spent: spent}, token), e.cfg.Life).Err(); err != nil {
		e.cfg.Log.Warn("an exchanged refresh token could not be remembered; another tab that holds it must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return e.answer(pair, who, tokens.OutcomeAdopted)
}
