package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"cocart-gateway/gateway/admin/console"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/upstream"
)

// Shop is one of several shops of a process, and the handler of its private listener.
type Shop struct {
	Name    string
	Handler *Handler
}

// Shops serves the private listener of several shops. Probes and metrics are about all of them. Each call of the API names
// the shop in the parameter shop, except those about the whole process: GET /shops, GET /config, GET /config/changes and
// POST /reload.
type Shops struct {
	all     []Shop // at least one
	mux     *http.ServeMux
	metrics http.Handler
}

// NewShops returns the handler of several shops. Their handlers have the same token, hosts and metrics.
func NewShops(shops []Shop) *Shops {
	s := &Shops{all: shops, mux: http.NewServeMux()}
	first := shops[0].Handler
	s.metrics = serveMetrics(first.gatherer, first.exemplars, shops)
	s.mux.Handle("GET /metrics", s.metrics)
	s.mux.HandleFunc("GET /healthz", serveAlive)
	s.mux.HandleFunc("GET /servez", s.serveServing)
	s.mux.HandleFunc("GET /readyz", s.serveReady)
	s.mux.HandleFunc("/", s.serveShop)
	return s
}

// ServeHTTP answers one request.
func (s *Shops) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.all[0].Handler.refuseHost(w, r) {
		return
	}
	s.mux.ServeHTTP(w, r)
}

// ServeMetrics serves /metrics and nothing else, as [Handler.ServeMetrics] does.
func (s *Shops) ServeMetrics(w http.ResponseWriter, r *http.Request) {
	only := http.NewServeMux()
	only.Handle("GET /metrics", s.metrics)
	only.ServeHTTP(w, r)
}

// Drain makes /servez and /readyz fail, as [Handler.Drain] does.
func (s *Shops) Drain() {
	for _, shop := range s.all {
		shop.Handler.Drain()
	}
}

// serveServing answers for all shops: none of them begins or ends alone, and where only some of them have another clock, it is
// not that of this machine which is wrong.
func (s *Shops) serveServing(w http.ResponseWriter, _ *http.Request) {
	var all []*upstream.WordPress
	for _, shop := range s.all {
		all = append(all, shop.Handler.wordpress)
	}
	result := s.all[0].Handler.serving(all...)
	writeProbe(w, result.Serving, result)
}

// ReadinessOfShops is the answer of /readyz for several shops.
type ReadinessOfShops struct {
	Ready bool                 `json:"ready"` // each shop is
	Shops map[string]Readiness `json:"shops"`
}

func (s *Shops) serveReady(w http.ResponseWriter, r *http.Request) {
	result := ReadinessOfShops{Ready: true, Shops: map[string]Readiness{}}
	for i, one := range readyOf(r.Context(), s.all) {
		result.Shops[s.all[i].Name] = one
		result.Ready = result.Ready && one.Ready
	}
	writeProbe(w, result.Ready, result)
}

// readyOf probes the shops at once, so that a slow one does not delay the others.
func readyOf(ctx context.Context, shops []Shop) []Readiness {
	results := make([]Readiness, len(shops))
	var probes sync.WaitGroup
	for i, shop := range shops {
		probes.Go(func() { results[i] = shop.Handler.Ready(ctx) })
	}
	probes.Wait()
	return results
}

// ofProcess are the paths of what concerns no single shop.
var ofProcess = []string{"/", "/shops", "/config", "/config/changes", "/reload"}

// serveShop hands a request to the handler of the shop that it names.
func (s *Shops) serveShop(w http.ResponseWriter, r *http.Request) {
	first, q := s.all[0].Handler, r.URL.Query()
	named, given := q["shop"]
	if !given && (slices.Contains(ofProcess, r.URL.Path) || strings.HasPrefix(r.URL.Path, console.Prefix)) {
		first.mux.ServeHTTP(w, r)
		return
	}
	for _, shop := range s.all {
		if len(named) == 1 && named[0] == shop.Name {
			q.Del("shop")
			address := *r.URL
			address.RawQuery = q.Encode()
			of := r.WithContext(r.Context())
			of.URL = &address
			shop.Handler.mux.ServeHTTP(w, of)
			return
		}
	}
	first.refuseShop(w, r, "This gateway has several shops. Name one in the parameter shop: "+strings.Join(first.shops, ", ")+".")
}

// refuseShop answers a request that names no shop. Only holders of the token read the names, and where there is no token,
// there is no API.
func (h *Handler) refuseShop(w http.ResponseWriter, r *http.Request, message string) {
	if h.protected == nil {
		http.NotFound(w, r)
		return
	}
	h.protected(func(http.ResponseWriter, *http.Request) error { return badRequest(message) }).ServeHTTP(w, r)
}

// listShops answers {"shops": ["…"]}: the values of the parameter shop; none where there is a single shop.
func (h *Handler) listShops(w http.ResponseWriter, r *http.Request) error {
	respond.JSON(w, r, http.StatusOK, map[string][]string{"shops": append([]string{}, h.shops...)})
	return nil
}
