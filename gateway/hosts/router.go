package hosts

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
)

// Shop is one of several shops: the hosts by which clients reach it, in lower case, perhaps with *. in front, and what
// answers there. No two shops have the same host.
type Shop struct {
	Hosts   []string
	Handler http.Handler
}

// Router sends each request to the shop whose host its Host header names. X-Forwarded-Host does not choose: a shop checks it
// against its own hosts afterwards. It never changes, and is safe for concurrent use.
type Router struct {
	exact map[string]http.Handler
	below []wildcard // longest first
	other http.Handler
}

type wildcard struct {
	suffix  string // begins with a dot
	handler http.Handler
}

// NewRouter returns a router. other answers requests for a host of no shop.
func NewRouter(shops []Shop, other http.Handler) *Router {
	rt := &Router{exact: map[string]http.Handler{}, other: other}
	for _, shop := range shops {
		for _, host := range shop.Hosts {
			if suffix, below := strings.CutPrefix(host, "*"); below {
				rt.below = append(rt.below, wildcard{suffix, shop.Handler})
			} else {
				rt.exact[host] = shop.Handler
			}
		}
	}
	slices.SortStableFunc(rt.below, func(a, b wildcard) int { return len(b.suffix) - len(a.suffix) })
	return rt
}

// ServeHTTP answers one request.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.find(r.Host).ServeHTTP(w, r) }

func (rt *Router) find(sent string) http.Handler {
	host := Hostname(sent)
	if shop, known := rt.exact[host]; known {
		return shop
	}
	for _, w := range rt.below {
		if len(host) > len(w.suffix) && strings.HasSuffix(host, w.suffix) {
			return w.handler
		}
	}
	return rt.other
}

// others refuses requests for a host of no shop.
type others struct {
	metrics *accesslog.Metrics
	client  func(*http.Request) (client netip.Addr, trusted bool)
	log     *slog.Logger
}

const otherRoute = "site" // as in the log and the metrics of a shop

// othersTime is how long a refused client may take to send the rest of its request. Nothing of it is read.
const othersTime = 5 * time.Second

// NewOthers returns a handler that refuses every request with 421 and counts and logs it, as a shop does with a request for
// a host that it does not list. client returns the address of the client, and whether a trusted proxy sent the request.
func NewOthers(client func(*http.Request) (netip.Addr, bool), reg prometheus.Registerer, log *slog.Logger) (http.Handler, error) {
	m, err := accesslog.NewMetrics(reg, []string{otherRoute})
	return others{m, client, log}, err
}

func (o others) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	client, trusted := o.client(r)
	line := &accesslog.Line{Request: r, Target: r.RequestURI, ID: accesslog.Identify(r.Header, trusted), Trace: accesslog.TraceOf(r.Context()),
		Route: otherRoute, Client: client, Status: http.StatusMisdirectedRequest, Code: string(respond.UnknownHost)}
	_ = http.NewResponseController(w).SetReadDeadline(began.Add(othersTime)) // the connection is closed afterwards
	respond.Error(closing{w, line.ID}, r, respond.Fail(respond.UnknownHost))
	over := time.Now()
	line.Took = over.Sub(began)
	line.Gateway = line.Took
	o.metrics.Observe(otherRoute, r.Method, line.Status, line.Took, line.Trace)
	o.metrics.Count(accesslog.UnknownHost)
	line.Describe(r.Context())
	if h := o.log.Handler(); h.Enabled(context.Background(), line.Level()) {
		_ = h.Handle(context.Background(), line.Record(over)) // a line that cannot be written is counted by its sink
	}
}

// closing adds what respond does not know to the header of an answer.
type closing struct {
	http.ResponseWriter
	id string
}

func (c closing) WriteHeader(status int) {
	accesslog.SetID(c.Header(), c.id)
	c.Header().Set("Connection", "close")
	c.ResponseWriter.WriteHeader(status)
}
