package migration

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/budget"
)

// exchangeForeign answers for a refresh token of the plugin. The plugin exchanges it, which spends it, and a session of the
// customer begins. The token counts as generation 0 of that session: tabs that come with it at the same time and a client
// that lost the answer get the current token, and one that comes with it much later is a thief, as for Authority.Refresh.
//
// On the way back the plugin's new pair is the answer, also for tabs within the grace, and a token that had become a
// session goes back as that session.
func (e *Exchange) exchangeForeign(ctx context.Context, token string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	c, r, found, err := e.claimResult(ctx, e.exchanged(token), token)
	switch {
	case err != nil:
		return e.refuse(err)
	case !found:
		return e.exchangeClaimed(ctx, c, token, from, plugin)
	case r.Spent == "": // also where another tab came to a gateway that hands sessions back
		return e.answerAgain(ctx, r, "")
	case e.back:
		return e.handBack(ctx, r.Spent, from, plugin)
	}
	return e.authority.Refresh(ctx, r.Spent, from)
}

func (e *Exchange) exchangeClaimed(ctx context.Context, c claim, token string, from tokens.Client, plugin Plugin) (tokens.Pair, tokens.Identity, error) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), askLife)
	defer done()
	who, pair, err := e.askClaimed(ctx, c, token, plugin)
	switch {
	case err != nil:
		return e.refuse(err)
	case e.back:
		return e.passOn(ctx, c, token, who, pair)
	}
	return e.adopt(ctx, c, token, who, from)
}

// adopt begins a session, and remembers it before any client reads of it. If that is not remembered, this client gets its tokens
// all the same: the plugin has spent the old one.
func (e *Exchange) adopt(ctx context.Context, c claim, token string, who tokens.Identity, from tokens.Client) (tokens.Pair, tokens.Identity, error) {
	begin, err := e.authority.IssueExchanged(who, from)
	if err != nil {
		return e.refuse(err)
	}
	var pair tokens.Pair
	var spent string
	if err := persist(ctx, func(ctx context.Context) (err error) { pair, spent, err = begin(ctx); return err }); err != nil {
		return e.refuse(err)
	}
	if err := e.cfg.Redis.Set(ctx, c.key, e.seal(result{Spent: spent}, token), e.cfg.Life).Err(); err != nil {
		e.cfg.Log.Warn("an exchanged refresh token could not be remembered; another tab that holds it must log in again", slog.Int64("user", who.UserID), slog.String("cause", err.Error()))
	}
	return e.answer(pair, who, tokens.OutcomeAdopted)
}

// askClaimed has the plugin exchange a token, which is refused where its customer was logged out since it was issued. On
// an error it releases the claim.
func (e *Exchange) askClaimed(ctx context.Context, c claim, token string, plugin Plugin) (who tokens.Identity, pair tokens.Pair, err error) {
	who, pair, err = e.ask(ctx, token, plugin)
	if err == nil {
		err = persist(ctx, func(ctx context.Context) error { return e.endedSince(ctx, who.UserID, c.issuedAt()) })
	}
	if err != nil {
		err = e.release(ctx, c, err)
	}
	return who, pair, err
}

// tryAgain is how long persist waits for Redis between two attempts.
const tryAgain = 100 * time.Millisecond

// persist does what follows once the plugin has spent a token, until ctx ends: if Redis fails in this moment, as in a failover, the
// client cannot come with that token again. Each attempt has the time that the commands of one request have.
func persist(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(budget.Within(ctx, &budget.Budget{}))
		if !errors.Is(err, tokens.ErrUnavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(tryAgain):
		}
	}
}
