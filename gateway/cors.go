package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/cors"
	"golang.org/x/net/http/httpguts"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/tokens/untrusted"
	"cocart-gateway/upstream"
)

// coCartMethods are the methods of CoCart's routes.
var coCartMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// The headers that CoCart's clients send and read. The second list of allowed ones
// is what monitoring libraries (W3C Trace Context, Sentry, New Relic, Datadog), browsers that reload
// without a cache, and WordPress's own JavaScript client add to any request.
var (
	allowedHeaders = []string{
		"Accept", "Authorization", "Cart-Key", "CoCart-API-Cart-Key", "CoCart-Capability", "Content-Disposition", "Content-MD5",
		"Content-Type", "If-None-Match", "User-Agent", "X-Requested-With", "X-WP-Nonce", browser.Header,
		"Baggage", "Cache-Control", "Idempotency-Key", "Pragma", "Sentry-Trace", "Traceparent", "Tracestate", "X-HTTP-Method-Override",
		"If-Modified-Since", "Newrelic", "X-Datadog-Origin", "X-Datadog-Parent-Id", "X-Datadog-Sampling-Priority", "X-Datadog-Trace-Id", "X-Request-Id",
	}
	exposedHeaders = []string{
		"Cart-Key", "Cart-Expiring", "Cart-Expiration",
		"CoCart-API-Cart-Key", "CoCart-API-Cart-Expiring", "CoCart-API-Cart-Expiration",
		"CoCart-Timestamp", "Timestamp", "CoCart-Cache", "ETag", "Link", "X-WP-Total", "X-WP-TotalPages",
		"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Retry-After",
		"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "WWW-Authenticate", "X-Request-Id",
	}
)

// corsPolicy writes the CORS headers of answers on CoCart's routes.
type corsPolicy struct {
	options cors.Options
	*cors.Cors
	extended atomic.Pointer[extendedPolicy]
	refusals untrusted.Throttle // of log lines about refused preflights
}

// extendedPolicy is a corsPolicy that also has the headers which the shop's own
// code added. It is kept, because a shop adds the same ones to each answer.
type extendedPolicy struct {
	key string
	*cors.Cors
}

// newCORS returns nil for a passthrough.
func newCORS(cfg CORSConfig, authHeaders []string) (*corsPolicy, error) {
	if cfg.Passthrough {
		return nil, nil
	}
	anyOrigin := len(cfg.Origins) == 0 || slices.Contains(cfg.Origins, "*")
	if cfg.Credentials && (anyOrigin || slices.Contains(cfg.Origins, "null")) { // "null" is any sandboxed frame
		return nil, errors.New("gateway: CORS with credentials needs a list of origins")
	}
	seconds := int(cfg.MaxAge / time.Second)
	switch {
	case cfg.MaxAge == 0:
		seconds = 600
	case seconds <= 0:
		seconds = -1 // rs/cors: send a zero
	}
	p := &corsPolicy{options: cors.Options{
		AllowedOrigins: cfg.Origins, AllowCredentials: cfg.Credentials,
		AllowedMethods: coCartMethods, MaxAge: seconds,
		AllowedHeaders: slices.Concat(allowedHeaders, authHeaders, cfg.AllowHeaders),
		ExposedHeaders: slices.Concat(exposedHeaders, cfg.ExposeHeaders),
	}}
	p.Cors = cors.New(p.options)
	return p, nil
}

// with returns the policy that also allows and exposes these headers.
func (p *corsPolicy) with(allow, expose []string) *cors.Cors {
	allow, expose = added(p.options.AllowedHeaders, allow), added(p.options.ExposedHeaders, expose)
	if len(allow) == 0 && len(expose) == 0 {
		return p.Cors
	}
	key := strings.Join(allow, ",") + "\n" + strings.Join(expose, ",")
	if e := p.extended.Load(); e != nil && e.key == key {
		return e.Cors
	}
	options := p.options
	options.AllowedHeaders = slices.Concat(options.AllowedHeaders, allow)
	options.ExposedHeaders = slices.Concat(options.ExposedHeaders, expose)
	e := &extendedPolicy{key, cors.New(options)}
	p.extended.Store(e)
	return e.Cors
}

// added returns the names of more that known lacks, whatever their case.
func added(known, more []string) []string {
	return slices.DeleteFunc(more, func(name string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	})
}

// headerNames are the names in a list of headers (RFC 9110 section 5.6.1). A name
// that no header can have is left out.
func headerNames(lines []string) []string {
	var names []string
	for name := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if name = strings.TrimSpace(name); httpguts.ValidHeaderFieldName(name) {
			names = append(names, name)
		}
	}
	return names
}

