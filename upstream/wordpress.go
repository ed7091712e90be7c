// Package upstream is WordPress as the gateway sees it: forwarding a request,
// asking whether a password is right, and telling WordPress, in a way nobody
// else can forge, who a request is for.
//
// It knows nothing of client tokens or of Redis. Package gateway decides who a
// request is for and hands that in as an [Assertion]; the must-use plugin in
// deploy/wordpress is the other end of the wire, and PROTOCOL.md beside it is
// the wire format.
//
//   - forward.go: the reverse proxy, its errors and what happens to an answer
//   - login.go: the one call whose answer the gateway reads itself
//   - assertion.go, reply.go: what is signed in each direction
//   - headers.go: which headers may cross, in the spelling PHP reads them
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says where WordPress is and what it is called.
type Config struct {
	// URL is the origin requests are sent to: scheme, host and port only.
	URL *url.URL
	// SiteURL is the address WordPress believes it has (its home option). Scheme
	// aside, it is the audience of every assertion.
	SiteURL *url.URL
	// RestPrefix is the path of the REST API below SiteURL, "wp-json" by default.
	RestPrefix string
	// Secrets are shared with the must-use plugin. The first one signs, all of
	// them verify replies. Each is at least [MinSecret] bytes.
	Secrets []string
	// DialTimeout bounds connecting; zero means 2 s.
	DialTimeout time.Duration
	// ResponseTimeout bounds the wait for the header of an answer, not its body,
	// so that streams and downloads may last; zero means 60 s.
	ResponseTimeout time.Duration
	// IdleConnections is how many connections are kept open; zero means 512.
	// Two, which is net/http's default, costs 2.6 times the CPU at 64 clients.
	IdleConnections int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// WordPress is one site behind the gateway. It is safe for concurrent use.
type WordPress struct {
	origin    *url.URL
	keys      atomic.Pointer[signingKeys]
	host      string // of the site, for requests that name none
	audience  string
	pingPath  string
	transport *http.Transport
	proxy     *httputil.ReverseProxy
	metrics   *metrics
	now       func() time.Time
}

// New prepares a WordPress; it sends nothing.
func New(cfg Config, reg prometheus.Registerer, log *slog.Logger) (*WordPress, error) {
	if cfg.URL == nil || cfg.SiteURL == nil || cfg.URL.Host == "" || cfg.SiteURL.Host == "" {
		return nil, errors.New("upstream: URL and SiteURL are required")
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
		origin:    cfg.URL,
		host:      cfg.SiteURL.Host,
		audience:  audience(cfg.SiteURL),
		pingPath:  strings.TrimRight(cfg.SiteURL.EscapedPath(), "/") + "/",
		transport: newTransport(cfg),
		metrics:   m,
		now:       cfg.Now,
	}
	w.keys.Store(&keys)
	if w.now == nil {
		w.now = time.Now
	}
	w.proxy = &httputil.ReverseProxy{
		Rewrite:        w.rewrite,
		Transport:      w.transport,
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

func newTransport(cfg Config) *http.Transport {
	idle := orDefault(cfg.IdleConnections, 512)
	dialer := &net.Dialer{Timeout: orDefault(cfg.DialTimeout, 2*time.Second), KeepAlive: 30 * time.Second}
	return &http.Transport{
		// No Proxy: HTTP_PROXY in the environment must not reroute customers.
		DialContext:           dialer.DialContext,
		MaxIdleConns:          idle,
		MaxIdleConnsPerHost:   idle,
		IdleConnTimeout:       30 * time.Second, // below nginx's 75 s, so that we hang up first
		ResponseHeaderTimeout: orDefault(cfg.ResponseTimeout, 60*time.Second),
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // bodies pass as they are
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// PingResult is what a health check learnt.
type PingResult struct {
	// Plugin is the version of the must-use plugin, empty when it did not answer:
	// it is not installed, or it has another secret.
	Plugin string
}

// Ping asks WordPress for its REST index and reports whether PHP answered at
// all; a 5xx is an error. It costs WordPress one request, so callers keep the
// answer for some seconds.
func (w *WordPress) Ping(ctx context.Context) (PingResult, error) {
	target := w.pingPath + "?rest_route=/"
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, w.origin.Scheme+"://"+w.origin.Host+target, nil)
	if err != nil {
		return PingResult{}, fmt.Errorf("preparing a ping: %w", err)
	}
	req.Host = w.host
	req.Header.Set(assertionHeader, w.sign(Assertion{Kind: Site}, req.Method, req.Host, target))
	resp, err := w.roundTrip(req, "ping")
	if err != nil {
		return PingResult{}, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection is kept
	if resp.StatusCode >= 500 {
		return PingResult{}, fmt.Errorf("%w: ping answered %d", ErrBadReply, resp.StatusCode)
	}
	return PingResult{Plugin: resp.Header.Get(pluginHeader)}, nil
}

// Close drops the idle connections. Requests in flight finish.
func (w *WordPress) Close() { w.transport.CloseIdleConnections() }

// roundTrip sends one request of our own, measured under the given call name.
func (w *WordPress) roundTrip(req *http.Request, call string) (*http.Response, error) {
	start := time.Now()
	resp, err := w.transport.RoundTrip(req)
	if err != nil {
		err = classifyError(err)
		w.metrics.observe(call, outcome(0, err), start)
		return nil, err
	}
	w.metrics.observe(call, outcome(resp.StatusCode, nil), start)
	return resp, nil
}
