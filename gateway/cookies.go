package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/wprequest"
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
	switch browser.RequestingPage(browser.Request{Header: x.r.Header, Host: x.r.Host, Scheme: x.origin.Proto, Site: g.cfg.SiteURL, Disguised: disguised}) {
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
	return a.Kind == upstream.Site || a.Kind == upstream.Credentials && x.cookies && !a.DenyGuests
}
