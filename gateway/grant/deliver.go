package grant

import (
	"context"
	"errors"
	"log/slog"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// maxAnswer is how much of an answer is held in memory, in bytes, as of a login's.
const maxAnswer = 1 << 20

// Deliver begins the session and puts its tokens into the answer. An answer that cannot carry tokens passes unchanged, and no
// session begins.
//
// An error is the answer in place of the route's own, which is in its data.answer: 429 for a locked account, and 503 while
// Redis is away. An app that received the route's own 200 would take its customer for logged in. A session that goes on
// after a new password is the other way round: the password is changed, whatever Redis does, so the answer passes.
func (g *Grant) Deliver(ctx context.Context) error {
	switch {
	case g == nil:
		return nil
	case g.says == nil:
		g.withhold(ctx, slog.LevelWarn, BadReply, g.answer.SessionError)
		return nil
	case g.says.Continues != "" && g.bound == "": // withheld by Keep
		return nil
	}
	text, why, err := g.read()
	if err != nil {
		return err
	}
	if why != "" {
		g.passWithout(ctx, why)
		return nil
	}
	pair, result, err := g.issue(ctx)
	if err != nil {
		return g.fail(ctx, text, err)
	}
	if text, err = g.Put(text, pair); err != nil {
		return err
	}
	g.answer.SetBody(text)
	g.Given(g.says.UserID, pair.Session)
	g.sessions.WithLabelValues(string(result)).Inc()
	g.Log(ctx, accesslog.SessionBegun, slog.LevelInfo, "WordPress began or kept a session", g.attrs(result)...)
	return nil
}

// read returns the answer, a JSON object, or why it cannot carry tokens.
func (g *Grant) read() (text []byte, why Result, err error) {
	if g.answer.Status < 200 || g.answer.Status > 299 {
		return nil, BadStatus, nil
	}
	text, err = g.answer.Body(maxAnswer)
	switch {
	case errors.Is(err, upstream.ErrTooLarge):
		return nil, TooLarge, nil
	case errors.Is(err, upstream.ErrEncoded):
		return nil, Encoded, nil
	case err != nil:
		return nil, "", err
	}
	if _, err := wprequest.ParseObject(text); err != nil || g.Wrapped {
		return nil, NotObject, nil
	}
	return text, "", nil
}

// passWithout lets an answer pass without tokens. A session that goes on needs none: a refresh gives them.
func (g *Grant) passWithout(ctx context.Context, why Result) {
	if g.bound != tokens.BoundSame {
		g.withhold(ctx, slog.LevelWarn, why, nil)
		return
	}
	g.sessions.WithLabelValues(string(KeptSilent)).Inc()
	g.Log(ctx, accesslog.SessionBegun, slog.LevelInfo, "WordPress kept a session, and its client refreshes", g.attrs(KeptSilent)...)
}

// issue returns the tokens. A session takes the place of one that goes on where another request of the customer met the new
// password first.
func (g *Grant) issue(ctx context.Context) (tokens.Pair, Result, error) {
	result := Begun
	switch {
	case g.bound == tokens.BoundSame:
		pair, err := g.Authority.Renew(ctx, g.says.Continues, g.Client)
		return pair, Kept, err
	case g.bound == tokens.BoundAnew:
		result = Kept
	case g.Attempts != nil:
		if err := g.Attempts.Admit(ctx, g.says.UserID, g.Address); err != nil {
			return tokens.Pair{}, "", err
		}
	}
	who := tokens.Identity{UserID: g.says.UserID, Login: g.says.Login, Fingerprint: g.says.Fingerprint, Claims: g.says.Claims}
	pair, err := g.Authority.Issue(ctx, who, g.Client)
	if err == nil && g.Attempts != nil {
		g.Attempts.Seen(ctx, who.UserID, g.Address)
	}
	return pair, result, err
}

// fail returns what the client receives when no tokens could be issued; nil lets the answer pass.
func (g *Grant) fail(ctx context.Context, text []byte, err error) error {
	var exceeded *attempts.Exceeded
	var rejection tokens.Rejection
	why, level, refusal := Unavailable, slog.LevelError, respond.Fail(respond.StoreUnavailable).Because(err)
	switch {
	case errors.As(err, &exceeded):
		why, level, refusal = Locked, slog.LevelInfo, g.Limited(exceeded)
	case errors.As(err, &rejection):
		why, level = Over, slog.LevelInfo
	case !errors.Is(err, tokens.ErrUnavailable):
		refusal = respond.Fail(respond.Internal).Because(err)
	}
	g.withhold(ctx, level, why, err)
	if g.says.Continues != "" {
		return nil
	}
	refusal.Answer = text
	g.Given(g.says.UserID, "")
	return refusal
}
