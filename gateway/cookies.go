package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cocart-gateway/gateway/account"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/hosts"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// hasCookieLogin reports whether a request has WordPress's login cookie. Alone it shows nothing: browsers send it with
// every request to the shop, whichever page asks.
func hasCookieLogin(r *http.Request) bool {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, "wordpress_logged_in_") {
			return true
		}
	}
	return false
}

// loginCookieCounts reports whether the login cookie may count on a CoCart route; b is the body, if one was read.
//
// Another site can have a browser send the customer's cookie, beside any parameters, and so shop or log out as the customer
// (CSRF); CoCart before 4.9.7 asks for no nonce. It cannot add X-WP-Nonce, and it does not know what to write into
// _wpnonce. Whether a nonce is the right one the must-use plugin checks. Without a nonce the cookie reaches WordPress
// only from the shop's own scripts, and what it is worth there is WordPress's decision, as without the gateway.
func (g *Gateway) loginCookieCounts(x *exchange, b *wprequest.Body) bool {
	if x.r.Header.Get("X-Wp-Nonce") != "" {
		return true
	}
	disguised := wprequest.IsSafe(x.r.Method) && !wprequest.IsSafe(x.classification.Method)
	switch browser.RequestingPage(browser.Request{Header: x.r.Header, Host: x.origin.Host, Scheme: x.origin.Proto, Site: g.cfg.SiteURL, Disguised: disguised}) {
	case browser.OwnScript:
		return true
	case browser.OtherSite:
		return false
	}
	return x.input(b).HoldsNonce()
}

// forwardsLoginCookies reports whether the login cookies of a request by a go to WordPress. Where guests are turned away only a
// token, a password or an API key counts.
func (x *exchange) forwardsLoginCookies(a upstream.Assertion) bool {
	return a.Kind == upstream.Site || a.Kind == upstream.Browser || a.Kind == upstream.Credentials && x.cookies && !a.DenyGuests
}

// sessionCookie is what cookie mode knows of a request, and does for its answer.
type sessionCookie struct {
	presented browser.Presented
	deliver   bool   // new tokens go into the cookie: the client asked for it
	used      bool   // the request counts as that of the cookie's customer, if of any
	set       string // a Set-Cookie line for the answer
	over      bool   // the session ended
}

// readDelivery finds out whether a client asks for its tokens as a cookie. Where cookie mode is off it is refused: an app that
// reads no tokens would else get them into the hands of every script on its page.
//
// Attack: a page of another site logs the browser in as the attacker, and the victim's address and orders go to that account
// (login CSRF). Prevention: such a request is refused before the password is checked.
func (g *Gateway) readDelivery(x *exchange) error {
	if !x.classification.REST && x.classification.Protect == "" {
		return nil
	}
	wants, err := browser.WantsCookie(x.r.Header)
	switch {
	case err != nil:
		return respond.Fail(respond.BadRequest).WithMessage("Invalid CoCart-Session header: its only value is cookie.")
	case !wants:
		return nil
	case g.pages == nil:
		return respond.Fail(respond.BadRequest).WithMessage("Cookie mode is off in this shop (cookies.enabled).")
	}
	x.session.deliver = true
	return g.checkPage(x)
}

// checkPage refuses a request that a page had sent which may not use the session cookie.
func (g *Gateway) checkPage(x *exchange) error {
	err := g.pages.Check(x.r, x.origin.Host, !wprequest.IsSafe(x.classification.Method))
	if err != nil {
		return respond.Fail(respond.CrossSite).Because(err)
	}
	return nil
}

// hasSessionCookie reports whether a request has a session cookie that may count.
func (g *Gateway) hasSessionCookie(x *exchange) bool {
	switch x.record.class {
	case wprequest.ClassRefresh: // Authorization does not count there
		return g.pages != nil && x.session.presented.Found
	default:
		return x.record.class.IsCoCart() && g.cookieCounts(x, x.r.Header)
	}
}

// cookieCounts reports whether the session cookie may count beside the header h. What a client says itself takes precedence over
// what its browser adds: Authorization, and WordPress's login cookie with its nonce.
func (g *Gateway) cookieCounts(x *exchange, h http.Header) bool {
	said := strings.TrimSpace(h.Get("Authorization"))
	return g.pages != nil && x.session.presented.Found && (said == "" || strings.EqualFold(said, "Bearer")) && (h.Get("X-Wp-Nonce") == "" || !hasCookieLogin(x.r))
}

