package crossorigin

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/cors"
	"golang.org/x/net/http/httpguts"

	"cocart-gateway/gateway/caching"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/untrusted"
)

// Policy writes the CORS headers of answers on CoCart's routes. Several goroutines may use one.
type Policy struct {
	options  cors.Options
	cors     *cors.Cors
	extended atomic.Pointer[extendedPolicy]
	refusals untrusted.Throttle // of log lines about refused preflights
}

// extendedPolicy is a Policy that also has the headers which the shop's own
// code added. It is kept, because a shop adds the same ones to each answer.
type extendedPolicy struct {
	key  string
	cors *cors.Cors
}

// New returns the policy, or nil for a passthrough. The headers of authHeaders are allowed as Authorization is. The
// error says what is wrong with the settings.
func New(cfg Config, authHeaders []string) (*Policy, error) {
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
	p := &Policy{options: cors.Options{
		AllowedOrigins: cfg.Origins, AllowCredentials: cfg.Credentials,
		AllowedMethods: wprequest.Methods, MaxAge: seconds,
		AllowedHeaders: slices.Concat(allowedHeaders, authHeaders, cfg.AllowHeaders),
		ExposedHeaders: slices.Concat(exposedHeaders, cfg.ExposeHeaders),
	}}
	p.cors = cors.New(p.options)
	return p, nil
}

// with returns the policy that also allows and exposes these headers.
func (p *Policy) with(allow, expose []string) *cors.Cors {
	allow, expose = added(p.options.AllowedHeaders, allow), added(p.options.ExposedHeaders, expose)
	if len(allow) == 0 && len(expose) == 0 {
		return p.cors
	}
	key := strings.Join(allow, ",") + "\n" + strings.Join(expose, ",")
	if e := p.extended.Load(); e != nil && e.key == key {
		return e.cors
	}
	options := p.options
	options.AllowedHeaders = slices.Concat(options.AllowedHeaders, allow)
	options.ExposedHeaders = slices.Concat(options.ExposedHeaders, expose)
	e := &extendedPolicy{key, cors.New(options)}
	p.extended.Store(e)
	return e.cors
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

// IsPreflight reports whether a browser asks if it may send a request (Fetch
// standard section 3.3.7). Nothing but these two headers makes one.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// AsksFor reports whether a preflight asks for a header.
func AsksFor(preflight *http.Request, name string) bool {
	return slices.ContainsFunc(headerNames(preflight.Header["Access-Control-Request-Headers"]), func(asked string) bool { return strings.EqualFold(asked, name) })
}

// AsksForMore reports whether a preflight that is good otherwise is about headers
// which the policy does not list.
func (p *Policy) AsksForMore(preflight *http.Request) bool {
	return p.cors.OriginAllowed(preflight) && slices.Contains(wprequest.Methods, preflight.Header.Get("Access-Control-Request-Method")) &&
		len(added(p.options.AllowedHeaders, headerNames(preflight.Header["Access-Control-Request-Headers"]))) > 0
}

// SetHeaders lets pages of other origins read an answer to r, whose header is h, and reports whether r is a preflight that
// it refuses. What WordPress says is replaced, because two Access-Control-Allow-Origin make browsers refuse both; the
// headers that the shop allows and exposes (WP_REST_Server::serve_request, filters rest_allowed_cors_headers and
// rest_exposed_cors_headers) are added to ours.
func (p *Policy) SetHeaders(h http.Header, r *http.Request) (refused bool) {
	allowed, exposed := h["Access-Control-Allow-Headers"], h["Access-Control-Expose-Headers"]
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	preflight := IsPreflight(r)
	if !preflight && r.Header.Get("Origin") == "" { // an app, or a page of the shop
		varyByOrigin(h)
		return false
	}
	vary := h["Vary"]
	p.with(headerNames(allowed), headerNames(exposed)).HandlerFunc(headerOnly{h}, inOrder(r))
	if preflight {
		h["Vary"] = caching.MergeLines(h["Vary"])
		return len(h["Access-Control-Allow-Origin"]) == 0
	}
	h["Vary"] = vary // without what the library added
	varyByOrigin(h)
	return false
}

// Refusal says why a preflight was refused.
type Refusal struct {
	Reason  string   // origin, method or headers
	Headers []string // asked for, and not allowed
}

// Refusal returns why a preflight was refused, for the log: at most once a minute, else ok is false.
func (p *Policy) Refusal(preflight *http.Request, now time.Time) (why Refusal, ok bool) {
	asked := preflight.Header
	if asked.Get("Origin") == "" || !p.refusals.Allow(now) {
		return Refusal{}, false
	}
	why = Refusal{Reason: "headers", Headers: added(p.options.AllowedHeaders, headerNames(asked["Access-Control-Request-Headers"]))}
	switch {
	case !p.cors.OriginAllowed(preflight):
		why.Reason = "origin"
	case !slices.Contains(wprequest.Methods, asked.Get("Access-Control-Request-Method")):
		why.Reason = "method"
	}
	return why, true
}

// ShareOwn lets any origin read an answer of the gateway itself where WordPress sets the CORS headers: such an answer
// depends on no cookie.
func ShareOwn(h http.Header, r *http.Request) {
	varyByOrigin(h)
	if origin := r.Header.Get("Origin"); origin != "" && h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", strings.Join(exposedHeaders, ", "))
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
	if !IsPreflight(r) || len(r.Header[asked]) == 0 {
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

// headerOnly lets rs/cors set headers without sending them.
type headerOnly struct{ header http.Header }

func (w headerOnly) Header() http.Header       { return w.header }
func (headerOnly) Write(b []byte) (int, error) { return len(b), nil }
func (headerOnly) WriteHeader(int)             {}
