package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// TakeOver has the plugin log the customer of a session in. Where it issues no tokens the session stays with the
// gateway, so that a plugin that is not there logs no customer out, and the operator reads of it.
func (c call) TakeOver(ctx context.Context, s tokens.Session) (tokens.Pair, error) {
	defer c.r.Wait()()
	answer, err := c.wordpress.HandBack(ctx, upstream.HandBackCall{
		Target: c.target(c.r.Site.LoginRoute()), UserID: s.UserID, Session: s.ID, Fingerprint: s.Fingerprint,
		Origin: c.origin(c.r.Origin), Host: c.r.Host, Agent: upstream.AgentOf(c.r.Header),
	})
	if err != nil {
		return tokens.Pair{}, notHandedBack(err)
	}
	asserted := upstream.Assertion{Kind: upstream.HandBack, UserID: s.UserID, Fingerprint: s.Fingerprint}
	if err := c.r.ApplySessionEnds(ctx, asserted, &answer.Answer); err != nil {
		return tokens.Pair{}, tokens.Ended
	}
	pair, err := c.pairIn(answer, s.UserID)
	if errors.Is(err, exchange.ErrKeep) {
		c.reportKept(ctx, c.r, s.UserID, err)
	}
	return pair, err
}

// pairIn finds the plugin's tokens in CoCart's answer to a login. What may be over in a moment is tried again.
func (p *Plugin) pairIn(answer *upstream.LoginAnswer, userID int64) (tokens.Pair, error) {
	switch {
	case answer.Status >= http.StatusInternalServerError, answer.Status == http.StatusTooManyRequests:
		return tokens.Pair{}, notHandedBack(fmt.Errorf("WordPress answered %d to a session that goes back", answer.Status))
	case answer.Status != http.StatusOK:
		return tokens.Pair{}, fmt.Errorf("%w: WordPress answered %d", exchange.ErrKeep, answer.Status)
	}
	members, _ := wprequest.ParseObject(answer.Body)
	extras := wprequest.ExtrasOf(members)
	pair := tokens.Pair{Access: extras.Text("jwt_token"), Refresh: extras.Text("jwt_refresh")}
	return pair, p.exchange.CheckPair(pair, userID)
}

// reportKept does not report where only the moment is wrong: such a customer goes with the next refresh.
func (p *Plugin) reportKept(ctx context.Context, r Request, userID int64, cause error) {
	if !errors.Is(cause, tokens.Revoked) {
		r.ReportKept(ctx, userID, cause)
	}
}

// LoginPair returns the tokens that the plugin put into CoCart's answer to a login, while customers go back. It returns
// false where there are none: then a session of the gateway begins.
func (p *Plugin) LoginPair(r Request, answer *upstream.LoginAnswer) (tokens.Pair, bool) {
	if p == nil || !p.cfg.HandBack {
		return tokens.Pair{}, false
	}
	ctx, who := r.Context(), answer.Account
	pair, err := p.pairIn(answer, who.UserID)
	if err != nil {
		p.reportKept(ctx, r, who.UserID, err)
		return tokens.Pair{}, false
	}
	if _, err := p.exchange.NotePair(ctx, pair, who.UserID); err != nil {
		p.log.WarnContext(ctx, "a login at the old plugin could not be noted; earlier ends of its customer's sessions end it at its first refresh",
			slog.Int64("account_user", who.UserID), slog.String("cause", err.Error()))
	}
	return pair, true
}

// notHandedBack answers 503: the refresh token is still valid, and clients try again.
func notHandedBack(cause error) *respond.Failure {
	return respond.Fail(respond.NotHandedBack).Because(cause)
}
