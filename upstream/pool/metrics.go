package pool

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// nodeMetrics are of nodes and of those who wait for them. Nodes are named as in
// the configuration.
type nodeMetrics struct {
	up, inFlight *prometheus.GaugeVec
	failures     *prometheus.CounterVec
	retries      *prometheus.CounterVec
	queued       *prometheus.GaugeVec
	wait         *prometheus.HistogramVec
	shed         *prometheus.CounterVec
	malformed    prometheus.Counter
}

// Why a request was turned away.
const (
	shedFull      = "full"
	shedTimeout   = "timeout"
	shedLeft      = "left"
	shedAbandoned = "abandoned"
)

func newNodeMetrics(reg prometheus.Registerer) (*nodeMetrics, error) {
	node, queue := []string{"node"}, []string{"queue"}
	m := &nodeMetrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_upstream_node_up",
			Help: "1 while a WordPress node is taken to be up, else 0.",
		}, node),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_upstream_in_flight",
			Help: "Requests that a WordPress node is answering now; checks and upgraded connections are not among them.",
		}, node),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_upstream_node_failures_total",
			Help: "Failures of a WordPress node, by reason (connect: no connection, so nothing was sent; timeout; broken: it hung up or answered no HTTP; check).",
		}, []string{"node", "reason"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_upstream_retries_total",
			Help: "Requests that went on to another WordPress node, by what the first one did (connect, broken).",
		}, []string{"reason"}),
		queued: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cocart_gateway_upstream_queued",
			Help: "Requests that wait for a place at WordPress now, by queue (cocart, logins among them; site; own: what the shop sends to itself).",
		}, queue),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cocart_gateway_upstream_queue_wait_seconds",
			Help:    "Time that requests waited for a place at WordPress, those turned away included, by queue (cocart, site, own). Requests that found one at once are not counted.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, queue),
		malformed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cocart_gateway_upstream_header_lines_dropped_total",
			Help: "Malformed lines that were removed from headers of WordPress's answers, such as a name with a blank.",
		}),
		shed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_upstream_shed_total",
			Help: "Requests that were not sent to WordPress, by queue (cocart, site, own) and reason (full: too many wait, timeout: it waited too long, left: its client left before there was a place, abandoned: its client left, and upstream.concurrency.abandoned others are under way).",
		}, []string{"queue", "reason"}),
	}
	m.start()
	return m, errors.Join(reg.Register(m.up), reg.Register(m.inFlight), reg.Register(m.failures), reg.Register(m.retries),
		reg.Register(m.queued), reg.Register(m.wait), reg.Register(m.shed), reg.Register(m.malformed))
}

// start makes the series that no node has, so that they are there before anything happens.
func (m *nodeMetrics) start() {
	for g := range Group(groups) {
		m.queued.WithLabelValues(g.String())
		m.wait.WithLabelValues(g.String())
		for _, why := range []string{shedFull, shedTimeout, shedLeft, shedAbandoned} {
			m.shed.WithLabelValues(g.String(), why)
		}
	}
	m.retries.WithLabelValues(failedConnect)
	m.retries.WithLabelValues(failedBroken)
}

// node makes the series of one node, so that they are there before anything
// happens.
func (m *nodeMetrics) node(name string) {
	m.up.WithLabelValues(name).Set(1)
	for _, why := range failures {
		m.failures.WithLabelValues(name, why)
	}
}

func (m *nodeMetrics) moved(broke bool) {
	if broke {
		m.retries.WithLabelValues(failedBroken).Inc()
		return
	}
	m.retries.WithLabelValues(failedConnect).Inc()
}
