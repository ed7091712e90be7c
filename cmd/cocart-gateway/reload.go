package main

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
)

// edition is what one configuration amounts to. It never changes: a reload makes another one, and one pointer is
// swapped, so that no request meets a half of each. A request in flight ends in the edition it began in.
type edition struct {
	cfg       *config.Config
	authority *tokens.Authority
	guard     *attempts.Guard
	front     *gateway.Gateway
	admin     *admin.Handler
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
	p.public, p.admin = liveFront{p.reloading}, liveAdmin{p.reloading}
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
	var config *config.Error
	if errors.As(err, &config) {
		return config.Lines()
	}
	return []string{err.Error()}
}

// replace has two phases: every room is asked first, and only then is one told.
func (p *program) replace() (done admin.Reloaded, err error) {
	if p.from == nil {
		return done, errors.New("the gateway was not started from a file")
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

// prepare asks every room for what cfg amounts to.
func (p *program) prepare(cfg *config.Config) (use func(), err error) {
	before := p.current.Load()
	e := &edition{cfg: cfg}
	settings, err := authorityConfig(cfg, now, p.log)
	if err != nil {
		return nil, err
	}
	if e.authority, err = before.authority.Next(settings); err != nil {
		return nil, err
	}
	if e.guard, err = before.guard.Next(guardConfig(cfg, p.log)); err != nil {
		return nil, err
	}
	if e.front, err = before.front.Next(gatewayConfig(cfg, e.guard), e.authority); err != nil {
		return nil, err
	}
	e.admin = p.newAdmin(cfg, e.authority)
	secrets, err := p.wordpress.Secrets(assertionSecrets(cfg.Upstream))
	if err != nil {
		return nil, err
	}
	others, err := p.prepareParts(cfg)
	if err != nil {
		return nil, err
	}
	return func() {
		p.from.relog(cfg)
		secrets()
		e.authority.TakeOver()
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
		c.Reload = func() (admin.Reloaded, []string) { return p.reload("request") }
	}
	return c
}
