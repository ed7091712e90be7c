package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"cocart-gateway/upstream"
)

// The last result of a readiness probe answers for this long, so that probes are no load on WordPress, however many come.
const (
	readyLife    = 3 * time.Second
	unreadyLife  = 100 * time.Millisecond // short, so that a dependency which is back shows at once
	probeTimeout = 5 * time.Second
)

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready     bool   `json:"ready"`
	Redis     string `json:"redis"`     // "ok" or "unavailable"
	WordPress string `json:"wordpress"` // "ok" or "unavailable"
	// Plugin is the version of the must-use plugin, or "not seen" if it is not installed or has another secret. Logins
	// fail then.
	Plugin string `json:"plugin"`
	// Data says how it was found that Redis lost data, until an operator confirms them. The gateway is ready all the same:
	// revocation.on_loss decides what follows.
	Data string `json:"data,omitempty"`
	// DryRun means that the gateway enforces nothing.
	DryRun bool `json:"dry_run,omitempty"`
	// Nodes are the servers of WordPress by name, "ok" or "unavailable", if there are several. One that is ok is enough.
	Nodes map[string]string `json:"nodes,omitempty"`
}

const (
	stateOK          = "ok"
	stateUnavailable = "unavailable"
	pluginNotSeen    = "not seen"
)

// Ready probes Redis and WordPress, or repeats the last result if it is fresh.
func (h *Handler) Ready(ctx context.Context) Readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	life := unreadyLife
	if h.result.Ready {
		life = readyLife
	}
	if h.probed.IsZero() || h.now().Sub(h.probed) > life {
		// The result is for other clients as well, so it does not end with the request of this one.
		probe, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		h.result, h.probed = h.probe(probe), h.now()
	}
	result := h.result
	result.Ready = result.Ready && !h.draining.Load()
	return result
}

func (h *Handler) probe(ctx context.Context) Readiness {
	r := Readiness{Redis: stateOK, WordPress: stateOK, Plugin: pluginNotSeen, DryRun: h.dryRun}
	if err := h.authority.Ready(ctx); err != nil {
		r.Redis = stateUnavailable
	}
	ping, err := h.wordpress.Ping(ctx)
	switch {
	case err != nil:
		r.WordPress = stateUnavailable
	case ping.Plugin != "":
		r.Plugin = ping.Plugin
	}
	if loss := h.authority.DataLoss(); loss.Open() {
		r.Data = string(loss.Why)
	}
	r.Nodes = nodesOf(ping)
	r.Ready = r.Redis == stateOK && r.WordPress == stateOK
	return r
}

// nodesOf returns nil for a single node, whose state is that of WordPress.
func nodesOf(ping upstream.PingResult) map[string]string {
	if len(ping.Nodes) < 2 {
		return nil
	}
	nodes := map[string]string{}
	for name, err := range ping.Nodes {
		nodes[name] = stateOK
		if err != nil {
			nodes[name] = stateUnavailable
		}
	}
	return nodes
}

func (h *Handler) serveReady(w http.ResponseWriter, r *http.Request) {
	result := h.Ready(r.Context())
	writeProbe(w, result.Ready, result)
}

// Serving is the answer of /servez, the probe of load balancers.
type Serving struct {
	Serving bool `json:"serving"`
	// Why is the reason to send no requests: "starting", "draining" or "clock".
	Why string `json:"why,omitempty"`
}

// Serving reports whether load balancers should send requests to this gateway. It does no I/O. Dependencies that all
// gateways share do not count: without Redis or WordPress all of them would leave the load balancer at once, and with them
// what still works, which is the storefront, or customers with a valid token. The clock of this machine counts: if it is too
// far from that of WordPress, customers are refused here, and served by other gateways. In a dry run they are not refused.
func (h *Handler) Serving() Serving { return h.serving(h.wordpress) }

func (h *Handler) serving(shops ...*upstream.WordPress) Serving {
	switch {
	case h.draining.Load():
		return Serving{Why: "draining"}
	case h.started != nil && !h.started():
		return Serving{Why: "starting"}
	case !h.dryRun && upstream.ClockBeyond(shops...):
		return Serving{Why: "clock"}
	}
	return Serving{Serving: true}
}

func (h *Handler) serveServing(w http.ResponseWriter, _ *http.Request) {
	result := h.Serving()
	writeProbe(w, result.Serving, result)
}

func serveAlive(w http.ResponseWriter, _ *http.Request) {
	writeProbe(w, true, map[string]bool{"alive": true})
}

func writeProbe(w http.ResponseWriter, ok bool, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(v) // a client that left needs no answer
}
