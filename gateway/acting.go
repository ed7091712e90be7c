package gateway

import (
	"net/netip"
	"slices"
	"strings"
)

// viaProxy are headers of a request that came by way of a proxy.
var viaProxy = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via", "True-Client-Ip", "Cf-Connecting-Ip"}

// own reports whether the shop sent a request to itself: from an address of its own, and either to act outside of CoCart's
// routes, where a server that renders pages for customers may be on the same machine, or with the User-Agent of WordPress
// (WP_Http::request). It decides nothing but where the request waits.
//
// Attack: where a proxy on this machine is not listed in trusted_proxies, every visitor comes from 127.0.0.1, and a flood
// of visitors would go before everything else. Prevention: a request that came by way of a proxy is not the shop's own
// unless a trusted one says whose it is.
func (g *Gateway) own(x *exchange) bool {
	if (x.verdict.Class.IsCoCart() || !x.verdict.Acts(x.wire())) && !strings.HasPrefix(x.r.UserAgent(), "WordPress/") {
		return false
	}
	if !x.origin.Trusted {
		for _, name := range viaProxy {
			if len(x.r.Header[name]) > 0 {
				return false
			}
		}
	}
	return x.origin.Client.IsValid() &&
		(slices.ContainsFunc(g.cfg.OwnAddresses, func(p netip.Prefix) bool { return p.Contains(x.origin.Client) }) ||
			g.wordpress.At(x.origin.Client))
}
