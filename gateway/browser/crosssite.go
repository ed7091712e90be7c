package browser

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Errors of Pages.Check.
var (
	// ErrOtherSite reports a request that a page had sent which may not use the session cookie.
	ErrOtherSite = errors.New("sent by a page of another site")
	// ErrDisguised reports a request that acts and looks like one that reads.
	ErrDisguised = errors.New("a GET that acts by way of a method override")
)

// Pages decides which pages may use the session cookie: those of the host that is asked, those of the shop's own address, and those
// of listed origins. It is safe for concurrent use.
type Pages struct {
	protection *http.CrossOriginProtection
	wildcards  []wildcard
}

// wildcard is an origin whose leftmost label may be anything.
type wildcard struct{ scheme, suffix string }

// NewPages makes a Pages. The origins are as a browser sends them, or have "*." for their leftmost labels. It returns an error for
// a text that is no origin.
func NewPages(site *url.URL, origins []string) (*Pages, error) {
	p := &Pages{protection: http.NewCrossOriginProtection()}
	own := site.Scheme + "://" + withoutDefaultPort(site.Scheme, site.Host)
	for _, origin := range append([]string{own}, origins...) {
		origin = strings.ToLower(origin)
		if scheme, suffix, found := strings.Cut(origin, "://*."); found {
			p.wildcards = append(p.wildcards, wildcard{scheme + "://", "." + suffix})
			continue
		}
		if err := p.protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Check returns nil if the page that had a browser send a request may use the session cookie, and for a client that is no browser,
// such as a server that renders pages and passes the cookie on: it says nothing about a page. Else it returns ErrOtherSite or
// ErrDisguised. host is the one that the client asked for. acts reports whether WordPress will take the request for one that does
// something.
//
// Attacks: a browser adds the cookie to whatever any page asks, as far as SameSite allows, and SameSite does not know the pages of
// sibling hosts from the shop's. Such a page could shop and log out as the customer (CSRF), or log the browser in as another
// customer, the attacker, who then reads what the victim enters. http.CrossOriginProtection tells these requests by Sec-Fetch-Site
// and Origin. It lets reading pass, which here it must not: CoCart acts on a GET with ?_method=POST, an image on any page can ask
// for that, and what is read must not get into an attacker's page by a fault of a browser. So each request is checked as if it
// acted. An image or link that a customer wrote into a review comes from the shop's own page, hence a GET that acts is refused in
// any case.
func (p *Pages) Check(r *http.Request, host string, acts bool) error {
	if acts && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return ErrDisguised
	}
	if p.lists(r.Header["Origin"]) {
		return nil
	}
	if p.protection.Check(&http.Request{Method: http.MethodPost, Host: strings.ToLower(host), Header: r.Header}) != nil {
		return ErrOtherSite
	}
	return nil
}

// lists reports whether an origin is that of a wildcard. It compares as rs/cors does, which decides who may read.
func (p *Pages) lists(origins []string) bool {
	return len(origins) == 1 && slices.ContainsFunc(p.wildcards, func(w wildcard) bool {
		o := origins[0]
		return len(o) > len(w.scheme)+len(w.suffix) && strings.HasPrefix(o, w.scheme) && strings.HasSuffix(o, w.suffix)
	})
}
