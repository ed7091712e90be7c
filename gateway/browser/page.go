package browser

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Page is which page had a browser send a request.
type Page int

// The pages.
const (
	UnknownPage Page = iota // also no browser, an address that was typed, and links and forms of the shop's pages
	OwnScript               // a script of a page of the shop
	OtherSite
)

// Request is what of a request says which page had it sent.
type Request struct {
	Header http.Header
	Host   string // that was asked for
	Scheme string // by which it was asked for, as far as is known
	Site   *url.URL
	// Disguised reports a method that only reads, which WordPress takes for one that acts: ?_method=POST in a link.
	Disguised bool
}

// RequestingPage reads what browsers add and no page can forge: Fetch Metadata (W3C), Origin (RFC 6454 section 7) and, of older
// browsers and over plain http, Referer. The must-use plugin reads the same in asking_page().
//
// Links, images and forms of the shop's own pages are not enough: customers write some of them, in reviews and comments.
func RequestingPage(r Request) Page {
	fetchSite, origin, referer := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin"), r.Header.Get("Referer")
	switch {
	case fetchSite != "" && fetchSite != "same-origin" && fetchSite != "none", origin != "" && !r.isOwn(origin):
		return OtherSite
	case fetchSite == "same-origin" && slices.Contains([]string{"", "cors", "same-origin"}, r.Header.Get("Sec-Fetch-Mode")) && slices.Contains([]string{"", "empty"}, r.Header.Get("Sec-Fetch-Dest")):
		return OwnScript
	case fetchSite != "":
		return UnknownPage
	case origin != "":
		return OwnScript
	case referer == "":
		return UnknownPage
	case !r.isOwn(referer):
		return OtherSite
	case r.Disguised:
		return UnknownPage
	}
	return OwnScript
}

// isOwn reports whether an address has the origin of the request, or of the site where only the scheme differs because
// nothing says how the client came.
func (r Request) isOwn(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	host := withoutDefaultPort(u.Scheme, u.Host)
	if host != withoutDefaultPort(u.Scheme, r.Host) {
		return false
	}
	return u.Scheme == r.Scheme || u.Scheme == r.Site.Scheme && host == withoutDefaultPort(r.Site.Scheme, r.Site.Host)
}

func withoutDefaultPort(scheme, host string) string {
	port := map[string]string{"http": ":80", "https": ":443"}[scheme]
	return strings.TrimSuffix(strings.ToLower(host), port)
}
