package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// program is everything one gateway process is made of.
type program struct {
	cfg        *Config // of the start; what is in force is in reloading
	log        *slog.Logger
	authority  *tokens.Authority
	public     http.Handler
	admin      liveAdmin
	closeStore func()
	wordpress  *upstream.WordPress
	*reloading
}

// serve runs the gateway until ctx ends, then drains. Both addresses are bound
// before anything else happens, so that a port in use is said at once.
func serve(ctx context.Context, cfg *Config, from *configSource, stderr io.Writer) error {
	defer from.listen()()
	log := from.log(cfg, stderr)
	redis.SetLogger(libraryLog{log})
	for _, warning := range cfg.Warnings() {
		log.Warn(warning)
	}
	public, admin, err := listen(ctx, cfg)
	if err != nil {
		return err
	}
	p, err := assemble(cfg, log)
	if err != nil {
		return errors.Join(err, public.Close(), admin.Close())
	}
	p.from = from
	defer p.close()
	return p.run(ctx, public, admin)
}

func listen(ctx context.Context, cfg *Config) (public, admin net.Listener, err error) {
	var lc net.ListenConfig
	if public, err = lc.Listen(ctx, "tcp", cfg.Listen); err != nil {
		return nil, nil, fmt.Errorf("listening on listen: %w", err)
	}
	if admin, err = lc.Listen(ctx, "tcp", cfg.Admin.Listen); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("listening on admin.listen: %w", err), public.Close())
	}
	return public, admin, nil
}

// assemble builds the rooms and introduces them to each other.
func assemble(cfg *Config, log *slog.Logger) (*program, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildOf().metric())
	client, closeStore, err := openStore(cfg.Redis)
	if err != nil {
		return nil, err
	}
	p := &program{cfg: cfg, log: log, closeStore: closeStore}
	if err := p.build(client, registry); err != nil {
		closeStore()
		return nil, err
	}
	return p, nil
}

// run serves until ctx ends or a listener fails, then stops in this order:
// readiness, listeners, requests in flight, the follower of revocations.
func (p *program) run(ctx context.Context, publicListener, adminListener net.Listener) error {
	background, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	followed := make(chan error, 1)
	go func() { followed <- p.watch(background) }()

	public := p.server(p.public, slog.LevelDebug) // what clients do wrong on the wire
	admin := p.server(p.admin, slog.LevelWarn)
	stopReloading := p.startReloading()
	failed := make(chan error, 2)
	go func() { failed <- public.Serve(publicListener) }()
	go func() { failed <- admin.Serve(adminListener) }()
	p.log.Info("serving", "version", version, "listen", publicListener.Addr().String(),
		"admin", adminListener.Addr().String(), "upstream", p.cfg.Upstream.URL.String(), "site", p.cfg.Site.URL.String())

	var err error
	left := 2
	select {
	case <-ctx.Done():
		p.log.Info("draining", "at_most", p.inForce().Server.ShutdownTimeout.String())
	case err = <-failed:
		left--
	}
	stopReloading() // before, since a reload replaces what is drained
	p.admin.Drain()
	err = errors.Join(err, p.shutDown(public, admin))
	for range left {
		if e := <-failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	stopFollowing()
	if e := <-followed; !errors.Is(e, context.Canceled) {
		err = errors.Join(err, e)
	}
	p.log.Info("stopped")
	return err
}

func (p *program) shutDown(public, admin *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), p.inForce().Server.ShutdownTimeout)
	defer cancel()
	err := public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("draining: requests were still in flight after %s: %w", p.inForce().Server.ShutdownTimeout, public.Close())
	}
	return errors.Join(err, admin.Shutdown(ctx))
}

func (p *program) server(h http.Handler, errorLevel slog.Level) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: p.cfg.Server.ReadHeaderTimeout,
		IdleTimeout:       p.cfg.Server.IdleTimeout,
		MaxHeaderBytes:    int(p.cfg.Limits.Header),
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), errorLevel),
	}
}

func (p *program) close() {
	p.wordpress.Close()
	p.closeStore()
}

func newLogger(cfg LogConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// libraryLog keeps what go-redis says of itself in our log, and quiet: what
// matters of it comes back as an error.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis client", "said", fmt.Sprintf(format, v...))
}

// now is the clock of the whole program.
func now() time.Time { return time.Now() }
