package accesslog

import (
	"errors"
	"net/http"
	"strconv"
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
			Help:    "Time from the header of a request to the end of its answer, by route class.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route"}),
	}
	for _, route := range routes {
		m.duration.WithLabelValues(route)
	}
	for _, e := range Events {
		m.events.WithLabelValues(string(e))
	}
	return m, errors.Join(reg.Register(m.events), reg.Register(m.requests), reg.Register(m.duration), reg.Register(m.InFlight))
}

// Observe counts a request that is over.
func (m *Metrics) Observe(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, MethodLabel(method), statusLabel(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
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

// statusLabel returns a status code, or "other" for one that only WordPress knows.
func statusLabel(status int) string {
	if status != StatusClientLeft && http.StatusText(status) == "" {
		return "other"
	}
	return strconv.Itoa(status)
}
