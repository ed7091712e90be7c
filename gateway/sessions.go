package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/account"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/browserlink"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/ticket"
	"cocart-gateway/upstream"
)

// refresh answers POST …/jwt/refresh-token. The Authorization header is not
// looked at: every SDK sends the access token that has just expired. WordPress
// is not asked.
func (g *Gateway) refresh(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.classification.Query); err != nil {
		return err
	}
	limit := g.refreshTicket(x)
	b, err := bounds.Read(x.r, g.cfg.MaxLoginBody) // at most as much as a login may send
	if err != nil {
		return g.countAlone(x, limit, err)
	}
	token, err := g.presentedRefresh(x, b)
	if err != nil {
		return g.countAlone(x, limit, err)
	}
	pair, err := g.rotate(x, b, token, limit)
	var rejection tokens.Rejection
	if errors.As(err, &rejection) {
		return g.refusedRefresh(rejection)
	}
	if err != nil {
		return err
	}
	if x.session.used {
		writeMessage(x, "Session renewed.")
		return nil
	}
	g.issued(pair).WriteRefresh(x.w, x.r)
	return nil
}

// presentedRefresh returns the refresh token of a refresh: the parameter, else that of the
// session cookie.
func (g *Gateway) presentedRefresh(x *exchange, b *wprequest.Body) (string, error) {
	token, err := x.input(b).RefreshToken()
	var refused *wprequest.Error
	if !errors.As(err, &refused) || refused.Reason != wprequest.ReasonNoRefreshToken || !g.hasSessionCookie(x) {
		return token, err
	}
	if err := g.useSessionCookie(x); err != nil {
		return "", err
	}
	return x.session.presented.Refresh, nil
}

// rotate exchanges a refresh token for the next pair; b is the body that it came in, if it came
// in one. A pair for the session cookie is kept for the answer.
func (g *Gateway) rotate(x *exchange, b *wprequest.Body, token string, limit *attempts.Ticket) (tokens.Pair, error) {
	pair, who, err := g.exchangeCounted(x, b, token, limit)
	if isLimit(err) {
		return tokens.Pair{}, g.tooManyRequests(x, err)
	}
	x.record.user, x.record.session = who.UserID, pair.Session
	g.reportNotStored(x, token, pair.Outcome, err)
	var rejection tokens.Rejection
	if errors.As(err, &rejection) {
		x.record.outcome = string(rejection)
	}
	if err != nil {
		return tokens.Pair{}, err
	}
	x.record.outcome = string(pair.Outcome)
	if g.cfg.Passwords.Attempts != nil {
		g.cfg.Passwords.Attempts.Seen(x.r.Context(), who.UserID, x.origin.Client)
	}
	if x.session.used {
		return pair, g.storeInCookie(x, pair)
	}
	return pair, nil
}

// exchangeCounted exchanges a refresh token behind the limit of the address.
func (g *Gateway) exchangeCounted(x *exchange, b *wprequest.Body, token string, limit *attempts.Ticket) (pair tokens.Pair, who tokens.Identity, err error) {
	defer func() { x.w.limit = limit.State() }()
	limit.For(token[:min(len(token), sessionDigits)])
	if !x.session.used && g.plugin.Answers(token) { // only in a shop that moves from the old JWT plugin, or back
		if err := limit.Alone(x.r.Context()); err != nil {
			return pair, who, err
		}
		return g.plugin.Refresh(g.pluginRequest(x, b), token)
	}
	return g.authority.RefreshCounted(x.r.Context(), token, x.client(), limit)
}

// sessionDigits is how many digits of a refresh token are the same for all tabs of a customer: the session.
const sessionDigits = 32

// validate answers POST …/jwt/validate-token. The data member is more than the
// PHP plugin sends; the Flutter SDK looks for it.
func (g *Gateway) validate(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.classification.Query); err != nil {
		return err
	}
	if err := g.countRequest(x, attempts.Validate); err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return err
	}
	access, err := g.verifyPresented(x, bearer)
	if err != nil {
		return err
	}
	if access == nil {
		return respond.Fail(respond.Forbidden)
	}
	writeMessage(x, "Token is valid.")
	return nil
}

// verifyPresented verifies the bearer, or without one the session cookie. It returns nil
// if there is neither.
func (g *Gateway) verifyPresented(x *exchange, bearer string) (*tokens.Access, error) {
	if bearer == "" {
		return g.verifyCookie(x)
	}
	return g.verify(x, bearer)
}

