package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// The way back to CoCart JWT Authentication, the mirror image of oldplugin.go:
// whoever logs in or refreshes leaves with tokens of that plugin, until nobody
// holds any of ours. Those that are out are judged as ever meanwhile.

// handBack trades a refresh token of either kind for a pair of the old plugin.
func (g *Gateway) handBack(x *exchange, b *wprequest.Body, token string) (tokens.Pair, tokens.Identity, error) {
	if !migration.Foreign(g.authority, token) {
		return g.exchange.HandBack(x.r.Context(), token, x.client(), oldPlugin{g, x, b})
	}
	return g.exchange.PassOn(x.r.Context(), token, x.client(), oldPlugin{g, x, b})
}

// passedOn is the old plugin's answer to a refresh token of its own. A filter of
// the shop's may have made another object of it: nobody is told half a pair. Nor is
// anybody logged out because that plugin is to be activated yet.
func (g *Gateway) passedOn(ctx context.Context, x *exchange, b *wprequest.Body, token string) (tokens.Identity, migration.Pair, error) {
	who, pair, err := g.judgedByPlugin(ctx, x, b, token)
	switch {
	case errors.Is(err, errNoOldPlugin):
		err = notHandedBack(errors.New("the old plugin is not active"))
	case err == nil && (pair.Access == "" || pair.Refresh == ""):
		err = fmt.Errorf("%w: the old plugin refreshed a token, and its answer lacks one of the new pair", upstream.ErrBadReply)
	}
	return who, pair, err
}

// takenOver is what the old plugin gives for a session of ours. Where it gives
// nothing the session stays with us, so that nobody is logged out by a plugin
// that is not there, and somebody has to be told.
func (g *Gateway) takenOver(ctx context.Context, x *exchange, b *wprequest.Body, s tokens.Session) (migration.Pair, error) {
	defer x.awaiting()()
	answer, err := g.wordpress.HandBack(ctx, upstream.HandBackCall{
		Target: g.pluginTarget(x, b, g.routes.LoginRoute()), UserID: s.UserID, Session: s.ID, Fingerprint: s.Fingerprint,
		Origin: g.pluginOrigin(x.origin), Host: x.r.Host, Agent: upstream.AgentOf(x.r.Header),
	})
	if err != nil {
		return migration.Pair{}, notHandedBack(err)
	}
	asked := upstream.Assertion{Kind: upstream.HandBack, UserID: s.UserID, Fingerprint: s.Fingerprint}
	if err := g.heed(ctx, x, asked, &answer.Answer); err != nil {
		return migration.Pair{}, tokens.Ended
	}
	pair, err := g.pairIn(answer, s.UserID)
	if errors.Is(err, migration.ErrKeep) {
		g.notTakenOver(ctx, x, s.UserID, err)
	}
	return pair, err
}

// pairIn finds the old plugin's tokens in CoCart's answer to a login. What may be
// over in a moment is to be tried again.
func (g *Gateway) pairIn(answer *upstream.LoginAnswer, userID int64) (migration.Pair, error) {
	switch {
	case answer.Status >= http.StatusInternalServerError, answer.Status == http.StatusTooManyRequests:
		return migration.Pair{}, notHandedBack(fmt.Errorf("WordPress answered %d to a session that goes back", answer.Status))
	case answer.Status != http.StatusOK:
		return migration.Pair{}, fmt.Errorf("%w: WordPress answered %d", migration.ErrKeep, answer.Status)
	}
	members, _ := wprequest.ParseObject(answer.Body)
	extras := wprequest.ExtrasOf(members)
	pair := migration.Pair{Access: extras.Text("jwt_token"), Refresh: extras.Text("jwt_refresh")}
	return pair, g.exchange.CheckPair(pair, userID)
}

// notTakenOver tells the operator, unless nothing is wrong but the moment: such a
// customer goes with the next refresh.
func (g *Gateway) notTakenOver(ctx context.Context, x *exchange, userID int64, cause error) {
	if errors.Is(cause, tokens.Revoked) {
		return
	}
	g.happened(ctx, x, accesslog.NotHandedBack, slog.LevelError, "compat.hand_back is on, but the old plugin gave no tokens that are good; the customer stays with the gateway",
		slog.Int64("account_user", userID), slog.String("cause", cause.Error()))
}

// loginAtPlugin answers a login with the tokens that the old plugin put into
// CoCart's answer. It is false where there are none: a session of ours is better
// than none.
func (g *Gateway) loginAtPlugin(x *exchange, answer *upstream.LoginAnswer) (answered bool, err error) {
	ctx, who := x.r.Context(), answer.Account
	pair, err := g.pairIn(answer, who.UserID)
	if err != nil {
		g.notTakenOver(ctx, x, who.UserID, err)
		return false, nil
	}
	if _, err := g.exchange.NotePair(ctx, pair, who.UserID); err != nil {
		g.log.WarnContext(ctx, "a login at the old plugin could not be noted; what ended sessions of its customer before ends it at its first refresh",
			slog.Int64("account_user", who.UserID), slog.String("cause", err.Error()))
	}
	x.record.user = who.UserID
	return true, g.answerLogin(x, answer, pair.Access, pair.Refresh, loginAccepted)
}
