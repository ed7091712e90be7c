package history

import (
	"math"
	"slices"
	"sort"

	dto "github.com/prometheus/client_model/go"
)

// definition says what a series is computed of.
type definition struct {
	name   string
	family string // the name of the metric
	label  string // sums only what has one of the values in this label; "": all
	values []string
	how    func(before, now value, seconds float64) float64
}

// definitions are the series. Their names are part of the API.
var definitions = []definition{
	{"requests_cocart", "cocart_gateway_http_requests_total", "route", []string{"cocart", "batch", "protected"}, perSecond},
	{"requests_tokens", "cocart_gateway_http_requests_total", "route", []string{"login", "refresh", "validate", "logout", "account", "jwks", "browser"}, perSecond},
	{"requests_site", "cocart_gateway_http_requests_total", "route", []string{"site"}, perSecond},
	{"refused_unauthorized", "cocart_gateway_http_requests_total", "code", []string{"401", "403"}, perSecond},
	{"refused_limited", "cocart_gateway_http_requests_total", "code", []string{"429"}, perSecond},
	{"failed", "cocart_gateway_http_requests_total", "code", []string{"500", "502", "503", "504"}, perSecond},
	{"answer_seconds_p50", "cocart_gateway_http_request_duration_seconds", "", nil, quantile(0.5)},
	{"answer_seconds_p95", "cocart_gateway_http_request_duration_seconds", "", nil, quantile(0.95)},
	{"wordpress_seconds_p95", "cocart_gateway_upstream_request_duration_seconds", "call", []string{"forward", "login", "refresh", "hand_back"}, quantile(0.95)},
	{"redis_seconds_p95", "cocart_gateway_redis_command_duration_seconds", "", nil, quantile(0.95)},
	{"wordpress_in_flight", "cocart_gateway_upstream_in_flight", "", nil, latest},
	{"wordpress_queued", "cocart_gateway_upstream_queued", "", nil, latest},
	{"sessions_started", "cocart_gateway_sessions_started_total", "", nil, perSecond},
	{"sessions_ended", "cocart_gateway_sessions_ended_total", "", nil, perSecond},
	{"refreshes", "cocart_gateway_refreshes_total", "", nil, perSecond},
	{"logins_refused", "cocart_gateway_logins_total", "result", []string{"refused"}, perSecond},
}

// reading is what the metrics were at a time, in the order of definitions.
type reading []value

// value is the sum of the metrics of a series.
type value struct {
	number  float64
	buckets map[float64]uint64 // of a histogram: cumulative counts by upper bound
	known   bool               // there is such a metric
}

func read(families []*dto.MetricFamily) reading {
	r := make(reading, len(definitions))
	byName := map[string]*dto.MetricFamily{}
	for _, f := range families {
		byName[f.GetName()] = f
	}
	for i, d := range definitions {
		for _, m := range byName[d.family].GetMetric() {
			if d.label == "" || slices.Contains(d.values, labelOf(m, d.label)) {
				r[i].add(m)
			}
		}
	}
	return r
}

func labelOf(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

func (v *value) add(m *dto.Metric) {
	v.known = true
	v.number += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	if v.buckets == nil {
		v.buckets = map[float64]uint64{}
	}
	for _, b := range m.GetHistogram().GetBucket() {
		v.buckets[b.GetUpperBound()] += b.GetCumulativeCount()
	}
	if h := m.GetHistogram(); h != nil {
		v.buckets[math.Inf(1)] += h.GetSampleCount()
	}
}

// compute returns NaN where there is no such metric, or no earlier sample.
func (d definition) compute(before, now reading, seconds float64) float64 {
	i := slices.IndexFunc(definitions, func(other definition) bool { return other.name == d.name })
	var earlier value
	if before != nil {
		earlier = before[i]
	}
	if !now[i].known {
		return math.NaN()
	}
	return d.how(earlier, now[i], seconds)
}

func latest(_, now value, _ float64) float64 { return now.number }

// perSecond returns how fast a counter grew.
func perSecond(before, now value, seconds float64) float64 {
	if seconds <= 0 {
		return math.NaN()
	}
	return max(0, now.number-before.number) / seconds
}

// quantile returns what computes a quantile of the observations between two samples, as Prometheus does
// (histogram_quantile): observations are taken to be spread evenly in each bucket. NaN: nothing was observed.
func quantile(q float64) func(before, now value, seconds float64) float64 {
	return func(before, now value, seconds float64) float64 {
		bounds := make([]float64, 0, len(now.buckets))
		for bound := range now.buckets {
			bounds = append(bounds, bound)
		}
		sort.Float64s(bounds)
		counts := make([]float64, len(bounds))
		for i, bound := range bounds {
			counts[i] = float64(now.buckets[bound] - before.buckets[bound])
		}
		if seconds <= 0 || len(counts) == 0 || counts[len(counts)-1] <= 0 {
			return math.NaN()
		}
		return interpolate(bounds, counts, q)
	}
}

func interpolate(bounds, counts []float64, q float64) float64 {
	rank := q * counts[len(counts)-1]
	i := slices.IndexFunc(counts, func(n float64) bool { return n >= rank })
	if math.IsInf(bounds[i], 1) && i > 0 {
		return bounds[i-1]
	}
	lower, below := 0.0, 0.0
	if i > 0 {
		lower, below = bounds[i-1], counts[i-1]
	}
	if counts[i] == below {
		return bounds[i]
	}
	return lower + (bounds[i]-lower)*(rank-below)/(counts[i]-below)
}
