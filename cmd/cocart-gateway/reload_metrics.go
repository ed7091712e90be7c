package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// reloadMetrics have the names and meanings that those of Prometheus and Alertmanager have.
type reloadMetrics struct {
	successful prometheus.Gauge
	at         prometheus.Gauge
	waiting    prometheus.Gauge
	hash       prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) (*reloadMetrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "cocart_gateway_config_" + name, Help: help})
	}
	m := &reloadMetrics{
		successful: gauge("last_reload_successful", "Whether the configuration was good when it was last read: 1, or 0 while an older one stays in force."),
		at:         gauge("last_reload_success_timestamp_seconds", "When a good configuration was last read."),
		waiting:    gauge("restart_needed", "Keys that were changed in the file and take effect at the next start only."),
		hash:       gauge("hash", "Stands for the configuration in force, secrets included, the addresses it listens on left out: gateways with the same one have the same number."),
	}
	for _, c := range []prometheus.Collector{m.successful, m.at, m.waiting, m.hash} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *reloadMetrics) failed() { m.successful.Set(0) }

func (m *reloadMetrics) succeeded(cfg *config.Config, waiting int, at time.Time) error {
	hash, err := cfg.Hash()
	if err != nil {
		return err
	}
	m.hash.Set(float64(hash)) // exact for 48 bits
	m.successful.Set(1)
	m.waiting.Set(float64(waiting))
	m.at.Set(float64(at.UnixMilli()) / 1000)
	return nil
}
