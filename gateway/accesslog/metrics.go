package accesslog

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests and events. Every label is from a closed set: nothing that a client sends becomes one
// (CVE-2022-21698).
type Metrics struct {
	InFlight prometheus.Gauge
	events   *prometheus.CounterVec
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	seconds  map[string]prometheus.Observer // by route

	// counts are the counters in use; a look-up in this map costs a third of one by labels. The map is never changed:
	// adding replaces it.
	counts atomic.Pointer[map[requestKind]prometheus.Counter]
	adding sync.Mutex
}

// requestKind is what requests are counted by: the labels, with 0 for "other" status codes. There are about 4,000.
type requestKind struct {
	route, method string
	status        int
}

// NewMetrics registers the metrics. Those of each route, in the words of the log, begin at zero.
func NewMetrics(reg prometheus.Registerer, routes []string) (*Metrics, error) {
	m := &Metrics{
		InFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cocart_gateway_http_requests_in_flight",
			Help: "Requests being answered now, upgraded connections included.",
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_security_events_total",
			Help: "Security events, by event; deploy/docs/logs.md explains each.",
		}, []string{"event"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_http_requests_total",
			Help: "Requests answered, by route class (login, refresh, validate, logout, account, cocart, batch, jwks, site), method (other for unusual ones) and status code (499: the client left first).",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cocart_gateway_http_request_duration_seconds",
			Help:    "Time from the header of a request to the end of its answer, by route class; without upgraded connections (WebSocket).",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route"}),
	}
	m.counts.Store(&map[requestKind]prometheus.Counter{})
	m.seconds = make(map[string]prometheus.Observer, len(routes))
	for _, route := range routes {
		m.seconds[route] = m.duration.WithLabelValues(route)
	}
	for _, e := range Events {
		m.events.WithLabelValues(string(e))
	}
	return m, errors.Join(reg.Register(m.events), reg.Register(m.requests), reg.Register(m.duration), reg.Register(m.InFlight))
}

// Observe counts a request that is over. route is one of those that NewMetrics was given. trace is the id of the trace that it
// is recorded in, which the histogram keeps as an example (exemplar), or "".
func (m *Metrics) Observe(route, method string, status int, took time.Duration, trace string) {
	kind := requestKind{route, MethodLabel(method), status}
	if !isKnown(status) {
		kind.status = 0
	}
	count, known := (*m.counts.Load())[kind]
	if !known {
		count = m.add(kind)
	}
	count.Inc()
	if status == http.StatusSwitchingProtocols { // how long a connection lasted is not the time of an answer
		return
	}
	if trace == "" {
		m.seconds[route].Observe(took.Seconds())
		return
	}
	m.seconds[route].(prometheus.ExemplarObserver).ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": trace}) // a histogram
}

func (m *Metrics) add(kind requestKind) prometheus.Counter {
	m.adding.Lock()
	defer m.adding.Unlock()
	counts := maps.Clone(*m.counts.Load())
	status := "other"
	if kind.status != 0 {
		status = strconv.Itoa(kind.status)
	}
	counts[kind] = m.requests.WithLabelValues(kind.route, kind.method, status)
	m.counts.Store(&counts)
	return counts[kind]
}

// Count counts an event.
func (m *Metrics) Count(e Event) { m.events.WithLabelValues(string(e)).Inc() }

// MethodLabel returns a method, or "other" for an unusual one.
func MethodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// isKnown reports whether a status code has a label of its own; one that only WordPress knows is "other".
func isKnown(status int) bool { return status == StatusClientLeft || http.StatusText(status) != "" }
