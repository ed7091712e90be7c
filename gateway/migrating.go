package gateway

import (
	"context"
	"log/slog"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// The places where requests of a shop that moves leave the ordinary path; package migration answers for them.

// pluginRequest is a request as package migration sees it.
func (g *Gateway) pluginRequest(x *exchange, b *wprequest.Body) migration.Request {
	return migration.Request{
		Request: x.r, Target: x.target, Class: x.classification, Body: b, Site: g.routes, Client: x.client(), Origin: x.origin, Wait: x.measureWait,
		ApplySessionEnds: func(ctx context.Context, a upstream.Assertion, answer *upstream.Answer) error {
			return g.applySessionEnds(ctx, x, a, answer)
		},
		ReportKept: func(ctx context.Context, userID int64, cause error) {
			g.logEvent(ctx, x, accesslog.NotHandedBack, slog.LevelError, "compat.hand_back is on, but the old plugin issued no valid tokens; the customer stays with the gateway",
				slog.Int64("account_user", userID), slog.String("cause", cause.Error()))
		},
	}
}

// endedBy returns the fingerprint by which WordPress ends what was asserted.
func endedBy(a upstream.Assertion) string {
	if a.PAT != "" {
		return tokens.PluginFingerprint
	}
	return a.Fingerprint
}

// endPluginTokens logs out by a token of the old plugin, which has no session: all of that plugin's tokens of the customer
// end, as they do there. WordPress comes first: an attacker who has guessed the plugin's secret, but not the PAT, could
// otherwise log customers out.
func (g *Gateway) endPluginTokens(x *exchange, access *tokens.Access) error {
	x.confirmed = func(ctx context.Context) error {
		_, err := g.authority.EndUser(ctx, access.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
		return err
	}
	return g.forward(x, customer(access))
}

// isOtherBearer reports whether a refused bearer is another plugin's, and records it.
func (g *Gateway) isOtherBearer(x *exchange, bearer string, refused error) bool {
	if !migration.IsOtherBearer(g.authority, bearer, refused) {
		return false
	}
	x.otherBearer = true
	if !g.otherBearers.Allow(g.cfg.Now()) {
		g.metrics.Count(accesslog.OtherBearer)
		return true
	}
	result, said := migration.OtherBearerResult(g.cfg.PassOtherBearers)
	g.logEvent(context.Background(), x, accesslog.OtherBearer, slog.LevelInfo, said, slog.String("result", result))
	return true
}

// passesOtherBearer reports whether WordPress verifies this bearer.
func (g *Gateway) passesOtherBearer(x *exchange, bearer string) bool {
	if !g.cfg.PassOtherBearers || bearer == "" {
		return false
	}
	_, err := g.authority.Verify(bearer)
	return err != nil && g.isOtherBearer(x, bearer, err)
}
