// Package admin serves the private listener: metrics, probes and the administration API. It does not know the public
// pipeline.
//
//	admin.go          the routes
//	access.go         the Host header, the administration token, and the limit of wrong ones
//	probes.go         /healthz, /servez, /readyz
//	metrics.go        /metrics
//	api.go            the routes of the API, their parameters and errors
//	sessions.go, tokens.go  sessions and tokens; users.go: users by login name or e-mail address
//	listing/          the list of sessions: filters, order, pages
//	lockouts.go       lockouts
//	oauth.go          revocation and introspection (RFC 7009, RFC 7662)
//	configuration.go  the configuration and its reload
//	status.go         the state of the process, its history and the doctor
//	shops.go          the private listener of several shops
//	console/          the page for operators
//	history/          samples of the metrics of the last half hour
//	body.go           bodies of the API's requests
package admin

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/admin/console"
	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// Config says what the private listener offers besides metrics and probes.
type Config struct {
	// Token protects the administration API. An empty one switches the API off.
	Token string
	// OAuth adds the endpoints of RFC 7009 and RFC 7662. They need Token.
	OAuth bool
	// Hosts are the names of the listener besides addresses, loopback names and names of one label. *.example.com is any
	// name below example.com.
	Hosts []string
	// DryRun makes /readyz say that the gateway enforces nothing.
	DryRun bool
	// Exemplars offers the format OpenMetrics, in which the histogram of latencies has ids of traces. It also writes numbers in
	// labels in another way (le="1.0").
	Exemplars bool
	// Started reports whether the gateway is ready for requests; /servez fails before. It is called from several
	// goroutines. Nil means yes.
	Started func() bool
	// Lockouts adds the routes that list and clear lockouts. They need Token. Nil leaves them out.
	Lockouts Lockouts
	// Configuration adds the routes that show and reload the configuration. They need Token.
	Configuration Configuration
	// Program describes the process in GET /status.
	Program Program
	// History adds GET /history, which needs Token. Nil leaves it out.
	History *history.History
	// Doctor adds POST /doctor, which needs Token. It returns the report of the doctor, to be written as JSON, and may take
	// a minute. Nil leaves it out.
	Doctor func(context.Context) any
	// Shops are the names of all shops of the process, for GET /shops; none if there is a single one.
	Shops []string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log records each change through the API, with the address of the client. Nil discards them.
	Log *slog.Logger
}

// Handler serves the private listener:
//
//	GET /metrics  metrics for Prometheus
//	GET /healthz  200 while the process runs
//	GET /servez   200 while load balancers should send requests; 503 before the gateway has read the revocations, after
//	              Drain, and while its clock is too far from WordPress's
//	GET /readyz   200 if Redis and WordPress answer, otherwise 503 and which of them does not; 503 after Drain
//
// With a token in its configuration it also serves the administration API, see api.go, and at / the console, which calls it.
// Customers must not reach it.
type Handler struct {
	mux       *http.ServeMux
	patterns  []string       // of the probes and of the API, as the mux has them
	metrics   *http.ServeMux // /metrics alone
	authority *tokens.Authority
	wordpress *upstream.WordPress

	gatherer  prometheus.Gatherer
	exemplars bool
	protected func(apiHandler) http.Handler // nil: there is no API
	shops     []string
	program   Program
	examining sync.Mutex // held while the doctor runs

	hosts   []string
	wrong   wrongTokens
	missing wrongTokens // requests without a token, which are limited in the log only
	dryRun  bool
	now     func() time.Time
	log     *slog.Logger

	started  func() bool // may be nil
	draining atomic.Bool

	mu     sync.Mutex // guards the fields below, and is held during a probe
	probed time.Time
	result Readiness
}

// New returns the handler of the private listener.
func New(cfg Config, authority *tokens.Authority, wordpress *upstream.WordPress, metrics prometheus.Gatherer) *Handler {
	h := &Handler{mux: http.NewServeMux(), gatherer: metrics, exemplars: cfg.Exemplars, shops: cfg.Shops, authority: authority, wordpress: wordpress, program: cfg.Program, hosts: cfg.Hosts, dryRun: cfg.DryRun, started: cfg.Started, now: cfg.Now, log: cfg.Log}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	served := serveMetrics(metrics, cfg.Exemplars, []Shop{{Handler: h}})
	h.handle("GET /metrics", served)
	h.metrics = http.NewServeMux()
	h.metrics.Handle("GET /metrics", served)
	h.handle("GET /healthz", http.HandlerFunc(serveAlive))
	h.handle("GET /servez", http.HandlerFunc(h.serveServing))
	h.handle("GET /readyz", http.HandlerFunc(h.serveReady))
	if cfg.Token == "" {
		h.mux.HandleFunc("GET /{$}", serveNoConsole)
		return h
	}
	h.addAPI(cfg)
	page := console.Handler()
	h.mux.Handle("GET /{$}", page)
	h.mux.Handle("GET "+console.Prefix, page)
	return h
}

// serveNoConsole tells an operator who opens the listener in a browser why there is no console.
func serveNoConsole(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "The console and the administration API are off, because admin.token is not set. "+
		"This listener has /metrics, /healthz, /servez and /readyz.", http.StatusNotFound)
}

// handle adds a route, which deploy/docs/openapi/admin.yaml describes.
func (h *Handler) handle(pattern string, handler http.Handler) {
	h.patterns = append(h.patterns, pattern)
	h.mux.Handle(pattern, handler)
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.refuseHost(w, r) {
		h.mux.ServeHTTP(w, r)
	}
}

func (h *Handler) refuseHost(w http.ResponseWriter, r *http.Request) (refused bool) {
	if knownHost(r, h.hosts) {
		return false
	}
	respond.Error(w, r, respond.Fail(respond.UnknownHost).
		WithMessage("The admin listener does not have this name. List it in admin.hosts, or use an address."))
	return true
}

// Drain makes /servez and /readyz fail, so that load balancers send requests elsewhere. Requests are still served. It does
// not wait for a probe under way, because WordPress may not answer.
func (h *Handler) Drain() { h.draining.Store(true) }
