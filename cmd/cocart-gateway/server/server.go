// Package server listens and serves, and ends in order.
//
//	server.go       the servers on all listeners, and their end
//	listen.go       the addresses of the configuration; unix.go and systemd.go those that are not host:port
//	proxy.go        the PROXY protocol of load balancers
//	drain.go        answers while the gateway drains
//	notify.go       messages to systemd
//	metrics.go      the listener for metrics alone, with TLS and passwords
//	connections.go  the connections of clients; listener.go accepts them, and queued.go those that wait when it is closed
//	pool.go         the places of one listener: a new connection takes the place of the longest idle one; unread.go asks the
//	                kernel whether the next request of that has come
//	descriptors.go  how many files the process needs; rlimit.go how many it may open
//	address.go      how many connections one address may have, also behind the PROXY protocol
//
// Attack: a client opens as many connections as it can and keeps them idle; each customer who comes then waits until one
// closes. Prevention: the connections of one address are limited, and idle connections make room for new ones.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Options has what a Server serves, and what it reports to.
type Options struct {
	Config   func() *config.Config // the configuration in force
	Public   http.Handler
	Redirect http.Handler // at tls.redirect_from
	Admin    http.Handler
	Metrics  http.Handler // at metrics.listen
	TLS      *tls.Config  // for tls.listen

	// ProxiedTLS returns a context with which a handler finds out whether the client used TLS, as far as the PROXY protocol
	// says so. read must not be called before the connection is used.
	ProxiedTLS func(ctx context.Context, read func() (tls, known bool)) context.Context

	Connections *Connections
	Notifier    *Notifier
	Log         *slog.Logger
	After       func(time.Duration) <-chan time.Time // the clock of server.drain_delay; nil means time.After
}

// Server serves on all listeners of one gateway, and ends in order.
type Server struct {
	Options
	draining atomic.Bool // answers are the last on their connection
}

// New returns a Server.
func New(o Options) *Server {
	if o.After == nil {
		o.After = time.After
	}
	return &Server{Options: o}
}

// Serve serves on l until ctx ends or a listener fails. It closes l. The end has these steps: leave, which makes
// readiness fail; after ctx, server.drain_delay, during which everything is still served; no new connections; an end to
// the requests in flight; the admin listener, so that probes and metrics show the end.
func (s *Server) Serve(ctx context.Context, l *Listeners, leave func()) error {
	r := s.start(l)
	var err error
	select {
	case <-ctx.Done():
		leave()
		err = s.drain(r.failed)
	case err = <-r.failed:
		leave()
	}
	return errors.Join(err, r.shutDown())
}

// running has the servers and goroutines of one call of Serve.
type running struct {
	*Server
	public, redirect, admin *http.Server
	metrics                 []*http.Server // one for each listener
	doors                   []net.Listener // the public ones, as they are served
	accepting, probing      sync.WaitGroup // serving on doors; serving on the admin listener and that for metrics
	failed                  chan error     // has room for each listener
}

func (s *Server) start(l *Listeners) *running {
	r := &running{Server: s, public: s.server(s.lastAnswers(s.Public), slog.LevelDebug), // mistakes of clients on the wire
		redirect: s.server(s.lastAnswers(s.Redirect), slog.LevelDebug), admin: s.server(s.Admin, slog.LevelWarn),
		failed: make(chan error, len(l.public())+1+len(l.Metrics))}
	r.public.TLSConfig = s.TLS
	r.public.ConnState, r.redirect.ConnState = s.Connections.Follow, s.Connections.Follow
	r.public.ConnContext = s.withProxiedTLS
	r.public.HTTP2.WriteByteTimeout = s.Config().LongestPause() // of a connection; package gateway limits its streams
	for _, small := range []*http.Server{r.redirect, r.admin} {
		small.ReadTimeout, small.WriteTimeout = smallExchange, smallExchange
	}
	r.accept(l.Plain, r.public.Serve)
	r.accept(l.TLS, func(l net.Listener) error { return r.public.ServeTLS(l, "", "") })
	r.accept(l.Redirect, r.redirect.Serve)
	r.probing.Go(func() { r.ended(r.admin.Serve(s.probed(l.Admin))) })
	r.serveMetrics(l.Metrics)
	return r
}

func (r *running) accept(all []net.Listener, serve func(net.Listener) error) {
	for _, l := range all {
		l = r.admitted(l)
		r.doors = append(r.doors, l)
		r.accepting.Go(func() { r.ended(serve(l)) })
	}
}

// ended records why serving on a listener ended, unless it was closed.
func (r *running) ended(err error) {
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		r.failed <- err
	}
}

// shutDown closes the public listeners, then waits for the requests in flight: at most server.shutdown_timeout for all of
// them. It calls Shutdown only then, because Shutdown drops a request that is being read (net/http conn.serve looks
// whether the server shuts down between reading a request and answering it).
func (r *running) shutDown() error {
	limit := r.Config().Server.ShutdownTimeout
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := closeAll(r.doors)
	r.accepting.Wait()
	r.Connections.AwaitIdle(ctx)
	waiting := r.Connections.Unanswered()
	late, e := end(ctx, r.public, r.redirect)
	err = errors.Join(err, e)
	if late {
		err = errors.Join(err, cutOff(waiting, limit))
	}
	_, e = end(ctx, append(r.metrics, r.admin)...) // a probe may be cut off
	err = errors.Join(err, e)
	r.probing.Wait()
	close(r.failed)
	for e := range r.failed {
		err = errors.Join(err, e)
	}
	return err
}

// end shuts servers down, and closes what is still in flight there when ctx is over.
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

// cutOff returns the error for n connections that were closed before their answer was complete. One HTTP/2 connection
// may have had several requests.
func cutOff(n int, limit time.Duration) error {
	switch n {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("draining: requests were still in flight after %s, on 1 connection, which was cut off", schema.FormatDuration(limit))
	}
	return fmt.Errorf("draining: requests were still in flight after %s, on %d connections, which were cut off", schema.FormatDuration(limit), n)
}

// Limits of one HTTP/2 connection. Headers are limited by limits.header as with HTTP/1, and a connection without any
// movement ends after server.idle_timeout, also in the middle of a header.
const (
	largestFrame = 64 << 10 // bytes
	pingAfter    = 30 * time.Second
	pingTimeout  = 15 * time.Second
)

// smallExchange is the time for reading a request, and from then on for answering it, where both are small. Package
// gateway limits those of customers.
const smallExchange = time.Minute

func (s *Server) server(h http.Handler, errorLevel slog.Level) *http.Server {
	cfg := s.Config()
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: cfg.Server.ReadHeaderTimeout, // of the TLS handshake, too
		IdleTimeout:       cfg.Server.IdleTimeout,
		MaxHeaderBytes:    int(cfg.Limits.Header),
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), errorLevel),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: cfg.Sockets.Streams,
			MaxReadFrameSize:     largestFrame,
			SendPingTimeout:      pingAfter, // finds clients that vanished in the middle of an answer
			PingTimeout:          pingTimeout,
		},
	}
}
