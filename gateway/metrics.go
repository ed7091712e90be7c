package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of requests. Every label is from a closed set: what a client sends
// never becomes one (CVE-2022-21698).
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	logins   *prometheus.CounterVec
	events   *prometheus.CounterVec
	guardMetrics
}

// What became of a login.
const (
	loginAccepted  = "accepted"  // a new session
	loginContinued = "continued" // a valid bearer without credentials
	loginRefused   = "refused"   // WordPress said no
	loginChallenge = "challenge" // WordPress asks for a second factor
	loginFailed    = "failed"    // nobody knows: WordPress or the store is not there
)

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_http_requests_total",
			Help: "Requests answered, by route class (login, refresh, validate, logout, cocart, batch, jwks, site), method (other for unusual ones) and status code (499: the client left first).",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cocart_gateway_http_request_duration_seconds",
			Help:    "Time from the header of a request to the end of its answer, by route class.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cocart_gateway_http_requests_in_flight",
			Help: "Requests being answered now, upgraded connections included.",
		}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_logins_total",
			Help: "Logins by result: accepted (new session), continued (valid bearer, no credentials), refused (by WordPress), challenge (second factor asked for), failed (WordPress or the store did not answer).",
		}, []string{"result"}),
	}
	for _, c := range classes {
		m.duration.WithLabelValues(string(c))
	}
	for _, result := range []string{loginAccepted, loginContinued, loginRefused, loginChallenge, loginFailed} {
		m.logins.WithLabelValues(result)
	}
	guard, err := newGuardMetrics(reg)
	m.guardMetrics = guard
	events, eventErr := newEventMetrics(reg)
	m.events = events
	return m, errors.Join(err, eventErr, reg.Register(m.requests), reg.Register(m.duration), reg.Register(m.inFlight), reg.Register(m.logins))
}

func (m *metrics) observe(c class, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(string(c), methodLabel(method), codeLabel(status)).Inc()
	m.duration.WithLabelValues(string(c)).Observe(took.Seconds())
}

func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// codeLabel keeps an upstream from inventing series.
func codeLabel(status int) string {
	if status != 499 && http.StatusText(status) == "" {
		return "other"
	}
	return strconv.Itoa(status)
}
