// Package migration is what moves a shop from CoCart JWT Authentication, the PHP plugin that issued its tokens before, to
// the gateway, and back. It is switched off in a shop that never had the plugin.
//
//	plugin.go       refresh tokens of the plugin are exchanged for sessions (compat.plugin_refresh)
//	handback.go     customers leave with tokens of the plugin (compat.hand_back)
//	address.go      the address to which the plugin binds its tokens (compat.plugin_address)
//	dryrun.go       what would have become of requests is logged and counted (compat.dry_run)
//	otherbearer.go  access tokens of other JWT plugins (compat.other_bearers)
//
// The exchange itself, which decides and remembers in Redis, is package tokens/migration.
package migration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// Config says what of the migration is on.
type Config struct {
	// PluginRefresh has refresh tokens that are none of ours exchanged by the plugin, still active behind the gateway.
	PluginRefresh bool
	// HandBack gives customers back to the plugin. It goes before PluginRefresh.
	HandBack bool
	// Address is the one to which the plugin binds its tokens.
	Address Address
}

// Plugin is CoCart JWT Authentication behind the gateway. It answers for refreshes and logins while a shop moves. The nil
// Plugin answers for none.
type Plugin struct {
	cfg       Config
	site      *url.URL
	authority *tokens.Authority
	exchange  *exchange.Exchange
	wordpress *upstream.WordPress
	log       *slog.Logger
}

// New returns nil where neither way is on.
func New(cfg Config, site *url.URL, authority *tokens.Authority, wordpress *upstream.WordPress, log *slog.Logger) *Plugin {
	if !cfg.PluginRefresh && !cfg.HandBack {
		return nil
	}
	return &Plugin{cfg, site, authority, exchange.New(authority, cfg.HandBack), wordpress, log}
}

// Request is a login or refresh on its way through the gateway.
type Request struct {
	*http.Request
	Target string // as WordPress receives it
	Class  wprequest.Classification
	Body   *wprequest.Body
	Site   wprequest.Site
	Client tokens.Client
	Origin upstream.Origin
	// Wait measures the time for which WordPress is asked, until its result is called.
	Wait func() (answered func())
	// ApplySessionEnds ends the sessions that WordPress named in an answer. The error says that the asserted one is among them.
	ApplySessionEnds func(context.Context, upstream.Assertion, *upstream.Answer) error
	// ReportKept reports that the plugin issued no valid tokens for a user, who stays with the gateway.
	ReportKept func(ctx context.Context, userID int64, cause error)
}

// Answers reports whether Refresh answers for a refresh token.
func (p *Plugin) Answers(refresh string) bool {
	return p != nil && p.exchange.Answers(refresh)
}

// Exchanges reports whether a refresh token is one that the plugin would exchange.
func (p *Plugin) Exchanges(refresh string) bool {
	return p != nil && p.cfg.PluginRefresh && exchange.Foreign(p.authority, refresh)
}

// Refresh answers for a refresh token of either kind.
func (p *Plugin) Refresh(r Request, refresh string) (tokens.Pair, tokens.Identity, error) {
	return p.exchange.Refresh(r.Context(), refresh, r.Client, call{p, r})
}

// call asks the plugin on behalf of one request. It implements exchange.Plugin.
type call struct {
	*Plugin
	r Request
}

// Refresh has the plugin exchange a refresh token of its own, which spends the token. On the way back half a pair, which
// a filter of the shop may make of the answer, is an error, and a plugin that is not active yet logs no customer out.
func (c call) Refresh(ctx context.Context, token string) (tokens.Identity, tokens.Pair, error) {
	who, pair, err := c.refresh(ctx, token)
	switch {
	case !c.cfg.HandBack:
	case errors.Is(err, errNotActive):
		err = notHandedBack(errors.New("the old plugin is not active"))
	case err == nil && (pair.Access == "" || pair.Refresh == ""):
		err = fmt.Errorf("%w: the old plugin refreshed a token, and its answer lacks one of the new pair", upstream.ErrBadReply)
	}
	return who, pair, err
}

func (c call) refresh(ctx context.Context, token string) (tokens.Identity, tokens.Pair, error) {
	defer c.r.Wait()()
	answer, err := c.wordpress.Refresh(ctx, upstream.RefreshCall{
		Target: c.target(refreshRoute), Token: token, Origin: c.origin(c.r.Origin), Host: c.r.Host, Agent: upstream.AgentOf(c.r.Header),
	})
	if err != nil {
		return tokens.Identity{}, tokens.Pair{}, err
	}
	members, _ := wprequest.ParseObject(answer.Body)
	who, err := c.customer(ctx, answer, members)
	return who, tokens.Pair{Access: members.Text("token"), Refresh: members.Text("refresh_token")}, err
}

// errUnknownForNow: the operator may let the customer in, or activate the plugin.
var (
	errUnknownForNow = fmt.Errorf("%w %w", tokens.Unknown, exchange.ErrForNow)
	errNotActive     = fmt.Errorf("%w: the old plugin is not active", errUnknownForNow)
)

// customer returns whom the plugin named, or why it did not.
func (c call) customer(ctx context.Context, answer *upstream.LoginAnswer, members wprequest.Object) (tokens.Identity, error) {
	if who := answer.Account; who != nil {
		return tokens.Identity{UserID: who.UserID, Login: who.Login, Fingerprint: who.Fingerprint, Claims: who.Claims}, nil
	}
	switch code := respond.Code(members.Text("code")); {
	case answer.Status == http.StatusForbidden && code == respond.Authentication && strings.Contains(members.Text("message"), "expired"):
		return tokens.Identity{}, tokens.Expired
	case answer.Status == http.StatusForbidden && code == respond.Authentication:
		return tokens.Identity{}, tokens.Unknown
	case answer.Status == http.StatusForbidden && code == respond.NotAllowed:
		return tokens.Identity{}, errUnknownForNow
	case answer.Status == http.StatusNotFound && code == "rest_no_route":
		c.log.WarnContext(ctx, "the old plugin is not active, as compat.plugin_refresh and compat.hand_back require: its refresh tokens are refused")
		return tokens.Identity{}, errNotActive
	}
	return tokens.Identity{}, fmt.Errorf("%w: %d to a refresh token of the old plugin", upstream.ErrBadReply, answer.Status)
}

// refreshRoute is the plugin's route: a white label does not change it.
const refreshRoute = wprequest.PluginNamespace + "/jwt/refresh-token"

// target names a route of WordPress where the client named that of the refresh, in the path or not, without the
// parameters that the client may have put there besides.
func (c call) target(route string) string {
	path, _, _ := strings.Cut(c.r.Target, "?")
	_, inQuery := c.r.Class.Query.Last("rest_route")
	_, inForm := c.r.Body.Form.Last("rest_route")
	switch {
	case inQuery || inForm:
		return strings.TrimSuffix(c.site.EscapedPath(), "/") + "/?rest_route=" + url.QueryEscape(route)
	case c.r.Class.IsRoute(route):
		return path
	}
	return c.r.Site.TargetFor(path, route)
}
