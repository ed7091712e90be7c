package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"cocart-gateway/gateway/respond"
)

// legible refuses what net/http's server takes by HTTP/2 and not by HTTP/1.1, the
// language of WordPress: a method that is no token, and a Host that its client
// would leave out or spell another way, so that WordPress saw another than we.
func legible(r *http.Request) error {
	if httpguts.ValidHeaderFieldName(r.Method) && httpguts.ValidHostHeader(r.Host) { // a field name is a token, too
		return nil
	}
	return respond.Fail(respond.BadRequest).WithMessage("Invalid method or Host header.")
}

// knownHost refuses what is asked of another host than the shop's, where the
// operator lists them: WordPress and its plugins build links from Host, those in
// mails to reset a password too, and caches keep pages under it. X-Forwarded-Host
// counts where a trusted proxy sent it, for some shops make it their Host.
func (g *Gateway) knownHost(x *exchange) error {
	if len(g.cfg.Hosts) == 0 {
		return nil
	}
	asked := []string{x.r.Host}
	if x.origin.Trusted {
		asked = append(asked, strings.Split(strings.Join(x.r.Header["X-Forwarded-Host"], ","), ",")...)
	}
	for _, host := range asked {
		if host = bareHost(host); host != "" && !g.listsHost(host) { // HTTP/1.0 may name none
			return respond.Fail(respond.UnknownHost)
		}
	}
	return nil
}

func (g *Gateway) listsHost(host string) bool {
	if strings.EqualFold(host, g.cfg.SiteURL.Hostname()) {
		return true
	}
	for _, known := range g.cfg.Hosts {
		if suffix, any := strings.CutPrefix(known, "*"); any && strings.HasSuffix(host, suffix) && len(host) > len(suffix) || host == known {
			return true
		}
	}
	return false
}

// bareHost is a Host without its port, in lower case. What is no port stays part of
// it: shop.example:x@evil.example is a password and another host to who builds a
// link of it.
func bareHost(host string) string {
	u := url.URL{Host: strings.ToLower(strings.TrimSpace(host))}
	return u.Hostname()
}
