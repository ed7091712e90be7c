package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cocart-gateway/tokens"
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

// endOwn ends the session of a token. A token of the old plugin has none: with
// it all of that plugin's tokens of the customer end, as they do there.
func (g *Gateway) endOwn(x *exchange, access *tokens.Access) error {
	if access.Session != "" {
		return g.authority.EndSession(x.r.Context(), access.Session, tokens.CauseLogout)
	}
	_, err := g.authority.EndUser(x.r.Context(), access.UserID, tokens.PluginFingerprint, tokens.CauseLogout)
	return err
}

// redeem trades a refresh token, ours or, where the operator says so, the old
// plugin's.
func (g *Gateway) redeem(x *exchange, b *body, token string) (tokens.Pair, tokens.Identity, error) {
	if !g.cfg.PluginRefresh || !g.authority.Foreign(token) {
		return g.authority.Refresh(x.r.Context(), token, x.client())
	}
	return g.authority.Adopt(x.r.Context(), token, x.client(), func(ctx context.Context) (tokens.Identity, error) {
		answer, err := g.wordpress.Refresh(ctx, upstream.RefreshCall{
			Target: g.refreshTarget(x, b), Token: token, Origin: x.origin, Host: x.r.Host, UserAgent: x.r.UserAgent(),
		})
		if err != nil {
			return tokens.Identity{}, err
		}
		return g.refreshedByPlugin(ctx, answer)
	})
}

// codeNotAllowed is said of a customer whom the shop refuses
// (cocart_gateway_allow_customer), whoever let that customer in.
const codeNotAllowed = "cocart_gateway_not_allowed"

// refreshedByPlugin is whom the old plugin named, or why it did not.
func (g *Gateway) refreshedByPlugin(ctx context.Context, answer *upstream.LoginAnswer) (tokens.Identity, error) {
	if answer.Account != nil {
		return identity(answer.Account), nil
	}
	members, _ := parseObject(answer.Body)
	code := memberString(members, "code")
	switch {
	case answer.Status == http.StatusForbidden && code == codeAuthentication && strings.Contains(memberString(members, "message"), "expired"):
		return tokens.Identity{}, tokens.Expired
	case answer.Status == http.StatusForbidden && code == codeAuthentication:
		return tokens.Identity{}, tokens.Unknown
	case answer.Status == http.StatusForbidden && code == codeNotAllowed:
		return tokens.Identity{}, tokens.Ended
	case answer.Status == http.StatusNotFound:
		g.log.WarnContext(ctx, "compat.plugin_refresh is on, but the old plugin is not active: nobody knows its refresh tokens")
		return tokens.Identity{}, tokens.Unknown
	}
	return tokens.Identity{}, fmt.Errorf("%w: %d to a refresh token of the old plugin", upstream.ErrBadReply, answer.Status)
}

// refreshTarget is the route as the client named it, without the parameters that
// it may have put there besides.
func (g *Gateway) refreshTarget(x *exchange, b *body) string {
	path, _, _ := strings.Cut(x.target, "?")
	_, inQuery := x.verdict.query.last("rest_route")
	_, inForm := b.form.last("rest_route")
	if !inQuery && !inForm {
		return path
	}
	return strings.TrimSuffix(g.cfg.SiteURL.EscapedPath(), "/") + "/?rest_route=" + url.QueryEscape(x.verdict.route)
}
