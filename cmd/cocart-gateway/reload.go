package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/filewatch"
	"cocart-gateway/gateway/admin"
)

// edition is what one configuration amounts to. It never changes: a reload makes another one, and one pointer is
// swapped, so that no request meets a half of each. A request in flight ends in the edition it began in.
type edition struct {
	cfg   *config.Config
	shops []*shopEdition // in the order of program.shops
	front http.Handler
	admin administration
}

// administration is the private listener of all shops.
type administration interface {
	http.Handler
	ServeMetrics(http.ResponseWriter, *http.Request)
	Drain()
}

// reloading is the part of a program that changes while it runs.
type reloading struct {
	from     *configSource // nil: there is no file to be read again
	registry registry
	metrics  *reloadMetrics
	api      admin.Configuration
	current  atomic.Pointer[edition]
	parts    []part

	mu     sync.Mutex // lets one reload happen at a time; guards closed
	closed bool
}

// part is something else that a reload concerns. It looks at the new configuration, and either says what is wrong
// with it or returns what puts it in force, which cannot fail. It is asked before anything has changed.
type part func(cfg *config.Config) (use func(), err error)

func newReloading(p *program, reg registry) (*reloading, error) {
	metrics, err := newReloadMetrics(reg)
	return &reloading{registry: reg, metrics: metrics, api: p.configuration()}, err
}

// publish puts the first edition in force.
func (p *program) publish(first *edition) error {
	p.public, p.admin = p.tracing.Handler(liveFront{p.reloading}), liveAdmin{p.reloading}
	p.current.Store(first)
	return p.metrics.succeeded(first.cfg, 0, now())
}

// inForce is the configuration by which requests are served now.
func (r *reloading) inForce() *config.Config { return r.current.Load().cfg }

// liveFront and liveAdmin are the handlers of the edition in force.
type (
	liveFront struct{ *reloading }
	liveAdmin struct{ *reloading }
)

func (l liveFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.current.Load().front.ServeHTTP(w, r)
}

func (l liveAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.current.Load().admin.ServeHTTP(w, r)
}

// serveMetrics answers on the listener for metrics alone.
func (l liveAdmin) serveMetrics(w http.ResponseWriter, r *http.Request) {
	l.current.Load().admin.ServeMetrics(w, r)
}

// Drain makes readiness fail. No reload may follow: it would be ready again.
func (l liveAdmin) Drain() { l.current.Load().admin.Drain() }

var errStopping = errors.New("the gateway is about to end, so nothing is read again")

// reload reads the configuration again. Either all of it that can change is in force for requests that begin
// afterwards, or, with problems, nothing has changed. All of it is in the log.
func (p *program) reload(by string) (done admin.Reloaded, problems []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return done, []string{errStopping.Error()}
	}
	p.notify.Reloading()
	done, err := p.replace()
	if err == nil {
		err = p.metrics.succeeded(p.inForce(), len(done.RestartNeeded), now())
	}
	if err != nil {
		problems = problemsOf(err)
		for _, text := range problems {
			p.log.Error("the configuration was not reloaded, the one before stays in force", "by", by, "cause", text)
		}
		p.metrics.failed()
		p.notify.Reloaded("serving; the configuration was not reloaded, the log says why")
		return admin.Reloaded{}, problems
	}
	p.notify.Reloaded("serving")
	p.log.Info("configuration reloaded", "by", by, "changed", done.Changed)
	for _, key := range done.RestartNeeded {
		p.log.Warn(key + ": takes effect at the next start")
	}
	return done, nil
}

func problemsOf(err error) []string {
	var config *schema.Error
	if errors.As(err, &config) {
		return config.Lines()
	}
	return []string{err.Error()}
}

// replace has two phases: every package checks the new configuration, and only then one of them uses it.
func (p *program) replace() (done admin.Reloaded, err error) {
	if p.from == nil {
		return done, errNoFile
	}
	written, err := p.from.Load()
	if err != nil {
		return done, err
	}
	before := p.inForce()
	cfg, changes, err := p.from.Merge(before, written)
	done = admin.Reloaded(changes)
	if err != nil {
		return done, err
	}
	use, err := p.prepare(cfg)
	if err != nil {
		return done, err
	}
	use()
	for _, warning := range cfg.Warnings() {
		if !slices.Contains(before.Warnings(), warning) {
			p.log.Warn(warning)
		}
	}
	return done, nil
}

// prepare makes every package check cfg. use puts it in force, which cannot fail.
func (p *program) prepare(cfg *config.Config) (use func(), err error) {
	before := p.current.Load()
	var editions []*shopEdition
	var all []func()
	for i, shop := range cfg.EachShop() {
		e, use, err := p.next(p.shops[i], before.shops[i], shop)
		if err != nil {
			return nil, err
		}
		editions, all = append(editions, e), append(all, use)
	}
	e := p.together(cfg, editions)
	others, err := p.prepareParts(cfg)
	if err != nil {
		return nil, err
	}
	return func() {
		p.from.relog(cfg)
		for _, use := range all {
			use()
		}
		others()
		p.current.Store(e)
	}, nil
}

func (p *program) prepareParts(cfg *config.Config) (use func(), err error) {
	var all []func()
	for _, ask := range p.parts {
		one, err := ask(cfg)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return func() {
		for _, one := range all {
			one()
		}
	}, nil
}

// configuration is what the administration may do with it.
func (p *program) configuration() admin.Configuration {
	c := admin.Configuration{Show: func() ([]byte, error) { return p.inForce().YAML() }}
	if p.cfg.Reload != config.ReloadOff {
		c.Changes = p.changes
		c.Reload = func() (admin.Reloaded, []string) { return p.reload("request") }
	}
	return c
}

// startReloading reads the configuration again on SIGHUP and, with reload: watch, when its files change, until stop. stop
// waits for a reload under way and lets no other begin.
func (p *program) startReloading() (stop func()) {
	if p.from == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.followHangups(ctx) })
	if p.cfg.Reload == config.ReloadWatch {
		running.Go(func() {
			filewatch.Follow(ctx, p.every(filewatch.Interval), p.from, func() { p.reload("file") })
		})
	}
	return func() {
		cancel()
		running.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.closed = true
	}
}

func (p *program) followHangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.from.hangups:
			p.hangup()
		}
	}
}

func (p *program) hangup() {
	if p.cfg.Reload == config.ReloadOff {
		p.log.Warn("SIGHUP changes nothing: reload is off")
		p.notify.Reloading() // systemctl reload waits for it
		p.notify.Reloaded("serving; nothing was reloaded, since reload is off")
		return
	}
	p.reload("signal")
}

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
