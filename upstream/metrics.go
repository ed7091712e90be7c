package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	duration *prometheus.HistogramVec
	dropped  prometheus.Counter
	ahead    *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "cocart_gateway_upstream_request_duration_seconds",
		Help: "Time from sending a request to WordPress to the header of its answer, by call (forward, login, refresh, hand_back, ping) and outcome (2xx, 3xx, 4xx, 5xx, upgrade, unavailable, timeout, canceled). Waiting for a place is not in it.",
		// WordPress answers a CoCart request in 20 to 200 ms.
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
	}, []string{"call", "outcome"})}
	m.dropped = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cocart_gateway_headers_dropped_total",
		Help: "Headers of clients that were not forwarded because of their name: characters other than letters, digits and -, which PHP could read as another header.",
	})
	m.ahead = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cocart_gateway_upstream_clock_ahead_seconds",
		Help: "How far the clock of a WordPress node is ahead of the gateway's, to about a second; less than zero if it is behind, 0 until the must-use plugin has reported its time. WordPress refuses customers beyond 30 s.",
	}, []string{"node"})
	return m, errors.Join(reg.Register(m.duration), reg.Register(m.dropped), reg.Register(m.ahead))
}

func (m *metrics) observe(call, outcome string, start time.Time) {
	m.duration.WithLabelValues(call, outcome).Observe(time.Since(start).Seconds())
}

// outcome maps every status and error to one of a closed set of labels.
func outcome(status int, err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrTimeout):
		return "timeout"
	case err != nil:
		return "unavailable"
	case status < 200:
		return "upgrade"
	case status < 300:
		return "2xx"
	case status < 400:
		return "3xx"
	case status < 500:
		return "4xx"
	default:
		return "5xx"
	}
}
