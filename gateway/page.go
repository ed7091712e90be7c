package gateway

import (
	"cocart-gateway/gateway/wprequest"
	"net/url"
	"slices"
	"strings"
)

// asking is which page had a browser send a request.
type asking int

const (
	unknownPage asking = iota // also no browser, an address that was typed, and links and forms of the shop's pages
	ownScript                 // a script of a page of the shop
	otherSite
)

// askingPage reads what browsers add and no page can forge: Fetch Metadata (W3C), Origin (RFC 6454 section 7) and, of older
// browsers and over plain http, Referer. The must-use plugin reads the same in asking_page().
//
// Links, images and forms of the shop's own pages are not enough: customers write some of them, in reviews and comments.
func askingPage(x *exchange, site *url.URL) asking {
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
	case wprequest.IsSafe(x.r.Method) && !wprequest.IsSafe(x.verdict.Method): // ?_method=POST in a link
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
