package server

import "net/http"

// drain serves on while load balancers and clients go elsewhere: /servez fails, and each answer ends its connection. It
// returns after server.drain_delay, or when a listener failed.
func (s *Server) drain(failed <-chan error) error {
	cfg := s.Config()
	s.Log.Info("draining", "delay", cfg.Sockets.DrainDelay.String(), "at_most", cfg.Server.ShutdownTimeout.String())
	s.Notifier.stopping()
	s.draining.Store(true)
	select {
	case <-s.After(cfg.Sockets.DrainDelay):
		return nil
	case err := <-failed:
		return err
	}
}

// lastAnswers wraps a handler so that, while the gateway drains, each answer is the last on its connection. Clients then
// open their next connection to the gateway that serves by that time, and send no request into a connection that is
// being closed: the one case in which a restart would lose a request. HTTP/2 turns the header into GOAWAY (RFC 9113
// section 6.8).
func (s *Server) lastAnswers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&lastAnswerWriter{ResponseWriter: w, server: s}, r)
	})
}

// lastAnswerWriter decides when the header is written, because the request may have begun before the gateway drained.
// Unwrap lets http.ResponseController reach the writer behind it.
type lastAnswerWriter struct {
	http.ResponseWriter
	server  *Server
	decided bool
}

// WriteHeader leaves a 101 alone: an upgrade has its own Connection header. A request for an upgrade that is answered
// otherwise ends its connection, too: some clients ask for h2c each time.
func (w *lastAnswerWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.decided {
		w.decided = true
		if w.server.draining.Load() {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *lastAnswerWriter) Write(b []byte) (int, error) {
	if !w.decided {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *lastAnswerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
