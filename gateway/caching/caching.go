// Package caching has what concerns caches in the headers of answers: that they keep none, on which request headers one
// depends, and whether one came out of a cache in front of PHP. Which answers may be kept is decided by package gateway.
package caching

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens/untrusted"
)

// Forbid makes sure that no cache keeps an answer with this header (RFC 9111 section 3.5), not even one that is configured
// to obey other headers: hosts have cached POST answers, and with them one customer's cart for the next.
func Forbid(h http.Header) {
	for name := range h {
		if cacheHeader(name) {
			delete(h, name)
		}
	}
	h["Cache-Control"] = privateNoStore
	h["Cdn-Cache-Control"] = noStore         // RFC 9213
	h["Surrogate-Control"] = noStore         // Fastly, Varnish
	h["X-Litespeed-Cache-Control"] = noCache // LiteSpeed and QUIC.cloud
}

// The values that all answers share; appending to one copies it.
var (
	privateNoStore = []string{"private, no-store"}
	noStore        = []string{"no-store"}
	noCache        = []string{"no-cache"}
)

// cacheHeader reports whether a header makes some cache keep an answer, or says that
// one did. X-LiteSpeed-Purge stays: it is about other answers.
func cacheHeader(name string) bool {
	switch name {
	case "Age", "Expires", "Surrogate-Control", "X-Accel-Expires", "Edge-Control":
		return true
	case "X-Litespeed-Purge", "X-Litespeed-Purge2":
		return false
	}
	return strings.HasPrefix(name, "X-Litespeed-") || strings.HasSuffix(name, "Cdn-Cache-Control")
}

// Vary is the Vary of answers on our routes: all of them depend on these headers.
type Vary struct {
	own  []string // one line
	last atomic.Pointer[merged]
}

// merged is what became of a line of WordPress. It is kept, because a shop sends the same one with each answer.
type merged struct {
	theirs string
	lines  []string
}

// NewVary returns the Vary of answers that depend on these request headers.
func NewVary(names ...string) *Vary {
	return &Vary{own: MergeLines(names)}
}

// With returns the header of an answer that had these lines. The result is shared and must not be changed.
func (v *Vary) With(theirs []string) []string {
	if len(theirs) == 0 {
		return v.own
	}
	m := v.last.Load()
	if m != nil && len(theirs) == 1 && theirs[0] == m.theirs {
		return m.lines
	}
	m = &merged{theirs[0], MergeLines(slices.Concat(theirs, v.own))}
	if len(theirs) == 1 {
		v.last.Store(m)
	}
	return m.lines
}

// MergeLines makes one line of several lines of Vary, with no name twice (WordPress with CoCart's
// CORS filter sends Origin two times).
func MergeLines(lines []string) []string {
	var names []string
	for name := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name = strings.TrimSpace(name)
		known := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if name != "" && !known {
			names = append(names, name)
		}
	}
	return []string{strings.Join(names, ", ")}
}

// Metrics notices caches between the gateway and PHP, which hand one
// customer's answer to another, and which no header of ours can reach.
type Metrics struct {
	answers  prometheus.Counter
	warnings untrusted.Throttle
}

// NewMetrics registers the metrics with reg.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	w := &Metrics{answers: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cocart_gateway_cached_upstream_total",
		Help: "Answers on CoCart routes, products aside, that came out of a cache in front of PHP, by Age and the headers of common caches. Should be zero.",
	})}
	if err := reg.Register(w.answers); err != nil {
		return nil, errors.Join(errors.New("gateway: registering metrics"), err)
	}
	return w, nil
}

// Found counts an answer that came out of a cache, and reports whether the log should say so: at most once a minute.
func (m *Metrics) Found(now time.Time) (log bool) {
	m.answers.Inc()
	return m.warnings.Allow(now)
}
