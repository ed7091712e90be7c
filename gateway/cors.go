package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/untrusted"
	"cocart-gateway/upstream"
)

// answerPreflight answers a preflight for a CoCart route, and reports whether the
// request was one. WordPress is asked only about headers that are not listed here,
// since the shop's filter rest_allowed_cors_headers may allow them: for every
// other preflight PHP would load a cart and say the same.
func (g *Gateway) answerPreflight(x *exchange) (bool, error) {
	switch {
	case g.cors == nil || !x.record.class.IsCoCart() || !crossorigin.IsPreflight(x.r):
		return false, nil
	case g.cors.AsksForMore(x.r) && x.record.class == wprequest.ClassProtected:
		return true, g.site(x)
	case g.cors.AsksForMore(x.r) && x.classification.Method == http.MethodOptions && !g.cfg.DenyGuests:
		return true, x.orBody(g.forward(x, upstream.Assertion{Kind: upstream.Guest}))
	}
	x.w.WriteHeader(http.StatusNoContent) // setResponseHeaders adds the headers
	return true, nil
}

// setsCORS reports whether an answer gets the CORS headers of the gateway: on our routes, and the gateway's own failures elsewhere.
// On routes of site.protect WooCommerce and others have headers of their own, which let any page read, and no page that sends
// cookies: where the session cookie counts, or a preflight asks for that, ours replace them.
func (g *Gateway) setsCORS(x *exchange) bool {
	if x.record.class == wprequest.ClassProtected && x.record.failure == nil {
		return x.session.used || crossorigin.IsPreflight(x.r)
	}
	return x.record.class.IsCoCart() || x.record.failure != nil
}

// setCORSHeaders lets pages of other origins read an answer: every one on our routes, and
// the gateway's own failures elsewhere.
func (g *Gateway) setCORSHeaders(x *exchange, h http.Header) {
	switch {
	case g.cors != nil:
		if g.cors.SetHeaders(h, x.r) {
			g.reportPreflight(x)
		}
	case !x.relayed || x.record.failure != nil:
		crossorigin.ShareOwn(h, x.r)
	}
}

// reportPreflight logs a refused preflight, at most once a minute: the
// browser shows little of the reason to the developer of the app, and the operator
// does not see it at all.
func (g *Gateway) reportPreflight(x *exchange) {
	why, ok := g.cors.Refusal(x.r, g.cfg.Now())
	if !ok {
		return
	}
	g.logEvent(context.Background(), x, accesslog.PreflightRefused, slog.LevelInfo,
		"preflight refused; cors.origins and cors.allow_headers say what pages of other origins may do",
		slog.String("reason", why.Reason), slog.String("origin", untrusted.Shorten(x.r.Header.Get("Origin"), accesslog.MaxHost)),
		slog.String("headers", untrusted.Shorten(strings.Join(why.Headers, ","), accesslog.MaxHost)))
}