// writeMessage answers 200 as the JWT plugin does where there is nothing but
// a sentence to say.
func writeMessage(x *exchange, text string) {
	type data struct {
		Status int `json:"status"`
	}
	respond.JSON(x.w, x.r, http.StatusOK, struct {
		Message string `json:"message"`
		Data    data   `json:"data"`
	}{text, data{http.StatusOK}})
}

// account answers …/jwt/me, …/jwt/sessions and …/jwt/browser. WordPress is not asked.
func (g *Gateway) account(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.classification.Query); err != nil {
		return err
	}
	method := x.classification.Method
	id, sessions := g.routes.SessionRoute(x.classification)
	switch {
	case method == http.MethodOptions: // a guest may ask what there is
		return g.protected(x)
	case g.routes.JWTRoute(x.classification.Route) == wprequest.JWTBrowser:
		return g.makeBrowserLink(x)
	case !sessions && !wprequest.IsSafe(method):
		return respond.OnlyMethods(http.MethodGet, http.MethodHead, http.MethodOptions)
	case !sessions:
		return g.me(x)
	case id != "" && method != http.MethodDelete:
		return respond.OnlyMethods(http.MethodDelete, http.MethodOptions)
	case !wprequest.IsSafe(method) && method != http.MethodDelete:
		return respond.OnlyMethods(http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodOptions)
	}
	if err := g.countRequest(x, attempts.Validate); err != nil {
		return err
	}
	return g.manageSessions(x, id)
}

// me answers whose token the access token is. It needs no Redis.
func (g *Gateway) me(x *exchange) error {
	access, err := g.requireToken(x)
	if err != nil {
		return err
	}
	account.WriteMe(x.w, x.r, access, g.cfg.Now())
	return nil
}

// makeBrowserLink answers POST …/jwt/browser with a link that logs the customer's browser in.
func (g *Gateway) makeBrowserLink(x *exchange) error {
	if x.classification.Method != http.MethodPost {
		return respond.OnlyMethods(http.MethodPost, http.MethodOptions)
	}
	access, err := g.requireToken(x)
	if err != nil {
		return err
	}
	if err := g.countUse(x, access.Session); err != nil {
		return err
	}
	b, err := bounds.Read(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	to, err := x.input(b).Redirect()
	if err != nil {
		return err
	}
	return g.limitLinks(x, g.links.Write(x.w, x.r, access, to))
}

// limitLinks returns the 429 to a session that has too many open links, and every other result as it is.
func (g *Gateway) limitLinks(x *exchange, err error) error {
	var many *ticket.TooManyError
	if !errors.As(err, &many) {
		return err
	}
	wait := int(math.Ceil(many.Wait.Seconds()))
	f := g.limited(x, &attempts.Exceeded{Scope: attempts.BrowserLinks, State: attempts.State{Limit: ticket.MostOpen, Reset: g.cfg.Now().Add(many.Wait), RetryAfter: wait}})
	return f.WithMessage(fmt.Sprintf("Too many open links of this session. Please open one of them, or wait %d seconds.", wait))
}

// followBrowserLink answers a browser that follows such a link: WordPress sets its login cookie.
func (g *Gateway) followBrowserLink(x *exchange) error {
	if err := g.countUse(x, ""); err != nil {
		return err
	}
	from := browser.RequestingPage(browser.Request{Header: x.r.Header, Host: x.origin.Host, Scheme: x.origin.Proto, Site: g.cfg.SiteURL})
	a, err := g.links.Follow(x.w, x.r, x.classification.Query.Ticket(), from == browser.OtherSite)
	if a == nil {
		return err
	}
	x.record.user, x.record.session = a.UserID, a.Session
	target := g.routes.BrowserTarget()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err
	}
	browserlink.Rewrite(x.r)
	x.r.URL, x.target, x.classification.Query, x.classification.REST = u, target, wprequest.ParseParams(u.RawQuery), true
	return browserlink.Refused(g.forward(x, *a))
}

// requireToken verifies the bearer, or without one the session cookie. It is a 401 if there is
// neither.
func (g *Gateway) requireToken(x *exchange) (*tokens.Access, error) {
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return nil, err
	}
	access, err := g.verifyPresented(x, bearer)
	if err == nil && access == nil {
		return nil, respond.Fail(respond.Forbidden)
	}
	return access, err
}

