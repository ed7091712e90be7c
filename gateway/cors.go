package gateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rs/cors"
)

// CORSConfig says which pages of other origins may read CoCart's answers.
type CORSConfig struct {
	// Passthrough leaves WordPress's own CORS headers as they are. The gateway's
	// own answers can then be read from any origin, without credentials.
	Passthrough bool
	// Origins are exact ones as a browser sends them, or have "*." for their
	// leftmost label; empty or "*" means any origin.
	Origins []string
	// Credentials lets pages send cookies. It needs listed Origins: any page a
	// customer visits could otherwise shop with the customer's cookies.
	Credentials bool
	// MaxAge is how long a browser may remember a preflight; zero means ten
	// minutes, negative not at all.
	MaxAge time.Duration
}

// coCartMethods are what CoCart's routes take.
var coCartMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// The headers that CoCart's clients send and read.
var (
	allowedHeaders = []string{
		"Accept", "Authorization", "Cart-Key", "CoCart-API-Cart-Key", "Content-Disposition", "Content-MD5",
		"Content-Type", "If-None-Match", "User-Agent", "X-Requested-With", "X-WP-Nonce",
	}
	exposedHeaders = []string{
		"Cart-Key", "Cart-Expiring", "Cart-Expiration",
		"CoCart-API-Cart-Key", "CoCart-API-Cart-Expiring", "CoCart-API-Cart-Expiration",
		"CoCart-Timestamp", "Timestamp", "CoCart-Cache", "ETag", "Link", "X-WP-Total", "X-WP-TotalPages",
		"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Retry-After",
		"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "WWW-Authenticate", "X-Request-Id",
	}
)

// newCORS returns nil for a passthrough.
func newCORS(cfg CORSConfig, authHeaders []string) (*cors.Cors, error) {
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
	return cors.New(cors.Options{
		AllowedOrigins: cfg.Origins, AllowCredentials: cfg.Credentials,
		AllowedMethods: coCartMethods, AllowedHeaders: slices.Concat(allowedHeaders, authHeaders), ExposedHeaders: exposedHeaders,
		MaxAge: seconds,
	}), nil
}

// isPreflight tells whether a browser asks if it may send a request (Fetch
// standard section 3.3.7). Nothing but these two headers makes one.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// answersPreflight answers one for a CoCart route by itself: PHP would wake up,
// load a cart and say the same.
func (g *Gateway) answersPreflight(x *exchange) bool {
	if g.cors == nil || !x.record.class.ours() || !isPreflight(x.r) {
		return false
	}
	x.w.WriteHeader(http.StatusNoContent) // setResponseHeaders adds the headers
	return true
}

// share lets pages of other origins read an answer: every one on our routes, and
// the gateway's own failures elsewhere. What WordPress says on our routes is
// replaced; two Access-Control-Allow-Origin make browsers refuse both.
func (g *Gateway) share(x *exchange, h http.Header) {
	if g.cors == nil {
		shareOwn(x, h)
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	g.cors.HandlerFunc(headerOnly{h}, x.r)
}

// shareOwn is for a passthrough: an answer of our own can be read by everybody,
// since it depends on no cookie.
func shareOwn(x *exchange, h http.Header) {
	if x.relayed && x.record.failure == nil {
		return
	}
	addVary(h, "Origin")
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