// asksForCookie reports whether the client wants the session cookie to count on a route of site.protect, or a browser asks whether
// its page may want that; h has the gathered Authorization. The shop's own pages use these routes, too, for visitors of the
// storefront, and would else become the customer of an app on the same host.
func (g *Gateway) asksForCookie(x *exchange, h http.Header) bool {
	if g.pages == nil {
		return false
	}
	if crossorigin.IsPreflight(x.r) {
		return g.cors != nil && crossorigin.AsksFor(x.r, browser.Header)
	}
	wants, err := browser.WantsCookie(h)
	return err == nil && wants && g.cookieCounts(x, h)
}

// useSessionCookie makes a request the one of its session cookie, or refuses it.
//
// Attack: a host below cookies.domain sets a cookie of this name with the attacker's session, for a longer path, and the browser
// sends it first (cookie tossing). Prevention: of two different cookies none counts, and both are removed as far as the browser
// lets us. Where cookies.domain is not set, browsers let no other host set the cookie at all.
func (g *Gateway) useSessionCookie(x *exchange) error {
	if err := g.checkPage(x); err != nil {
		return err
	}
	if err := wprequest.RefuseWrapping(x.classification.Query); err != nil { // a script tag of any page could read it
		return err
	}
	x.session.used = true
	if x.session.presented.Conflict {
		x.record.outcome = string(tokens.Malformed)
		return g.refusedToken(tokens.Malformed)
	}
	return nil
}

// verifyCookie verifies the access token of the session cookie, as verify does with a bearer, and returns nil if no such cookie
// counts. A token that is no longer valid is renewed by the refresh token beside it, within this request; tabs that do so at the
// same time get the same pair (tokens.refresh_grace). Only that needs Redis: while it is away, the answer is 503 and the cookie
// stays.
func (g *Gateway) verifyCookie(x *exchange) (*tokens.Access, error) {
	if !g.hasSessionCookie(x) {
		return nil, nil
	}
	if err := g.useSessionCookie(x); err != nil {
		return nil, err
	}
	access, err := g.authority.Verify(x.session.presented.Access)
	if err == nil {
		x.record.user, x.record.session = access.UserID, access.Session
		return access, nil
	}
	if errors.Is(err, tokens.Stale) {
		return nil, err
	}
	return g.renew(x)
}

// renew exchanges the refresh token of the session cookie. It counts as a refresh, also for limits.refresh.
func (g *Gateway) renew(x *exchange) (*tokens.Access, error) {
	pair, err := g.rotate(x, nil, x.session.presented.Refresh, g.refreshTicket(x))
	if err != nil {
		return nil, err
	}
	x.w.limit = nil // it is not the limit of this route
	return g.authority.Examine(pair.Access)
}

// storeInCookie keeps a token pair for the answer.
func (g *Gateway) storeInCookie(x *exchange, pair tokens.Pair) (err error) {
	x.session.set, err = g.cfg.Cookies.Set(browser.Tokens{Access: pair.Access, Refresh: pair.Refresh}, pair.RefreshExpiry.Sub(g.cfg.Now()))
	return err
}

// putTokens returns an answer of WordPress with the tokens of a session in it, or without any if they go into the session cookie,
// because the client asked for that or came by cookie itself. Each answer of WordPress that gives tokens to a client passes here:
// of a login, and of any route in whose answer WordPress begins a session (package grant). A pair without a refresh token is not
// new.
func (g *Gateway) putTokens(x *exchange, text []byte, pair tokens.Pair) ([]byte, error) {
	if !x.session.deliver && !x.session.used {
		return withTokens(g.issued(pair).AddTo(text, x.classification.Alias))
	}
	if pair.Refresh != "" {
		if err := g.storeInCookie(x, pair); err != nil {
			return nil, err
		}
	}
	return withTokens(account.RemoveTokens(text, x.classification.Alias))
}

func withTokens(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: %w", upstream.ErrBadReply, err)
	}
	return text, nil
}

// setSessionCookie sets the session cookie of an answer, or removes it with the session: after a logout, and with a refusal that
// a new login alone can help. A session goes on after Superseded, for which another tab has the newer cookie.
func (g *Gateway) setSessionCookie(x *exchange, h http.Header) {
	f := x.record.failure
	refused := x.session.used && f != nil && f.Code == respond.Authentication && !errors.Is(f, tokens.Superseded)
	switch {
	case refused && x.session.presented.Conflict:
		h["Set-Cookie"] = append(h["Set-Cookie"], g.cfg.Cookies.RemoveAll(hosts.Hostname(x.origin.Host))...)
	case refused, x.session.over:
		h.Add("Set-Cookie", g.cfg.Cookies.Remove())
	case x.session.set != "":
		h.Add("Set-Cookie", x.session.set)
	}
}
