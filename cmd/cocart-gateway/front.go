package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
)

// front is what faces the world: the servers on all listeners, and how they come to an end.
type front struct {
	p                       *program
	listeners               *listeners
	public, redirect, admin *http.Server
	failed                  chan error // one from each listener
	running                 int        // listeners that have not ended
}

// open serves on every listener. Certificates of its own are asked for in the background, until ctx ends.
func (p *program) open(ctx context.Context, l *listeners) (*front, error) {
	f := &front{p: p, listeners: l}
	f.public = p.server(p.leaving.telling(p.public), slog.LevelDebug) // what clients do wrong on the wire
	f.public.TLSConfig = p.certificates.config(p.cfg.TLS.MinVersion)
	f.public.ConnState = p.connections.follow()
	f.redirect = p.server(gateway.NewRedirect(p.cfg.Site.URL), slog.LevelDebug)
	f.redirect.ConnState = p.connections.follow()
	f.admin = p.server(p.admin, slog.LevelWarn)
	if a := p.certificates.automatic; a != nil {
		if err := a.start(ctx, l); err != nil {
			return nil, fmt.Errorf("asking for certificates: %w", err)
		}
		f.redirect.Handler = a.answering(f.redirect.Handler)
	}
	f.serve()
	return f, nil
}

func (f *front) serve() {
	all := f.listeners
	f.running = len(all.public()) + 1
	f.failed = make(chan error, f.running)
	for _, l := range guarded(all.plain, f.p.cfg, f.p.log) {
		go func() { f.failed <- f.public.Serve(l) }()
	}
	for _, l := range guarded(all.tls, f.p.cfg, f.p.log) {
		go func() { f.failed <- f.public.ServeTLS(l, "", "") }()
	}
	for _, l := range guarded(all.redirect, f.p.cfg, f.p.log) {
		go func() { f.failed <- f.redirect.Serve(l) }()
	}
	go func() { f.failed <- f.admin.Serve(all.admin) }()
}

// shutDown stops listening, then waits for the requests under way: at most server.shutdown_timeout for all of them.
// The admin listener goes last, so that probes and metrics show the end.
func (f *front) shutDown() error {
	limit := f.p.cfg.Server.ShutdownTimeout
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := f.public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("draining: requests were still in flight after %s: %w", limit, f.public.Close())
	}
	err = errors.Join(err, f.redirect.Shutdown(ctx), f.admin.Shutdown(ctx))
	for ; f.running > 0; f.running-- {
		if e := <-f.failed; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// What one HTTP/2 connection may make us hold. A header is bounded by limits.header as with HTTP/1, and a connection
// on which nothing moves ends with server.idle_timeout, half a header included.
const (
	largestFrame = 64 << 10 // bytes
	pingAfter    = 30 * time.Second
	pingTimeout  = 15 * time.Second
)

func (p *program) server(h http.Handler, errorLevel slog.Level) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: p.cfg.Server.ReadHeaderTimeout, // of the TLS handshake, too
		IdleTimeout:       p.cfg.Server.IdleTimeout,
		MaxHeaderBytes:    int(p.cfg.Limits.Header),
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), errorLevel),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: p.cfg.Sockets.Streams,
			MaxReadFrameSize:     largestFrame,
			SendPingTimeout:      pingAfter, // finds clients that vanished in the middle of an answer
			PingTimeout:          pingTimeout,
		},
	}
}

// connections counts those that clients have open.
type connections struct{ open prometheus.Gauge }

func newConnections(reg prometheus.Registerer) (*connections, error) {
	c := &connections{prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cocart_gateway_client_connections",
		Help: "Connections open on the public listeners, upgraded ones (WebSocket) aside. limits.connections bounds it for each listener.",
	})}
	return c, reg.Register(c.open)
}

// follow is an http.Server.ConnState.
func (c *connections) follow() func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.open.Inc()
		case http.StateClosed, http.StateHijacked:
			c.open.Dec()
		}
	}
}
