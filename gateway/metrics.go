package gateway

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/wprequest"
)

// metrics counts what becomes of requests, logins and limits.
type metrics struct {
	*accesslog.Metrics
	logins *prometheus.CounterVec
	guardMetrics
}

// What became of a login.
const (
	loginAccepted  = "accepted"  // a new session
	loginContinued = "continued" // a valid bearer without credentials
	loginRefused   = "refused"   // WordPress said no
	loginChallenge = "challenge" // WordPress asks for a second factor
	loginFailed    = "failed"    // WordPress or the store did not answer
)

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	routes := make([]string, 0, len(wprequest.Classes))
	for _, c := range wprequest.Classes {
		routes = append(routes, string(c))
	}
	requests, err := accesslog.NewMetrics(reg, routes)
	if err != nil {
		return nil, err
	}
	guard, err := newGuardMetrics(reg)
	m := &metrics{Metrics: requests, guardMetrics: guard, logins: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_logins_total",
		Help: "Logins by result: accepted (new session), continued (valid bearer, no credentials), refused (by WordPress), challenge (second factor asked for), failed (WordPress or the store did not answer).",
	}, []string{"result"})}
	for _, result := range []string{loginAccepted, loginContinued, loginRefused, loginChallenge, loginFailed} {
		m.logins.WithLabelValues(result)
	}
	return m, errors.Join(err, reg.Register(m.logins))
}
