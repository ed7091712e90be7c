package main

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"

	"cocart-gateway/cmd/cocart-gateway/certs"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/filewatch"
	"cocart-gateway/cmd/cocart-gateway/memory"
	"cocart-gateway/cmd/cocart-gateway/server"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/cmd/cocart-gateway/tracing"
	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/upstream"
)

// program is everything one gateway process is made of.
type program struct {
	cfg        *config.Config // of the start; what is in force is in reloading
	log        *slog.Logger
	shops      []*shop      // at least one, in the order of the file
	others     http.Handler // for hosts of no shop; nil: there is a single shop
	public     http.Handler
	admin      liveAdmin
	closeStore func()
	tracing    *tracing.Tracing // nil: no traces
	*reloading

	started time.Time

	certificates *certs.Set
	server       *server.Server
	every        func(time.Duration) <-chan time.Time // the clock of filewatch
	notify       *server.Notifier
	env          func(string) (string, bool)
}

// serve runs the gateway until ctx ends, then drains. All addresses are bound
// before anything else happens, so that a port in use is said at once.
func (t terminal) serve(ctx context.Context, cfg *config.Config, from *configSource) error {
	defer from.listen()()
	log := from.log(cfg, t.err)
	defer from.closeLog()
	redis.SetLogger(libraryLog{log})
	stdlog.SetFlags(0)
	stdlog.SetOutput(libraryLog{log})
	for _, warning := range append(cfg.Warnings(), t.misspelt()...) {
		log.Warn(warning)
	}
	if limit, known := server.Descriptors(); known {
		if found, advice := server.TooFewDescriptors(cfg, limit); found != "" {
			log.Warn(found + "; " + advice)
		}
	}
	sockets, err := server.Open(ctx, cfg)
	if err != nil {
		return err
	}
	p, err := assemble(cfg, log)
	if err != nil {
		return errors.Join(err, sockets.Close())
	}
	p.from, p.every, p.env = from, t.every, t.env
	defer p.close()
	if err := p.registry.Register(from.sink); err != nil {
		return errors.Join(err, sockets.Close())
	}
	return p.run(ctx, sockets)
}

// assemble builds the packages and connects them.
func assemble(cfg *config.Config, log *slog.Logger) (*program, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildOf().metric())
	client, closeStore, err := store.Open(cfg.Redis)
	if err != nil {
		return nil, err
	}
	p := &program{cfg: cfg, log: log, closeStore: closeStore, every: time.Tick, env: os.LookupEnv, notify: server.NewNotifier(log)}
	if p.tracing, err = newTracing(p); err == nil {
		err = errors.Join(p.tracing.FollowRedis(client), p.build(client, registry))
	}
	if err != nil {
		closeStore()
		return nil, err
	}
	return p, nil
}

// run serves until ctx ends or a listener fails, then stops what runs in the background.
func (p *program) run(ctx context.Context, sockets *server.Listeners) error {
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	if err := p.certificates.Start(background, sockets.TLS, sockets.Redirect); err != nil {
		return errors.Join(err, sockets.Close())
	}
	p.learn(ctx)
	for _, s := range p.shops {
		s.log.Info("serving", append([]any{"version", version, "upstream", s.first.cfg.Upstream.URL.String(), "site", s.first.cfg.Site.URL.String()}, sockets.LogAttrs()...)...)
	}
	followed := make(chan error, 1)
	go func() { followed <- p.watch(background) }()
	var others sync.WaitGroup
	others.Go(func() { p.notify.Announce(background, p.caughtUp) })
	others.Go(func() { memory.Keep(background, p.env, p.log, time.Tick(memory.Interval)) })
	for _, s := range p.shops {
		others.Go(func() { s.history.Run(background, p.every(history.Interval), now, p.administered) })
	}
	others.Go(func() { p.certificates.Watch(background, p.every(filewatch.Interval)) })
	stopReloading := p.startReloading()

	err := p.server.Serve(ctx, sockets, func() {
		stopReloading() // first, because a reload would replace what drains
		p.admin.Drain()
	})
	stopBackground()
	if e := <-followed; !errors.Is(e, context.Canceled) {
		err = errors.Join(err, e)
	}
	others.Wait()
	p.certificates.Stop()
	p.log.Info("stopped")
	return err
}

// administered reports whether the administration API is open.
func (p *program) administered() bool { return p.inForce().Admin.Token.Reveal() != "" }

// firstReading is how long the start waits for the revocations: a million take two seconds. If Redis refuses connections it
// does not wait, and if Redis is silent for redis.timeout.
const firstReading = 5 * time.Second

// readRevocations reads which sessions ended before the first request is served. A load balancer that has not noticed a
// restart sends requests at once, and a gateway that knows no revocation would accept the tokens of ended sessions. An
// error is left to the follower, which reports it and tries again.
func (p *program) readRevocations(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstReading)
	defer cancel()
	_ = p.forEachShop(func(s *shop) error { return s.authority.CatchUp(ctx) })
}

// firstClocks is how long the start waits for the clocks of WordPress. PHP answers within some hundred milliseconds; what
// answers later is followed from then on.
const firstClocks = 2 * time.Second

// learn reads what the first request depends on: which sessions ended, and the clocks of WordPress. If one of them is not the
// gateway's, WordPress would refuse the first customers.
func (p *program) learn(ctx context.Context) {
	var reading sync.WaitGroup
	reading.Go(func() { p.readRevocations(ctx) })
	reading.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, firstClocks)
		defer cancel()
		_ = p.forEachShop(func(s *shop) error { s.wordpress.LearnClocks(ctx); return nil })
	})
	reading.Wait()
}

// lastTraces is how long the end waits for a collector that does not answer.
const lastTraces = 3 * time.Second

func (p *program) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTraces)
	defer cancel()
	if err := p.tracing.Close(ctx); err != nil {
		p.log.Warn("traces were lost", "cause", err.Error())
	}
	for _, s := range p.shops {
		s.wordpress.Close()
	}
	p.closeStore()
}

// now is the clock of the whole program.
func now() time.Time { return time.Now() }

// watch follows revocations, and the health and the clocks of WordPress, until ctx ends.
func (p *program) watch(ctx context.Context) error {
	return p.forEachShop(func(s *shop) error {
		var clocks sync.WaitGroup
		defer clocks.Wait()
		clocks.Go(func() { s.wordpress.FollowClocks(ctx, p.every(upstream.ClockTick)) })
		checked := make(chan error, 1)
		go func() { checked <- s.wordpress.Run(ctx) }()
		return errors.Join(s.authority.Run(ctx), <-checked)
	})
}

func serveCommand(t terminal) *cobra.Command {
	var path string
	return t.takesConfig(&cobra.Command{
		Use:     "serve",
		Short:   "Run the gateway until SIGTERM or SIGINT, which let requests in flight finish",
		Example: "  cocart-gateway serve",
		GroupID: groupRun,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			from := &configSource{Source: config.NewSource(path, t.env, checkKey)}
			cfg, err := from.Load()
			if err != nil {
				return unfit{err}
			}
			return t.serve(c.Context(), cfg, from)
		},
	}, &path)
}
