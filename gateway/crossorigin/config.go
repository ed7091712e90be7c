// Package crossorigin is the CORS policy of CoCart's routes: which pages of other origins may send what and read what
// (Fetch standard, section 3.3). It sets headers, and answers and logs nothing itself.
//
//	config.go   the settings, and the headers of CoCart's clients
//	policy.go   the headers of an answer; what preflights ask for
package crossorigin

import (
	"time"

	"cocart-gateway/gateway/browser"
)

// Config says which pages of other origins may read CoCart's answers.
type Config struct {
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
	// AllowHeaders are request headers that pages may send besides those that
	// CoCart's clients and common monitoring libraries send.
	AllowHeaders []string
	// ExposeHeaders are headers of answers that pages may read besides those that
	// CoCart's clients read.
	ExposeHeaders []string
}

// Trusted returns the origins whose pages may send cookies.
func (c Config) Trusted() []string {
	if c.Passthrough || !c.Credentials {
		return nil
	}
	return c.Origins
}

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
