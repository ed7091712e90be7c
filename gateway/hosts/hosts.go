// Package hosts reads for which host a request is, refuses what is not for the shop, and finds the shop where there are
// several. It does no I/O.
//
//	hosts.go   the hosts of a shop, and the redirect of plain HTTP
//	router.go  several shops
package hosts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"cocart-gateway/gateway/respond"
)

// Names are the hosts of a shop.
type Names struct {
	// Site is the public address of the shop.
	Site *url.URL
	// Others are the names that clients may ask for besides that of Site, in lower case; *.example.com is any below
	// example.com. Empty means any name at all.
	Others []string
	// Elsewhere are the names of other shops, in the same form. The name that fits a host best decides whose it is, as in
	// [Router].
	Elsewhere []string
}

// CheckForm refuses what net/http's server takes by HTTP/2 and not by HTTP/1.1, the
// language of WordPress: a method that is no token, and a Host that its client
// would leave out or spell another way, so that WordPress saw another than we.
func CheckForm(r *http.Request) error {
	if httpguts.ValidHeaderFieldName(r.Method) && httpguts.ValidHostHeader(r.Host) { // a field name is a token, too
		return nil
	}
	return respond.Fail(respond.BadRequest).WithMessage("Invalid method or Host header.")
}

// Check refuses what is asked of another host than the shop's, where the
// operator lists them: WordPress and its plugins build links from Host, those in
// mails to reset a password too, and caches keep pages under it. X-Forwarded-Host
// counts where a trusted proxy sent it, for some shops make it their Host.
func (n Names) Check(r *http.Request, trusted bool) error {
	if len(n.Others) == 0 {
		return nil
	}
	asked := []string{r.Host}
	if trusted {
		asked = append(asked, strings.Split(strings.Join(r.Header["X-Forwarded-Host"], ","), ",")...)
	}
	for _, host := range asked {
		if host = Hostname(host); host != "" && !n.has(host) { // HTTP/1.0 may name none
			return respond.Fail(respond.UnknownHost)
		}
	}
	return nil
}

// has reports whether a host, in lower case, belongs to the shop.
func (n Names) has(host string) bool {
	own := max(fit(host, strings.ToLower(n.Site.Hostname())), fit(host, n.Others...))
	return own > 0 && own > fit(host, n.Elsewhere...)
}

// fit returns how long the part of a host is that the best of the names has in common with it: all of it, what follows the *
// of a wildcard, or 0 if no name fits.
func fit(host string, names ...string) (longest int) {
	for _, name := range names {
		suffix, below := strings.CutPrefix(name, "*")
		if host == name || below && len(host) > len(suffix) && strings.HasSuffix(host, suffix) {
			longest = max(longest, len(suffix))
		}
	}
	return longest
}

// Hostname returns a Host without its port, in lower case. What is no port stays part of
// it: in a link, shop.example:x@evil.example is a password and another host.
func Hostname(host string) string {
	u := url.URL{Host: strings.ToLower(strings.TrimSpace(host))}
	return u.Hostname()
}

// CheckTarget refuses a request target that WordPress would receive otherwise than it was sent.
//
// RFC 9112 section 3.2 and RFC 9113 section 8.3.1 allow a path that begins with /, * for OPTIONS (which net/http answers)
// and, by HTTP/1 only, an absolute address. Attack: by HTTP/2 a :path may hold a space or be no path at all (net/url
// parses foo:bar and http://elsewhere/), and the gateway does not check what the origin makes of the request line that
// is written from it. An absolute address is read as RFC 9112 section 3.2.2 says: its host counts, net/http ignores the Host
// header, and WordPress receives path and query. One with another host than the shop's asks for a forward proxy.
func (n Names) CheckTarget(r *http.Request) error {
	target := r.RequestURI
	switch {
	case target == "", r.Method == http.MethodConnect: // made by a test; refused later
		return nil
	case strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return badTarget()
	case strings.HasPrefix(target, "/"):
		return nil
	case r.ProtoMajor != 1 || r.URL.Opaque != "" || r.URL.User != nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https":
		return badTarget()
	case !strings.HasPrefix(r.URL.RequestURI(), "/") || !n.has(Hostname(r.URL.Host)):
		return badTarget()
	}
	return nil
}

func badTarget() *respond.Failure {
	return respond.Fail(respond.BadRequest).WithMessage("Invalid request target.")
}

// NewRedirect redirects requests by plain HTTP to the same page of the site that they name, by https. The method stays what
// it was (308, RFC 9110 section 15.4.9), so that a POST does not arrive as a GET. What was sent in plain has been sent: a
// password is readable on the way once, whatever is answered. Other hosts than those of the sites get no redirect: one that
// goes where the request says would serve phishers.
func NewRedirect(sites ...*url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.RequestURI()
		named := slices.IndexFunc(sites, func(site *url.URL) bool { return sameHost(r.Host, site.Hostname()) })
		// A target without a slash (x:.example.net) would become part of the host.
		if named < 0 || !strings.HasPrefix(target, "/") {
			respond.Error(w, r, respond.Fail(respond.UnknownHost))
			return
		}
		w.Header().Set("Location", "https://"+sites[named].Host+target)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

// sameHost compares as DNS does, whatever the port.
func sameHost(sent, site string) bool {
	return strings.EqualFold(strings.TrimSuffix(Hostname(sent), "."), site)
}
