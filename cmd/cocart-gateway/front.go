package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"cocart-gateway/gateway"
)

// front is what faces the world: the servers on all listeners, and how they come to an end.
type front struct {
	p                       *program
	listeners               *listeners
	public, redirect, admin *http.Server
	doors                   []net.Listener // the public ones, as they are served
	accepting               sync.WaitGroup // on doors
	failed                  chan error     // one from each listener
	running                 int            // listeners that have not ended
}

// open serves on every listener. Certificates of its own are asked for in the background, until ctx ends.
func (p *program) open(ctx context.Context, l *listeners) (*front, error) {
	f := &front{p: p, listeners: l}
	f.public = p.server(p.leaving.telling(p.public), slog.LevelDebug) // what clients do wrong on the wire
	f.public.TLSConfig = p.certificates.config(p.cfg.TLS.MinVersion)
	f.public.ConnState = p.connections.follow
	f.public.ConnContext = withProxiedTLS
	f.public.HTTP2.WriteByteTimeout = p.cfg.Upstream.BodyTimeout // of a connection; package gateway looks after its streams
	f.redirect = p.server(p.leaving.telling(gateway.NewRedirect(p.cfg.Site.URL)), slog.LevelDebug)
	f.redirect.ConnState = p.connections.follow
	f.admin = p.server(p.admin, slog.LevelWarn)
	for _, s := range []*http.Server{f.redirect, f.admin} {
		s.ReadTimeout, s.WriteTimeout = smallExchange, smallExchange
	}
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
	f.accept(all.plain, f.public.Serve)
	f.accept(all.tls, func(l net.Listener) error { return f.public.ServeTLS(l, "", "") })
	f.accept(all.redirect, f.redirect.Serve)
	go func() { f.failed <- f.admin.Serve(all.admin) }()
}

func (f *front) accept(all []net.Listener, serve func(net.Listener) error) {
	for _, l := range guarded(all, f.p.inForce, f.p.connections, f.p.log) {
		f.doors = append(f.doors, l)
		f.accepting.Go(func() { f.failed <- serve(l) })
	}
}

// shutDown stops listening, then waits for the requests under way: at most server.shutdown_timeout for all of them.
// Only then it calls Shutdown, which drops what it is just reading (net/http conn.serve looks whether the server shuts
// down between reading a request and answering it). The admin listener goes last, so that probes and metrics show the
// end.
func (f *front) shutDown() error {
	limit := f.p.inForce().Server.ShutdownTimeout
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := closeAll(f.doors)
	f.accepting.Wait()
	f.p.connections.quiet(ctx)
	waiting := f.p.connections.unanswered()
	late, e := end(ctx, f.public, f.redirect)
	err = errors.Join(err, e)
	if late {
		err = errors.Join(err, cutOff(waiting, limit))
	}
	_, e = end(ctx, f.admin) // a probe that is cut off is nobody's loss
	err = errors.Join(err, e)
	for ; f.running > 0; f.running-- {
		if e := <-f.failed; !errors.Is(e, http.ErrServerClosed) && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// end shuts servers down, and closes what is still under way there when ctx is over.
func end(ctx context.Context, servers ...*http.Server) (late bool, err error) {
	for _, s := range servers {
		e := s.Shutdown(ctx)
		if errors.Is(e, context.DeadlineExceeded) {
			late, e = true, s.Close()
		}
		err = errors.Join(err, e)
	}
	return late, err
}

// cutOff says how many customers lost their answers. HTTP/2 may have had several on one connection.
func cutOff(n int, limit time.Duration) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("draining: requests were still in flight after %s, on %d %s cut off", FormatDuration(limit), n,
		pick(n == 1, "connection, which was", "connections, which were"))
}

// What one HTTP/2 connection may make us hold. A header is bounded by limits.header as with HTTP/1, and a connection
// on which nothing moves ends with server.idle_timeout, half a header included.
const (
	largestFrame = 64 << 10 // bytes
	pingAfter    = 30 * time.Second
	pingTimeout  = 15 * time.Second
)

// smallExchange is for reading a request, and from then on for answering it, where neither can be large. How long
// customers may take for theirs is package gateway's business.
const smallExchange = time.Minute

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
