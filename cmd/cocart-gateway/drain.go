package main

import (
	"net/http"
	"sync/atomic"
)

// leaving tells clients, from a moment on, that the connection ends with the answer they read. So they open their next
// one to whoever serves by then, and none of them sends a request into a connection that is being closed: the one
// case in which a restart would lose one.
type leaving struct{ begun atomic.Bool }

// telling wraps the public handler. HTTP/2 turns the header into GOAWAY (RFC 9113 section 6.8).
func (l *leaving) telling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&tellingWriter{ResponseWriter: w, leaving: l}, r)
	})
}

// tellingWriter writes an answer, which is the last on its connection if the gateway drains by the time the header is
// written: the request may have begun before. Unwrap lets http.ResponseController reach what is behind it.
type tellingWriter struct {
	http.ResponseWriter
	leaving *leaving
	said    bool
}

// WriteHeader leaves a 101 alone: an upgrade has its own Connection header. Who only asks for one is told, too: some
// clients ask for h2c each time.
func (w *tellingWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.said {
		w.said = true
		if w.leaving.begun.Load() {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *tellingWriter) Write(b []byte) (int, error) {
	if !w.said {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *tellingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// drain leads clients away while everything is still served: /servez fails, so that load balancers look elsewhere,
// and clients with a connection are told to open another. It returns after server.drain_delay, or when a listener
// failed.
func (p *program) drain(failed <-chan error) error {
	cfg := p.inForce()
	p.log.Info("draining", "delay", cfg.Sockets.DrainDelay.String(), "at_most", cfg.Server.ShutdownTimeout.String())
	p.notify.stopping()
	p.admin.Drain()
	p.leaving.begun.Store(true)
	select {
	case <-p.after(cfg.Sockets.DrainDelay):
		return nil
	case err := <-failed:
		return err
	}
}
