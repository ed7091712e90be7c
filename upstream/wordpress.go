// Package upstream connects the gateway to WordPress. It forwards requests, asks
// WordPress to check passwords, and states in a signed assertion who a request is
// for.
//
// It knows nothing of client tokens or of Redis. Package gateway decides who a
// request is for and passes an [Assertion]; the must-use plugin in
// deploy/wordpress is the other end of the wire, and PROTOCOL.md beside it is
// the wire format.
//
//   - config.go: where WordPress is, and timeouts
//   - forward.go: the reverse proxy, its errors and what happens to an answer
//   - login.go: the one call whose answer the gateway reads itself
//   - status.go, probe.go: what cocart-gateway doctor asks; users.go: whose a login name or an e-mail address is
//   - assertion.go, reply.go: what is signed in each direction; sign.go: how an assertion is written
//   - clocks.go: what the clocks of the nodes say, which assertions are stamped by; package clock: what follows from that
//   - session.go, body.go: sessions that WordPress begins in an answer, and that answer's body
//   - package pool: the nodes, who waits for a place, one round trip
//   - headers.go: which headers may cross, in the spelling PHP reads them
//   - origin_headers.go: what the web server of WordPress asks for, such as a password
package upstream

import (
	"fmt"
	"log/slog"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/upstream/pool"
)

// WordPress is one site behind the gateway, on one node or several. It is safe for
// concurrent use.
type WordPress struct {
	keys      atomic.Pointer[signingKeys] // the first signs
	host      string                      // of the site, for requests that name none
	fixedHost string                      // what every request is sent under; empty: its own
	scheme    string                      // of the site's public address
	audience  string
	pingPath  string
	headers   originHeaders // that the web server of WordPress asks for
	pool      *pool.Pool
	loginTime time.Duration // for the whole answer to a login
	proxy     *httputil.ReverseProxy
	metrics   *metrics
	now       func() time.Time
	steady    func() time.Time // runs on while the clock is set
	clocks    map[*pool.Node]*nodeClock
	asking    sync.WaitGroup // questions of FollowClocks that are not answered yet
	log       *slog.Logger
}

// New prepares a WordPress; it sends nothing.
func New(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*WordPress, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	keys, err := newSigningKeys(cfg.Secrets)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("upstream: registering metrics: %w", err)
	}
	w := &WordPress{
		host:      cfg.SiteURL.Host,
		fixedHost: cfg.Host,
		scheme:    cfg.SiteURL.Scheme,
		audience:  audience(cfg.SiteURL),
		pingPath:  strings.TrimRight(cfg.SiteURL.EscapedPath(), "/") + "/",
		loginTime: cfg.timeouts()[pool.LoginCall],
		headers:   newOriginHeaders(cfg.Headers),
		metrics:   m,
		now:       cfg.Now,
		log:       log,
	}
	w.keys.Store(&keys)
	if w.now == nil {
		w.now = time.Now
	}
	if w.pool, err = pool.New(cfg.pool(w.now), reg, log); err != nil {
		return nil, fmt.Errorf("upstream: registering metrics: %w", err)
	}
	w.steady = cfg.Steady
	if w.steady == nil {
		w.steady = w.now
	}
	w.clocks = w.newClocks(cfg.Steady)
	w.proxy = &httputil.ReverseProxy{
		Rewrite:        w.rewrite,
		Transport:      forwarder{w},
		BufferPool:     newBufferPool(),
		ModifyResponse: w.inspect,
		ErrorHandler:   keepError,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return w, nil
}

// audience names a site in assertions: its address without scheme, as the
// plugin writes its own home URL. The scheme is left out because many shops
// behind a TLS terminator still have http in their home option.
func audience(site *url.URL) string {
	return strings.TrimRight(strings.ToLower(site.Host)+site.EscapedPath(), "/")
}

// At reports whether a node was connected to at this address.
func (w *WordPress) At(a netip.Addr) bool {
	return w.pool.At(a)
}

// Close drops the idle connections. Requests in flight finish.
func (w *WordPress) Close() { w.pool.CloseIdle() }
