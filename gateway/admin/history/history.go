// Package history keeps the last half hour of the process's own metrics, for the plots of the console. A shop without
// Prometheus has no other view of what was a few minutes ago.
//
//	history.go  the samples, and when they are taken
//	series.go   the series, and how each is computed of the metrics
package history

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// Interval is the time between two samples.
	Interval = 5 * time.Second
	// Length is the number of samples that are kept: half an hour.
	Length = 360
)

// History is a ring of samples. It is safe for concurrent use.
type History struct {
	metrics prometheus.Gatherer

	mu     sync.Mutex // guards what follows
	before reading    // from which the rates of the next sample are computed
	at     []time.Time
	values [][]float64 // one row for each sample, in the order of definitions; NaN: nothing to be said
}

// New returns a history of metrics without samples.
func New(metrics prometheus.Gatherer) *History { return &History{metrics: metrics} }

// Run takes a sample at each tick until ctx ends, as long as wanted reports that the samples can be read.
func (h *History) Run(ctx context.Context, ticks <-chan time.Time, now func() time.Time, wanted func() bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			if wanted() {
				h.Take(now())
			}
		}
	}
}

// Take adds a sample, and removes the oldest one beyond Length. The first one of all has only what needs no rate.
func (h *History) Take(at time.Time) {
	families, _ := h.metrics.Gather() // a metric that cannot be read is missing from the sample
	now := read(families)
	h.mu.Lock()
	defer h.mu.Unlock()
	row := make([]float64, len(definitions))
	passed := 0.0
	if len(h.at) > 0 {
		passed = at.Sub(h.at[len(h.at)-1]).Seconds()
	}
	for i, d := range definitions {
		row[i] = d.compute(h.before, now, passed)
	}
	h.before = now
	h.at, h.values = append(h.at, at), append(h.values, row)
	if extra := len(h.at) - Length; extra > 0 {
		h.at, h.values = append(h.at[:0:0], h.at[extra:]...), append(h.values[:0:0], h.values[extra:]...)
	}
}

// Samples are what the API answers.
type Samples struct {
	IntervalSeconds float64 `json:"interval_seconds"`
	// At are the times of the samples, oldest first, in milliseconds since 1970.
	At []int64 `json:"at"`
	// Series has the values of each series by its name, one for each time.
	Series map[string]Values `json:"series"`
}

// Since returns the samples after a time.
func (h *History) Since(after time.Time) Samples {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Samples{IntervalSeconds: Interval.Seconds(), At: []int64{}, Series: map[string]Values{}}
	for _, d := range definitions {
		s.Series[d.name] = Values{}
	}
	for i, at := range h.at {
		if !at.After(after) {
			continue
		}
		s.At = append(s.At, at.UnixMilli())
		for j, d := range definitions {
			s.Series[d.name] = append(s.Series[d.name], h.values[i][j])
		}
	}
	return s
}

// Values are those of a series. NaN becomes null in JSON.
type Values []float64

// MarshalJSON writes four digits: the plots have a hundred pixels.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, value := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, value, 'g', 4, 64)
	}
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Values) UnmarshalJSON(text []byte) error {
	var numbers []*float64
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}
	*v = Values{}
	for _, n := range numbers {
		if n == nil {
			*v = append(*v, math.NaN())
			continue
		}
		*v = append(*v, *n)
	}
	return nil
}
