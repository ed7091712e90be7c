package gateway

import (
	"context"
	"log/slog"
	"net/http"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/caching"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// preventCaching makes sure that no cache keeps an answer on our routes.
// Products for guests are public and keep what CoCart says.
func (g *Gateway) preventCaching(x *exchange, h http.Header, status int) {
	if g.public(x, h, status) {
		return
	}
	caching.Forbid(h)
	if !x.guest && g.routes.IsProducts(x.classification.Route) { // see forgetValidators
		h.Del("Etag")
		h.Del("Last-Modified")
	}
}

// public reports whether an answer is the same for every client: products, read
// by a guest. One that names a cart or sets a cookie is that guest's own.
//
// A cache looks an answer up by method and target (RFC 9111 section 4). WordPress
// takes parameters from the body of a GET too (WP_REST_Server::serve_request,
// get_raw_data), so an answer that depends on a body would reach the next visitor
// without a body: an attacker fills the cache with an empty page of products.
// Errors are one client's doing as well, and are not kept either.
func (g *Gateway) public(x *exchange, h http.Header, status int) bool {
	if x.w.arriving != nil || status != http.StatusOK && status != http.StatusNotModified {
		return false
	}
	if !x.guest || x.granted || x.record.failure != nil || !wprequest.IsSafe(x.r.Method) || !wprequest.IsSafe(x.classification.Method) ||
		!g.routes.IsProducts(x.classification.Route) || len(h["Set-Cookie"]) > 0 {
		return false
	}
	for _, pair := range cartHeaderPairs {
		if len(h[pair[0]]) > 0 || len(h[pair[1]]) > 0 {
			return false
		}
	}
	return true
}

// dropValidators takes If-None-Match off a request for products that is not a
// guest's. CoCart's product ETags do not depend on the user and its clients
// remember them by URL, so a 304 would leave a customer with the guest's prices,
// or after logout a guest with the customer's: hence their answers carry none.
func (g *Gateway) dropValidators(x *exchange) {
	if !x.guest && x.record.class.IsCoCart() && g.routes.IsProducts(x.classification.Route) {
		x.r.Header.Del("If-None-Match")
		x.r.Header.Del("If-Modified-Since")
	}
}

func (g *Gateway) reportCached(x *exchange, h http.Header) {
	sign, _ := upstream.CachedBy(h)
	if sign == "" || g.routes.IsProducts(x.classification.Route) {
		return
	}
	if g.caches.Found(g.cfg.Now()) {
		g.logEvent(context.Background(), x, accesslog.Cached, slog.LevelWarn,
			"a cache in front of WordPress answered a CoCart request; exclude CoCart's routes from it", slog.String("header", sign))
	}
}
