package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/upstream"
)

// hasCookieLogin tells whether a request uses WordPress's own cookie
// authentication: the cookie with its nonce. A cookie without one is a leftover
// of the storefront.
func hasCookieLogin(r *http.Request) bool {
	if !hasNonce(r) {
		return false
	}
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, "wordpress_logged_in_") {
			return true
		}
	}
	return false
}

// hasNonce looks into the header only: a page of another origin cannot set that,
// but could add a _wpnonce to a link. Whether it is the right one WordPress knows.
func hasNonce(r *http.Request) bool { return r.Header.Get("X-Wp-Nonce") != "" }

// takesCookies tells whether a login cookie may count in a request by a. Beside a
// password it would be enough without its nonce: any page can have a browser send
// the cookie, and add half a password to the address. Where guests are turned away
// only a token, a password or an API key counts.
func takesCookies(r *http.Request, a upstream.Assertion) bool {
	return a.Kind == upstream.Site || a.Kind == upstream.Credentials && hasNonce(r) && !a.DenyGuests
}

// dropLoginCookies takes off the cookies by which WordPress knows who is logged in
// (wp_cookie_constants), in whatever spelling PHP would find them. A guest's cart
// may be in others, which stay.
func dropLoginCookies(h http.Header) {
	kept := h["Cookie"][:0:0]
	for _, line := range h["Cookie"] {
		if line = withoutLogins(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func withoutLogins(line string) string {
	if !strings.Contains(line, "wordpress") && !strings.Contains(line, "%") {
		return line
	}
	var kept []string
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if name, _ = phpName(phpURLDecode(strings.TrimLeft(name, " \t\v\f"))); !strings.HasPrefix(name, "wordpress_") {
			kept = append(kept, pair)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ";"))
}
