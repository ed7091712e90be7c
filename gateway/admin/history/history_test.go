package history_test

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/admin/history"
)

// process has some of the metrics of a gateway.
type process struct {
	*prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	queued   *prometheus.GaugeVec
}

func newProcess() *process {
	p := &process{prometheus.NewRegistry(),
		prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cocart_gateway_http_requests_total"}, []string{"route", "method", "code"}),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cocart_gateway_http_request_duration_seconds", Buckets: []float64{.1, .2, .4}}, []string{"route"}),
		prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cocart_gateway_upstream_queued"}, []string{"queue"})}
	p.MustRegister(p.requests, p.seconds, p.queued)
	return p
}

var start = time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)

func TestSamplesAreRatesQuantilesAndLatestValues(t *testing.T) {
	p := newProcess()
	h := history.New(p)
	p.requests.WithLabelValues("cocart", "GET", "200").Add(1000) // before the first sample
	h.Take(start)
	p.requests.WithLabelValues("cocart", "GET", "200").Add(30)
	p.requests.WithLabelValues("batch", "POST", "200").Add(20)
	p.requests.WithLabelValues("cocart", "GET", "401").Add(5)
	p.requests.WithLabelValues("login", "POST", "429").Add(10)
	p.requests.WithLabelValues("site", "GET", "503").Add(15)
	for range 10 {
		p.seconds.WithLabelValues("cocart").Observe(.05)
		p.seconds.WithLabelValues("site").Observe(.15)
	}
	p.queued.WithLabelValues("cocart").Set(3)
	p.queued.WithLabelValues("site").Set(4)
	h.Take(start.Add(5 * time.Second))
	h.Take(start.Add(10 * time.Second)) // nothing happened
	got := h.Since(time.Time{})
	if want := []int64{start.UnixMilli(), start.UnixMilli() + 5000, start.UnixMilli() + 10000}; !slices.Equal(got.At, want) || got.IntervalSeconds != 5 {
		t.Errorf("at %v", got.At)
	}
	none := math.NaN()
	for name, want := range map[string][]float64{
		"requests_cocart": {none, 11, 0}, "requests_tokens": {none, 2, 0}, "requests_site": {none, 3, 0},
		"refused_unauthorized": {none, 1, 0}, "refused_limited": {none, 2, 0}, "failed": {none, 3, 0},
		"answer_seconds_p50": {none, .1, none}, "answer_seconds_p95": {none, .19, none},
		"wordpress_queued": {0, 7, 7}, "wordpress_in_flight": {none, none, none},
	} {
		same := slices.EqualFunc(got.Series[name], want, func(a, b float64) bool { return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) < 1e-9 })
		if name == "wordpress_queued" { // a gauge without a value is unknown
			same = math.IsNaN(got.Series[name][0]) && slices.Equal(got.Series[name][1:], want[1:])
		}
		if !same {
			t.Errorf("%s: %v, want %v", name, got.Series[name], want)
		}
	}
}

func TestTheNewestHalfHourIsKept(t *testing.T) {
	p := newProcess()
	h := history.New(p)
	for i := range history.Length + 7 {
		h.Take(start.Add(time.Duration(i) * history.Interval))
	}
	all := h.Since(time.Time{})
	if len(all.At) != history.Length || all.At[0] != start.Add(7*history.Interval).UnixMilli() || len(all.Series["failed"]) != history.Length {
		t.Errorf("%d samples from %d on", len(all.At), all.At[0])
	}
	if newer := h.Since(time.UnixMilli(all.At[len(all.At)-3])); !slices.Equal(newer.At, all.At[len(all.At)-2:]) {
		t.Errorf("newer: %v", newer.At)
	}
	if none := h.Since(time.UnixMilli(all.At[len(all.At)-1])); len(none.At) != 0 || none.Series["failed"] == nil {
		t.Errorf("nothing newer: %+v", none)
	}
}

func TestSamplesAreTakenWhileTheyCanBeRead(t *testing.T) {
	h := history.New(newProcess())
	ticks, now, wanted := make(chan time.Time), start, false
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Run(ctx, ticks, func() time.Time { now = now.Add(time.Second); return now }, func() bool { wanted = !wanted; return !wanted })
	}()
	for range 6 {
		ticks <- time.Time{}
	}
	cancel()
	<-ended
	if got := h.Since(time.Time{}); len(got.At) != 3 {
		t.Errorf("%d samples at 6 ticks, half of them wanted", len(got.At))
	}
}

func TestAValueThatIsUnknownIsNull(t *testing.T) {
	text, err := json.Marshal(history.Values{math.NaN(), 0, 1.0 / 3, 12345678, math.Inf(1)})
	if want := "[null,0,0.3333,1.235e+07,null]"; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
	var back history.Values
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 5 || !math.IsNaN(back[0]) || back[2] != .3333 {
		t.Errorf("%v, %v", back, err)
	}
}
