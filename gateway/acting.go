package gateway

import (
	"net/netip"
	"path"
	"slices"
	"strings"
)

// acts reports whether a request is sent for what it does and not for its answer: its sender may hang up at once, as
// wp_remote_post does with 'blocking' => false. A GET acts where WordPress does its work for whoever asks: wp-cron.php,
// admin-ajax.php, admin-post.php, and the callbacks of payment services (WC_API::handle_api_requests, wc-api).
func (x *exchange) acts() bool {
	if !reads(x.r.Method) || x.verdict.method != "" && !reads(x.verdict.method) {
		return true
	}
	file, query, _ := strings.Cut(x.target, "?")
	if slices.Contains([]string{"wp-cron.php", "admin-ajax.php", "admin-post.php"}, phpLower(path.Base(file))) {
		return true
	}
	_, callback := parseParams(query).last("wc-api")
	return callback || strings.Contains(phpLower(file), "/wc-api/")
}

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
	if (x.verdict.class.ours() || !x.acts()) && !strings.HasPrefix(x.r.UserAgent(), "WordPress/") {
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
