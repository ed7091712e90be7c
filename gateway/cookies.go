package gateway

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

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
func loginCookieCounts(x *exchange, site *url.URL, b *wprequest.Body) bool {
	if x.r.Header.Get("X-Wp-Nonce") != "" {
		return true
	}
	switch requestingPage(x, site) {
	case ownScript:
		return true
	case otherSite:
		return false
	}
	return x.input(b).HoldsNonce()
}

// forwardsLoginCookies reports whether the login cookies of a request by a go to WordPress. Where guests are turned away only a
// token, a password or an API key counts.
func (x *exchange) forwardsLoginCookies(a upstream.Assertion) bool {
	return a.Kind == upstream.Site || a.Kind == upstream.Credentials && x.cookies && !a.DenyGuests
}

// page is which page had a browser send a request.
type page int

const (
	unknownPage page = iota // also no browser, an address that was typed, and links and forms of the shop's pages
	ownScript               // a script of a page of the shop
	otherSite
)

// requestingPage reads what browsers add and no page can forge: Fetch Metadata (W3C), Origin (RFC 6454 section 7) and, of older
// browsers and over plain http, Referer. The must-use plugin reads the same in asking_page().
//
// Links, images and forms of the shop's own pages are not enough: customers write some of them, in reviews and comments.
func requestingPage(x *exchange, site *url.URL) page {
	h := x.r.Header
	fetchSite, origin, referer := h.Get("Sec-Fetch-Site"), h.Get("Origin"), h.Get("Referer")
	switch {
	case fetchSite != "" && fetchSite != "same-origin" && fetchSite != "none", origin != "" && !x.isOwn(origin, site):
		return otherSite
	case fetchSite == "same-origin" && slices.Contains([]string{"", "cors", "same-origin"}, h.Get("Sec-Fetch-Mode")) && slices.Contains([]string{"", "empty"}, h.Get("Sec-Fetch-Dest")):
		return ownScript
	case fetchSite != "":
		return unknownPage
	case origin != "":
		return ownScript
	case referer == "":
		return unknownPage
	case !x.isOwn(referer, site):
		return otherSite
	case wprequest.IsSafe(x.r.Method) && !wprequest.IsSafe(x.classification.Method): // ?_method=POST in a link
		return unknownPage
	}
	return ownScript
}

// isOwn reports whether an address has the origin of this request, or of site.url where only the scheme differs because
// nothing says how the client came.
func (x *exchange) isOwn(address string, site *url.URL) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	host := withoutDefaultPort(u.Scheme, u.Host)
	if host != withoutDefaultPort(u.Scheme, x.r.Host) {
		return false
	}
	return u.Scheme == x.origin.Proto || u.Scheme == site.Scheme && host == withoutDefaultPort(site.Scheme, site.Host)
}

func withoutDefaultPort(scheme, host string) string {
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.TrimSuffix(strings.ToLower(host), port)
}
