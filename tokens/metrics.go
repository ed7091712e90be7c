package tokens

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

var waitOutcomes = []string{waitAcknowledged, waitLate, waitLost, waitBroken}

const metricPrefix = "cocart_gateway_"

// metrics is one collector, so that it is registered whole or not at all. Every label is from a closed list, and
// every series exists from the start, so that a rate is seen from its first event on.
type metrics struct {
	parts       []prometheus.Collector
	rejections  *prometheus.CounterVec
	accesses    map[Rejection]prometheus.Counter // of rejections
	refreshes   *prometheus.CounterVec
	started     prometheus.Counter
	losses      prometheus.Counter
	waits       *prometheus.CounterVec
	sessionsEnd *prometheus.CounterVec
	cacheHits   prometheus.Counter
	cacheMisses prometheus.Counter
}

func newMetrics(of *memory) *metrics {
	m := &metrics{accesses: map[Rejection]prometheus.Counter{}}
	m.rejections = counters(m, "token_rejections_total", "Tokens refused, by kind (access, refresh) and reason ("+list(Rejections())+").", "kind", "reason")
	m.refreshes = counters(m, "refreshes_total", "Refreshes, by verdict ("+list(Outcomes())+").", "verdict")
	m.sessionsEnd = counters(m, "sessions_ended_total", "Sessions ended, by cause ("+list(Causes())+"). Ending all sessions at once is not counted.", "cause")
	started := counters(m, "sessions_started_total", "Sessions started by a login.")
	losses := counters(m, "redis_data_losses_total", "How often this gateway found that Redis came back with older data, and wrote back which sessions ended.")
	m.losses = losses.WithLabelValues()
	m.waits = counters(m, "redis_replica_waits_total", "Logins and logouts that waited for replicas of Redis (redis.wait_replicas), by outcome ("+list(waitOutcomes)+").", "outcome")
	for _, outcome := range waitOutcomes {
		m.waits.WithLabelValues(outcome)
	}
	cache := counters(m, "verified_token_cache_total", "Lookups of access tokens among those verified before, by outcome (hit, miss).", "outcome")
	m.started, m.cacheHits, m.cacheMisses = started.WithLabelValues(), cache.WithLabelValues("hit"), cache.WithLabelValues("miss")
	m.gauges(of)
	m.zero()
	return m
}

// gauges registers the gauges that show the view of revocations at the time of a scrape.
func (m *metrics) gauges(of *memory) {
	size := func(pick func(sessions, users, pending int) int) func() float64 {
		return func() float64 { return float64(pick(of.revoked.Size())) }
	}
	m.gauge("revocation_age_seconds", "How old this gateway's view of revocations may be; -1 before it was read once.",
		of.log.AgeSeconds)
	m.gauge("redis_data_loss_open", "1 from a loss of data in Redis until an operator confirms the data (sessions keep), else 0. revocation.on_loss decides what it means for tokens.",
		func() float64 {
			if of.epoch.Now().Open() {
				return 1
			}
			return 0
		})
	m.gauge("revocation_sessions", "Sessions with revoked access tokens that may still live.", size(func(s, _, _ int) int { return s }))
	m.gauge("revocation_users", "User cutoffs that access tokens may still fall under.", size(func(_, u, _ int) int { return u }))
	m.gauge("revocation_pending", "Rotations whose previous access tokens are within their grace.", size(func(_, _, p int) int { return p }))
}

func (m *metrics) gauge(name, help string, value func() float64) {
	m.parts = append(m.parts, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: metricPrefix + name, Help: help}, value))
}

func counters(m *metrics, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricPrefix + name, Help: help}, labels)
	m.parts = append(m.parts, c)
	return c
}

func (m *metrics) zero() {
	for _, r := range Rejections() {
		m.accesses[r] = m.rejections.WithLabelValues("access", string(r))
		m.rejections.WithLabelValues("refresh", string(r))
	}
	for _, v := range Outcomes() {
		m.refreshes.WithLabelValues(string(v))
	}
	for _, c := range Causes() {
		m.sessionsEnd.WithLabelValues(string(c))
	}
}

func list[S ~string](words []S) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	return strings.Join(text, ", ")
}

// Describe makes metrics a prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, c := range m.parts {
		c.Describe(out)
	}
}

// Collect makes metrics a prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, c := range m.parts {
		c.Collect(out)
	}
}

func (m *metrics) rejectAccess(err error) {
	if r, refused := errors.AsType[Rejection](err); refused {
		m.accesses[r].Inc()
	}
}

func (m *metrics) countRefresh(v Outcome, err error) {
	m.refreshes.WithLabelValues(string(v)).Inc()
	if r, refused := errors.AsType[Rejection](err); refused {
		m.rejections.WithLabelValues("refresh", string(r)).Inc()
	}
}

func (m *metrics) ended(cause Cause, n int) {
	m.sessionsEnd.WithLabelValues(string(cause.known())).Add(float64(n))
}

// timedCommands is the closed list of the command label.
var timedCommands = []string{"evalsha", "eval", "hmget", "pipeline", "xadd", "zrange", "zrem", "set", "ping", "scan", "other"}

// commandTimer measures the commands of the client.
type commandTimer struct{ commands *prometheus.HistogramVec }

func newCommandTimer() commandTimer {
	return commandTimer{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    metricPrefix + "redis_command_duration_seconds",
		Help:    "Time Redis took to answer, by command (" + strings.Join(timedCommands, ", ") + ") and outcome (ok, error). Waiting for revocations is not in it.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2.5, 12),
	}, []string{"command", "outcome"})}
}

// DialHook measures nothing: a slow dial shows in its command.
func (t commandTimer) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook measures one command.
func (t commandTimer) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmd)
		if cmd.Name() != "xread" { // it waits on purpose
			t.observe(commandLabel(cmd.Name()), began, err)
		}
		return err
	}
}

// ProcessPipelineHook measures one round trip of many commands.
func (t commandTimer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := time.Now()
		err := next(ctx, cmds)
		t.observe("pipeline", began, err)
		return err
	}
}

func (t commandTimer) observe(command string, began time.Time, err error) {
	outcome := "ok"
	if missing(err) != nil {
		outcome = "error"
	}
	t.commands.WithLabelValues(command, outcome).Observe(time.Since(began).Seconds())
}

func commandLabel(name string) string {
	for _, c := range timedCommands {
		if c == name {
			return c
		}
	}
	return "other"
}