// isPreflight reports whether a browser asks if it may send a request (Fetch
// standard section 3.3.7). Nothing but these two headers makes one.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// answerPreflight answers a preflight for a CoCart route, and reports whether the
// request was one. WordPress is asked only about headers that are not listed here,
// since the shop's filter rest_allowed_cors_headers may allow them: for every
// other preflight PHP would load a cart and say the same.
func (g *Gateway) answerPreflight(x *exchange) (bool, error) {
	switch {
	case g.cors == nil || !x.record.class.IsCoCart() || !isPreflight(x.r):
		return false, nil
	case g.cors.asksForMore(x.r) && x.classification.Method == http.MethodOptions && !g.cfg.DenyGuests:
		return true, x.orBody(g.forward(x, upstream.Assertion{Kind: upstream.Guest}))
	}
	x.w.WriteHeader(http.StatusNoContent) // setResponseHeaders adds the headers
	return true, nil
}

// asksForMore reports whether a preflight that is good otherwise is about headers
// which the policy does not list.
func (p *corsPolicy) asksForMore(preflight *http.Request) bool {
	return p.OriginAllowed(preflight) && slices.Contains(coCartMethods, preflight.Header.Get("Access-Control-Request-Method")) &&
		len(added(p.options.AllowedHeaders, headerNames(preflight.Header["Access-Control-Request-Headers"]))) > 0
}

// setCORSHeaders lets pages of other origins read an answer: every one on our routes, and
// the gateway's own failures elsewhere. What WordPress says on our routes is
// replaced, because two Access-Control-Allow-Origin make browsers refuse both; the
// headers that the shop allows and exposes (WP_REST_Server::serve_request, filters
// rest_allowed_cors_headers and rest_exposed_cors_headers) are added to ours.
func (g *Gateway) setCORSHeaders(x *exchange, h http.Header) {
	if g.cors == nil {
		shareOwn(x, h)
		return
	}
	allowed, exposed := h["Access-Control-Allow-Headers"], h["Access-Control-Expose-Headers"]
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	preflight := isPreflight(x.r)
	if !preflight && x.r.Header.Get("Origin") == "" { // an app, or a page of the shop
		varyByOrigin(h)
		return
	}
	vary := h["Vary"]
	g.cors.with(headerNames(allowed), headerNames(exposed)).HandlerFunc(headerOnly{h}, inOrder(x.r))
	if preflight {
		h["Vary"] = mergeLines(h["Vary"])
	} else {
		h["Vary"] = vary // without what the library added
		varyByOrigin(h)
	}
	if preflight && len(h["Access-Control-Allow-Origin"]) == 0 {
		g.reportPreflight(x)
	}
}

// varyByOrigin says that an answer depends on Origin. On our routes Vary has it already.
func varyByOrigin(h http.Header) {
	if len(h["Vary"]) == 0 {
		h["Vary"] = originOnly
	}
}

var originOnly = []string{"Origin"}

// inOrder returns a preflight with the names of its headers as browsers write them (Fetch standard, CORS-unsafe request-header
// names): in lower case, sorted, each once. The library refuses others, but what asks may be a test or an embedded browser.
func inOrder(r *http.Request) *http.Request {
	const asked = "Access-Control-Request-Headers"
	if !isPreflight(r) || len(r.Header[asked]) == 0 {
		return r
	}
	names := headerNames(r.Header[asked])
	for i := range names {
		names[i] = strings.ToLower(names[i])
	}
	slices.Sort(names)
	out := *r
	out.Header = r.Header.Clone()
	out.Header.Set(asked, strings.Join(slices.Compact(names), ","))
	return &out
}

// reportPreflight logs a refused preflight, at most once a minute: the
// browser shows little of the reason to the developer of the app, and the operator
// does not see it at all.
func (g *Gateway) reportPreflight(x *exchange) {
	if x.r.Header.Get("Origin") == "" || !g.cors.refusals.Allow(g.cfg.Now()) {
		return
	}
	asked := x.r.Header
	reason := "headers"
	switch {
	case !g.cors.OriginAllowed(x.r):
		reason = "origin"
	case !slices.Contains(coCartMethods, asked.Get("Access-Control-Request-Method")):
		reason = "method"
	}
	g.logEvent(context.Background(), x, accesslog.PreflightRefused, slog.LevelInfo,
		"preflight refused; cors.origins and cors.allow_headers say what pages of other origins may do",
		slog.String("reason", reason), slog.String("origin", untrusted.Shorten(asked.Get("Origin"), accesslog.MaxHost)),
		slog.String("headers", untrusted.Shorten(strings.Join(added(g.cors.options.AllowedHeaders, headerNames(asked["Access-Control-Request-Headers"])), ","), accesslog.MaxHost)))
}

// shareOwn lets any origin read an answer of the gateway itself where WordPress sets the
// CORS headers: such an answer depends on no cookie.
func shareOwn(x *exchange, h http.Header) {
	if x.relayed && x.record.failure == nil {
		return
	}
	varyByOrigin(h)
	if origin := x.r.Header.Get("Origin"); origin != "" && h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", strings.Join(exposedHeaders, ", "))
	}
}

// headerOnly lets rs/cors set headers without sending them.
type headerOnly struct{ header http.Header }

func (w headerOnly) Header() http.Header       { return w.header }
func (headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (headerOnly) WriteHeader(int)             {}
