package admin

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// Probes are asked at most this often: a readiness probe is not to become load
// on WordPress, whoever sends how many of them.
const (
	probeLife    = 3 * time.Second
	unreadyLife  = 100 * time.Millisecond // what comes up is to be seen at once
	probeTimeout = 5 * time.Second
)

// Admin serves the private listener:
//
//	GET /metrics  for Prometheus
//	GET /healthz  200 while the process runs
//	GET /servez   200 while it should be sent requests; 503 before it has read the
//	              revocations, and after Drain (serving.go)
//	GET /readyz   200 once Redis and WordPress answer, else 503 and which of them
//	              does not; after Drain 503
//
// With a token in its configuration it also serves the administration API, see
// adminapi.go. It must not be reachable for customers.
type Handler struct {
	mux       *http.ServeMux
	authority *tokens.Authority
	wordpress *upstream.WordPress

	hosts  []string
	wrong  wrongTokens
	dryRun bool
	now    func() time.Time
	log    *slog.Logger

	started  func() bool // nil: from the beginning
	draining atomic.Bool

	mu     sync.Mutex // guards what follows, and lets one probe run at a time
	asked  time.Time
	answer Readiness
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready     bool   `json:"ready"`
	Redis     string `json:"redis"`     // "ok" or "unavailable"
	WordPress string `json:"wordpress"` // "ok" or "unavailable"
	// Plugin is the version of the must-use plugin, or "not seen": it is not
	// installed, or has another secret. Logins cannot work then.
	Plugin string `json:"plugin"`
	// DryRun: the gateway answers, but enforces nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Nodes are the servers of WordPress by name, "ok" or "unavailable", where there
	// are several. One that is ok is enough.
	Nodes map[string]string `json:"nodes,omitempty"`
}

// New makes the handler of the private listener.
func New(cfg Config, authority *tokens.Authority, wordpress *upstream.WordPress, metrics prometheus.Gatherer) *Handler {
	a := &Handler{mux: http.NewServeMux(), authority: authority, wordpress: wordpress, hosts: cfg.Hosts, dryRun: cfg.DryRun, started: cfg.Started, now: cfg.Now, log: cfg.Log}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.mux.Handle("GET /metrics", a.serveMetrics(metrics))
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerProbe(w, http.StatusOK, map[string]bool{"alive": true})
	})
	a.mux.HandleFunc("GET /servez", a.serveServing)
	a.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := a.Ready(r.Context())
		if answer.Ready {
			answerProbe(w, http.StatusOK, answer)
			return
		}
		answerProbe(w, http.StatusServiceUnavailable, answer)
	})
	a.addAPI(cfg)
	return a
}

func (a *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if knownHost(r, a.hosts) {
		a.mux.ServeHTTP(w, r)
		return
	}
	respond.Error(w, r, respond.Fail(respond.UnknownHost).
		WithMessage("The admin listener does not have this name. List it in admin.hosts, or use an address."))
}

// Drain makes /servez and /readyz fail from now on, so that load balancers look
// elsewhere. Requests are still served. It waits for no probe under way: WordPress
// may not be answering.
func (a *Handler) Drain() { a.draining.Store(true) }

// Ready asks Redis and WordPress, or repeats an answer of the last seconds.
func (a *Handler) Ready(ctx context.Context) Readiness {
	a.mu.Lock()
	defer a.mu.Unlock()
	life := unreadyLife
	if a.answer.Ready {
		life = probeLife
	}
	if a.asked.IsZero() || a.now().Sub(a.asked) > life {
		// Not the prober's own context: its hanging up must not become our answer.
		probe, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		a.answer, a.asked = a.ask(probe), a.now()
	}
	answer := a.answer
	answer.Ready = answer.Ready && !a.draining.Load()
	return answer
}

// What Readiness says of each.
const (
	stateOK   = "ok"
	stateGone = "unavailable"
)

// notSeen stands for the version of a plugin that does not answer.
const notSeen = "not seen"

func (a *Handler) ask(ctx context.Context) Readiness {
	r := Readiness{Redis: stateOK, WordPress: stateOK, Plugin: notSeen, DryRun: a.dryRun}
	if err := a.authority.Ready(ctx); err != nil {
		r.Redis = stateGone
	}
	ping, err := a.wordpress.Ping(ctx)
	switch {
	case err != nil:
		r.WordPress = stateGone
	case ping.Plugin != "":
		r.Plugin = ping.Plugin
	}
	r.Nodes = nodesOf(ping)
	r.Ready = r.Redis == stateOK && r.WordPress == stateOK
	return r
}

// nodesOf leaves a single node out: it would say what WordPress says.
func nodesOf(ping upstream.PingResult) map[string]string {
	if len(ping.Nodes) < 2 {
		return nil
	}
	nodes := map[string]string{}
	for name, err := range ping.Nodes {
		nodes[name] = stateOK
		if err != nil {
			nodes[name] = stateGone
		}
	}
	return nodes
}

func answerProbe(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a prober that left needs no answer
}
