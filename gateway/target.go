package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/gateway/respond"
)

// goodTarget refuses a request target that WordPress would receive otherwise than it was sent.
//
// RFC 9112 section 3.2 and RFC 9113 section 8.3.1 allow a path that begins with /, * for OPTIONS (which net/http answers)
// and, by HTTP/1 only, an absolute address. Attack: by HTTP/2 a :path may hold a space or be no path at all (net/url
// parses foo:bar and http://elsewhere/), and what the origin makes of the request line that is written from it nobody
// here has judged. An absolute address is read as RFC 9112 section 3.2.2 says: its host counts, net/http ignores the Host
// header, and WordPress receives path and query. One with another host than the shop's asks for a forward proxy.
func (g *Gateway) goodTarget(r *http.Request) error {
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
	case !strings.HasPrefix(r.URL.RequestURI(), "/") || !g.listsHost(bareHost(r.URL.Host)):
		return badTarget()
	}
	return nil
}

func badTarget() *Failure {
	return respond.Fail(respond.BadRequest).WithMessage("Invalid request target.")
}