// manageSessions lists sessions, ends the one of an id, or all but the current one.
func (g *Gateway) manageSessions(x *exchange, id string) error {
	of, by, err := g.sessionsOf(x, id)
	if err != nil {
		return err
	}
	var ended int
	switch {
	case x.classification.Method != http.MethodDelete:
		return of.Write(x.w, x.r)
	case id != "":
		ended, err = of.End(x.r.Context(), id)
		x.session.over = err == nil && x.session.used && id == of.Current // then the answer removes the cookie
	default:
		ended, err = of.EndOthers(x.r.Context())
	}
	if ended > 0 {
		g.logEvent(context.WithoutCancel(x.r.Context()), x, accesslog.SessionEnded, slog.LevelInfo, "sessions ended by their user or by staff",
			slog.Int64("account_user", of.UserID), slog.Int64("by", by), slog.Int("sessions", ended))
	}
	if err != nil {
		return err
	}
	account.WriteEnded(x.w, x.r, ended)
	return nil
}

// sessionsOf returns the sessions that a request is about, and the user who asks: those of
// the token's user, or those that a capability of the must-use plugin names.
func (g *Gateway) sessionsOf(x *exchange, id string) (account.Sessions, int64, error) {
	if _, sent := x.r.Header[capabilityHeader]; sent {
		return g.sessionsByCapability(x, id)
	}
	access, err := g.requireToken(x)
	if err != nil {
		return account.Sessions{}, 0, err
	}
	return account.Sessions{Authority: g.authority, UserID: access.UserID, Current: access.Session, Cause: tokens.CauseLogout}, access.UserID, nil
}

// capabilityHeader has the capability by which a page of WordPress acts: see PROTOCOL.md.
const capabilityHeader = "Cocart-Capability"

// sessionsByCapability does exactly what the capability is for: a page that may list the
// sessions of a customer must not be able to end them, nor those of others.
func (g *Gateway) sessionsByCapability(x *exchange, id string) (account.Sessions, int64, error) {
	values := x.r.Header[capabilityHeader]
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return account.Sessions{}, 0, err
	}
	if len(values) > 1 || bearer != "" {
		return account.Sessions{}, 0, wprequest.Ambiguous("a capability is beside another one, or beside a token")
	}
	may, err := g.wordpress.Capability(values[0])
	if err != nil {
		return account.Sessions{}, 0, respond.Fail(respond.BadCapability).Because(err)
	}
	act := upstream.ActList
	if x.classification.Method == http.MethodDelete {
		act = upstream.ActEnd
	}
	if may.Act != act || may.Target != id {
		return account.Sessions{}, 0, respond.Fail(respond.BadCapability).Because(errors.New("the capability is for something else"))
	}
	x.record.user = may.By
	of := account.Sessions{Authority: g.authority, UserID: may.UserID, Cause: tokens.CauseLogout}
	if may.By != may.UserID {
		of.Cause = tokens.CauseAdmin
	}
	return of, may.By, nil
}

// logout answers POST …/v1/logout and …/v2/logout. It ends the session of the
// access token, the only one a client sends, or of the session cookie, and then lets WordPress do its
// part; should that fail, the session has ended all the same.
func (g *Gateway) logout(x *exchange) error {
	err := g.endSession(x)
	if errors.Is(err, errLoggedOut) {
		writeMessage(x, "You have been logged out.")
		return nil
	}
	return err
}

func (g *Gateway) endSession(x *exchange) error {
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return err
	}
	if g.passesOtherBearer(x, bearer) {
		return g.protected(x)
	}
	access, err := g.verifyPresented(x, bearer)
	if err != nil {
		return err
	}
	if access == nil {
		return g.protected(x)
	}
	// Many an app hangs up as soon as it has said this; it counts, here and there.
	x.r = x.r.WithContext(context.WithoutCancel(x.r.Context()))
	if access.Session == "" {
		return g.endPluginTokens(x, access)
	}
	if err := g.authority.EndSession(x.r.Context(), access.Session, tokens.CauseLogout); err != nil {
		return err
	}
	x.session.over = x.session.used
	return g.forward(x, customer(access))
}

// errLoggedOut ends the forwarding of a logout under its alias.
var errLoggedOut = errors.New("the answer to the logout is replaced")

// withholdLogout keeps CoCart's "true" from a client that takes nothing but a JSON
// object: the Flutter SDK would fail on it, and keep its tokens.
func (x *exchange) withholdLogout(answer *upstream.Answer) error {
	if !x.classification.Alias || x.classification.Class != wprequest.ClassLogout || answer.Status != http.StatusOK {
		return nil
	}
	x.relayed = false
	if cookies := answer.Header["Set-Cookie"]; len(cookies) > 0 {
		x.w.Header()["Set-Cookie"] = cookies
	}
	return errLoggedOut
}
