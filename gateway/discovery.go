package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/jwtindex"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// isJWTIndex reports whether a request is for the index of that namespace. WordPress
// does not know the namespace without the plugin; apps look there to find out whether
// a shop has tokens.
func (x *exchange) isJWTIndex() bool {
	return wprequest.IsSafe(x.classification.Method) && x.classification.IsRoute("/"+wprequest.JWTNamespace)
}

// writeJWTIndex answers as that plugin does.
func (g *Gateway) writeJWTIndex(x *exchange) {
	respond.JSON(x.w, x.r, http.StatusOK, jwtindex.Describe(g.restURL))
}

// restURL is the public address of a REST route.
func (g *Gateway) restURL(route string) string {
	return strings.TrimRight(g.cfg.SiteURL.String(), "/") + g.routes.RESTPath(route)
}

// answerJWTOptions answers a plain OPTIONS for a route of that plugin as WordPress
// does (rest_handle_options_request); WordPress does not know these routes. A
// browser's preflight comes here only where WordPress answers them.
func (g *Gateway) answerJWTOptions(x *exchange, a upstream.Assertion) bool {
	if x.classification.Method != http.MethodOptions || crossorigin.IsPreflight(x.r) {
		return false
	}
	route := g.routes.JWTRoute(x.classification.Route)
	if route == "" {
		return false
	}
	description := jwtindex.DescribeRoute(route, g.restURL)
	// rest_send_allow_header names the methods that this client may use. To validate a
	// token, or to ask about it, takes one.
	needsToken := strings.HasSuffix(route, "/validate-token") || x.record.class == wprequest.ClassAccount
	if !needsToken || a.Kind == upstream.Customer {
		x.w.Header().Set("Allow", strings.Join(description.Methods, ", "))
	}
	respond.JSON(x.w, x.r, http.StatusOK, description)
	return true
}

// jwks serves the public keys (RFC 7517). It may be cached for five minutes: a
// new key is to be listed everywhere at least that long before it signs. A site
// whose keys are all secret has an empty set: a program that looks for keys here
// learns that there are none, at no cost to PHP.
func (g *Gateway) jwks(x *exchange) error {
	set := g.authority.JWKS()
	h := x.w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cache-Control", "public, max-age=300")
	respond.Bytes(x.w, x.r, http.StatusOK, set, "application/jwk-set+json")
	return nil
}
