package admin

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewDependencyMetrics returns the gauges of what /readyz reports. Each [Handler] has its own and adds them to the metrics
// that it serves.
func NewDependencyMetrics() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cocart_gateway_dependency_up",
		Help: "1 if a dependency answered the last probe, else 0, as in /readyz: redis, wordpress, or plugin (the must-use plugin verified a signed request and signed its answer). A scrape probes them.",
	}, []string{"dependency"})
}

// ServeMetrics serves /metrics and nothing else, whatever the Host header says: TLS or a password protects it.
func (h *Handler) ServeMetrics(w http.ResponseWriter, r *http.Request) { h.metrics.ServeHTTP(w, r) }

// serveMetrics probes the dependencies, or takes the last result if it is fresh, so that the metrics are right also where no
// load balancer probes. That takes at most the timeout of a probe, which is less than that of a scrape. A shop with a name has
// it as a label.
func serveMetrics(metrics prometheus.Gatherer, exemplars bool, shops []Shop) http.Handler {
	own, dependencies := prometheus.NewRegistry(), make([]*prometheus.GaugeVec, len(shops))
	for i, shop := range shops {
		dependencies[i] = NewDependencyMetrics()
		labels := prometheus.Labels{}
		if shop.Name != "" {
			labels["shop"] = shop.Name
		}
		prometheus.WrapRegistererWith(labels, own).MustRegister(dependencies[i]) // cannot collide: the registry has no other metric
	}
	all := promhttp.HandlerFor(prometheus.Gatherers{metrics, own}, promhttp.HandlerOpts{EnableOpenMetrics: exemplars})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i, ready := range readyOf(r.Context(), shops) {
			for name, up := range map[string]bool{
				"redis": ready.Redis == stateOK, "wordpress": ready.WordPress == stateOK, "plugin": ready.Plugin != pluginNotSeen,
			} {
				dependencies[i].WithLabelValues(name).Set(map[bool]float64{true: 1}[up])
			}
		}
		all.ServeHTTP(w, r)
	})
}
