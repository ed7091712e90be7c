package admin

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// What the gateway cannot do without, as a label.
const (
	dependencyRedis     = "redis"
	dependencyWordPress = "wordpress"
	dependencyPlugin    = "plugin"
)

// NewDependencyMetrics are of what /readyz says. Each [Admin] has its own, and
// adds them to what it serves.
func NewDependencyMetrics() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "cocart_gateway_dependency_up",
		Help: "1 if a dependency (redis, wordpress, plugin: it answered a signed request and signed back) was there when last asked, as for /readyz, else 0. Reading the metrics asks.",
	}, []string{"dependency"})
}

// serveMetrics asks the dependencies, or repeats an answer of the last seconds, so
// that the metrics know of them also where nothing probes. That takes no longer
// than a probe may, which is less than Prometheus waits.
func (a *Handler) serveMetrics(metrics prometheus.Gatherer) http.Handler {
	dependencies, own := NewDependencyMetrics(), prometheus.NewRegistry()
	own.MustRegister(dependencies) // cannot collide: nothing else is in it
	all := promhttp.HandlerFor(prometheus.Gatherers{metrics, own}, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		state := a.Ready(r.Context())
		for name, up := range map[string]bool{
			dependencyRedis: state.Redis == stateOK, dependencyWordPress: state.WordPress == stateOK, dependencyPlugin: state.Plugin != notSeen,
		} {
			dependencies.WithLabelValues(name).Set(map[bool]float64{true: 1}[up])
		}
		all.ServeHTTP(w, r)
	})
}
