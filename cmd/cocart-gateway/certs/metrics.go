package certs

import (
	"cmp"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics show how long the certificates last and whether new ones are coming.
type metrics struct {
	certificates func() []*x509.Certificate
	missing      func() map[string]bool // by name
	expiry       *prometheus.Desc
	lacking      *prometheus.Desc
	filesGood    prometheus.Gauge
	updates      *prometheus.CounterVec
}

// Where certificates come from, and what became of getting them.
const (
	fromFile = "file"
	fromACME = "acme"
	updated  = "ok"
	kept     = "failed"
)

func newMetrics(certificates func() []*x509.Certificate, missing func() map[string]bool) *metrics {
	m := &metrics{
		certificates: certificates, missing: missing,
		lacking: prometheus.NewDesc("cocart_gateway_tls_certificate_missing",
			"1 while the gateway has no certificate for a name in tls.acme.domains, so that clients cannot connect by it; otherwise 0.", []string{"name"}, nil),
		expiry: prometheus.NewDesc("cocart_gateway_tls_certificate_expiry_timestamp_seconds",
			"When a certificate in use ends, in seconds since 1970, by its first name.", []string{"name"}, nil),
		filesGood: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cocart_gateway_tls_certificate_files_good",
			Help: "1 if the files of the certificates were good when last read; 0 if they were not, so that the ones from before are in use.",
		}),
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cocart_gateway_tls_certificate_updates_total",
			Help: "Attempts to take a new certificate into use after the start, by source (file, acme) and result (ok, failed).",
		}, []string{"source", "result"}),
	}
	m.filesGood.Set(1)
	for _, source := range []string{fromFile, fromACME} {
		m.updates.WithLabelValues(source, updated)
		m.updates.WithLabelValues(source, kept)
	}
	return m
}

func (m *metrics) register(reg prometheus.Registerer) error {
	return errors.Join(reg.Register(m), reg.Register(m.filesGood), reg.Register(m.updates))
}

// good records that all files were good; changed means that their contents are newly in use.
func (m *metrics) good(changed bool) {
	m.filesGood.Set(1)
	if changed {
		m.updates.WithLabelValues(fromFile, updated).Inc()
	}
}

// refused records that one of the files was bad.
func (m *metrics) refused() {
	m.filesGood.Set(0)
	m.updates.WithLabelValues(fromFile, kept).Inc()
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(all chan<- *prometheus.Desc) {
	all <- m.expiry
	all <- m.lacking
}

// Collect implements prometheus.Collector. Of two certificates with the same first name the one that ends sooner
// counts.
func (m *metrics) Collect(all chan<- prometheus.Metric) {
	ends := map[string]float64{}
	for _, leaf := range m.certificates() {
		name, end := firstName(leaf), float64(leaf.NotAfter.Unix())
		if earlier, known := ends[name]; !known || end < earlier {
			ends[name] = end
		}
	}
	for name, end := range ends {
		all <- prometheus.MustNewConstMetric(m.expiry, prometheus.GaugeValue, end, name)
	}
	for name, missing := range m.missing() {
		all <- prometheus.MustNewConstMetric(m.lacking, prometheus.GaugeValue, map[bool]float64{true: 1}[missing], name)
	}
}

func firstName(leaf *x509.Certificate) string {
	name, _, _ := strings.Cut(names509(leaf), " ")
	return name
}

// names509 are the hosts a certificate is for. It comes from the operator or the authority, so it may be logged.
func names509(leaf *x509.Certificate) string {
	names := append([]string{}, leaf.DNSNames...)
	for _, address := range leaf.IPAddresses {
		names = append(names, address.String())
	}
	return strings.ToValidUTF8(cmp.Or(strings.Join(names, " "), strings.ReplaceAll(leaf.Subject.CommonName, " ", "_"), "unnamed"), "?")
}
