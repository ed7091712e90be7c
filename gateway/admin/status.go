package admin

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/gateway/respond"
)

// Program is what the process says of itself. It is called from several goroutines.
type Program struct {
	Version, Revision string
	Started           time.Time
	// Keys and Certificates are those in force. Nil: there are none.
	Keys         func() []Key
	Certificates func() []Certificate
}

// Key is a signing key without its secret.
type Key struct {
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"`
	Use       string    `json:"use"` // "signs", "verifies" or "retired"
	RetireAt  time.Time `json:"retire_at,omitzero"`
}

// Certificate is one that the gateway shows to clients.
type Certificate struct {
	Names   []string  `json:"names"`
	Begins  time.Time `json:"begins"`
	Expires time.Time `json:"expires"`
}

// Status is the answer of GET /status.
type Status struct {
	Version      string        `json:"version"`
	Revision     string        `json:"revision"`
	Started      time.Time     `json:"started"`
	Now          time.Time     `json:"now"`
	Serving      Serving       `json:"serving"`
	Readiness    Readiness     `json:"readiness"`
	Keys         []Key         `json:"keys"`
	Certificates []Certificate `json:"certificates"`
}

// showStatus answers with what /servez and /readyz say, and with the dates of keys and certificates.
func (h *Handler) showStatus(w http.ResponseWriter, r *http.Request) error {
	s := Status{Version: h.program.Version, Revision: h.program.Revision, Started: h.program.Started.UTC(), Now: h.now().UTC(),
		Serving: h.Serving(), Readiness: h.Ready(r.Context()), Keys: []Key{}, Certificates: []Certificate{}}
	if h.program.Keys != nil {
		s.Keys = append(s.Keys, h.program.Keys()...)
	}
	if h.program.Certificates != nil {
		s.Certificates = append(s.Certificates, h.program.Certificates()...)
	}
	respond.JSON(w, r, http.StatusOK, s)
	return nil
}

// historyRoute answers with the samples of package history; with since=MS only those after a time.
func historyRoute(samples *history.History) route {
	return route{"GET", "/history", []string{"since"}, func(w http.ResponseWriter, r *http.Request) error {
		var since int64
		if text := r.URL.Query().Get("since"); text != "" {
			var err error
			if since, err = strconv.ParseInt(text, 10, 64); err != nil {
				return badRequest("since must be a number of milliseconds since 1970.")
			}
		}
		respond.JSON(w, r, http.StatusOK, samples.Since(time.UnixMilli(since)))
		return nil
	}}
}

// doctorRoute runs the doctor, one call after another: each asks Redis and WordPress some dozen questions.
func (h *Handler) doctorRoute(examine func(context.Context) any) route {
	return route{"POST", "/doctor", nil, func(w http.ResponseWriter, r *http.Request) error {
		h.examining.Lock()
		defer h.examining.Unlock()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // the doctor has deadlines of its own
		respond.JSON(w, r, http.StatusOK, examine(r.Context()))
		return nil
	}}
}
