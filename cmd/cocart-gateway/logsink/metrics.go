package logsink

import "github.com/prometheus/client_golang/prometheus"

var (
	droppedDesc = prometheus.NewDesc("cocart_gateway_log_lines_dropped_total",
		"Log lines that were not written, by reason (full: the reader of the log is too slow or has stopped, error: the log cannot be written).",
		[]string{"reason"}, nil)
	queuedDesc = prometheus.NewDesc("cocart_gateway_log_queue_bytes",
		"Bytes of log lines that wait to be written. More than a few hundred mean that the reader of the log is too slow or has stopped.", nil, nil)
)

// Describe implements prometheus.Collector.
func (s *Sink) Describe(out chan<- *prometheus.Desc) {
	out <- droppedDesc
	out <- queuedDesc
}

// Collect implements prometheus.Collector. It does not wait for a write.
func (s *Sink) Collect(out chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for why, n := range s.dropped {
		out <- prometheus.MustNewConstMetric(droppedDesc, prometheus.CounterValue, float64(n), why)
	}
	out <- prometheus.MustNewConstMetric(queuedDesc, prometheus.GaugeValue, float64(s.waiting))
}
