package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// What the plugin CoCart JWT Authentication issued before the gateway took over
// goes on: its access tokens are believed until they expire (tokens.Config), its
// refresh tokens are exchanged once, each for a session of ours.

// endedBy is the fingerprint by which WordPress ends what was asserted.
func endedBy(a upstream.Assertion) string {
	if a.PAT != "" {
		return tokens.PluginFingerprint
	}
	return a.Fingerprint
}

// endPlugins logs out by a token of the old plugin, which has no session: all of
// that plugin's tokens of the customer end, as they do there. WordPress comes
// first: who has guessed the plugin's secret could end anybody's, but for the PAT.
func (g *Gateway) endPlugins(x *exchange, access *tokens.Access) error {
	x.confirmed = func(ctx context.Context) error {
		_, err := g.authority.EndUser(ctx, access.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
		return err
	}
	return g.forward(x, customer(access))
}

// redeem trades a refresh token, ours or, where the operator says so, the old
// plugin's.
func (g *Gateway) redeem(x *exchange, b *wprequest.Body, token string) (tokens.Pair, tokens.Identity, error) {
	if g.cfg.HandBack {
		return g.handBack(x, b, token)
	}
	if !g.cfg.PluginRefresh || !migration.Foreign(g.authority, token) {
		return g.authority.Refresh(x.r.Context(), token, x.client())
	}
	return g.exchange.Adopt(x.r.Context(), token, x.client(), oldPlugin{g, x, b})
}

// oldPlugin asks the old plugin on behalf of one request.
type oldPlugin struct {
	g *Gateway
	x *exchange
	b *wprequest.Body
}

// Refresh has it exchange a refresh token.
func (p oldPlugin) Refresh(ctx context.Context, token string) (tokens.Identity, migration.Pair, error) {
	if p.g.cfg.HandBack {
		return p.g.passedOn(ctx, p.x, p.b, token)
	}
	return p.g.judgedByPlugin(ctx, p.x, p.b, token)
}

// TakeOver has it log the customer of a session in.
func (p oldPlugin) TakeOver(ctx context.Context, s tokens.Session) (migration.Pair, error) {
	return p.g.takenOver(ctx, p.x, p.b, s)
}

// judgedByPlugin has the old plugin exchange a refresh token of its own, which
// spends it.
func (g *Gateway) judgedByPlugin(ctx context.Context, x *exchange, b *wprequest.Body, token string) (tokens.Identity, migration.Pair, error) {
	defer x.awaiting()()
	answer, err := g.wordpress.Refresh(ctx, upstream.RefreshCall{
		Target: g.pluginTarget(x, b, pluginRefresh), Token: token, Origin: g.pluginOrigin(x.origin), Host: x.r.Host, Agent: upstream.AgentOf(x.r.Header),
	})
	if err != nil {
		return tokens.Identity{}, migration.Pair{}, err
	}
	members, _ := wprequest.ParseObject(answer.Body)
	who, err := g.refreshedByPlugin(ctx, answer)
	return who, migration.Pair{Access: members.Text("token"), Refresh: members.Text("refresh_token")}, err
}

// errUnknownForNow: the operator may let the customer in, or activate the plugin.
var (
	errUnknownForNow = fmt.Errorf("%w %w", tokens.Unknown, migration.ErrForNow)
	errNoOldPlugin   = fmt.Errorf("%w: the old plugin is not active", errUnknownForNow)
)

// refreshedByPlugin is whom the old plugin named, or why it did not.
func (g *Gateway) refreshedByPlugin(ctx context.Context, answer *upstream.LoginAnswer) (tokens.Identity, error) {
	if answer.Account != nil {
		return identity(answer.Account), nil
	}
	members, _ := wprequest.ParseObject(answer.Body)
	switch code := respond.Code(members.Text("code")); {
	case answer.Status == http.StatusForbidden && code == respond.Authentication && strings.Contains(members.Text("message"), "expired"):
		return tokens.Identity{}, tokens.Expired
	case answer.Status == http.StatusForbidden && code == respond.Authentication:
		return tokens.Identity{}, tokens.Unknown
	case answer.Status == http.StatusForbidden && code == respond.NotAllowed:
		return tokens.Identity{}, errUnknownForNow
	case answer.Status == http.StatusNotFound && code == "rest_no_route":
		g.log.WarnContext(ctx, "the old plugin is not active, as it must be for compat.plugin_refresh and compat.hand_back: nobody knows its refresh tokens")
		return tokens.Identity{}, errNoOldPlugin
	}
	return tokens.Identity{}, fmt.Errorf("%w: %d to a refresh token of the old plugin", upstream.ErrBadReply, answer.Status)
}

// pluginRefresh is the old plugin's route: a white label changes nothing about it.
const pluginRefresh = wprequest.PluginNamespace + "/jwt/refresh-token"

// pluginTarget is a route of WordPress's where the client named that of the
// refresh, in the path or not, without the parameters that it may have put there
// besides.
func (g *Gateway) pluginTarget(x *exchange, b *wprequest.Body, route string) string {
	path, _, _ := strings.Cut(x.target, "?")
	_, inQuery := x.verdict.Query.Last("rest_route")
	_, inForm := b.Form.Last("rest_route")
	switch {
	case inQuery || inForm:
		return strings.TrimSuffix(g.cfg.SiteURL.EscapedPath(), "/") + "/?rest_route=" + url.QueryEscape(route)
	case x.verdict.IsRoute(route):
		return path
	}
	return g.routes.TargetFor(path, route)
}
