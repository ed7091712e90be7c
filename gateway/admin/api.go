package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

// apiHandler answers one call of the API. An error that it returns becomes the answer.
type apiHandler func(http.ResponseWriter, *http.Request) error

// addAPI adds the administration API. Every call needs the token; bodies and answers are JSON:
//
//	GET    /sessions[?…]              a page of the live sessions; the parameters are those of package listing
//	GET    /sessions/{id}             one session, also for some days after its end
//	DELETE /sessions/{id}             end a session
//	DELETE /sessions?user_id=N        end all sessions of a user
//	DELETE /sessions?all=true         end all sessions
//	POST   /tokens                    {"user_id": N[, "fingerprint": "…", "login": "…"]}: start a session
//	POST   /tokens/inspect            {"token": "…"}: what it contains, whether it is valid, and if not why
//	GET    /lockouts, DELETE /lockouts  see lockouts.go
//	GET    /config, POST /reload      see configuration.go
//	POST   /oauth/…                   see oauth.go
func (h *Handler) addAPI(cfg Config) {
	protected := h.requireToken(cfg.Token)
	for pattern, handle := range map[string]apiHandler{
		"GET /sessions":         h.listSessions,
		"GET /sessions/{id}":    h.showSession,
		"DELETE /sessions/{id}": h.endSession,
		"DELETE /sessions":      h.endSessions,
		"POST /tokens":          h.createTokens,
		"POST /tokens/inspect":  h.inspectToken,
	} {
		h.mux.Handle(pattern, protected(handle))
	}
	if cfg.Lockouts != nil {
		h.addLockouts(cfg.Lockouts, protected)
	}
	h.addConfiguration(cfg.Configuration, protected)
	if cfg.OAuth {
		h.mux.Handle("POST /oauth/revoke", protected(h.revoke))
		h.mux.Handle("POST /oauth/introspect", protected(h.introspect))
	}
}

// logChange records a change: a holder of the token can act as any customer. The attributes must not contain text of a
// client.
func (h *Handler) logChange(r *http.Request, action string, about ...slog.Attr) {
	h.logFrom(r, slog.LevelInfo, "administration", append([]slog.Attr{slog.String("action", action)}, about...)...)
}

func (h *Handler) logFrom(r *http.Request, level slog.Level, message string, about ...slog.Attr) {
	client := r.RemoteAddr // not an address for a unix socket
	if peer, err := netip.ParseAddrPort(client); err == nil {
		client = peer.Addr().Unmap().String()
	}
	h.log.LogAttrs(r.Context(), level, message, append(about, slog.String("client", client))...)
}

// failureOf returns the answer to an error. It contains the cause, because clients of this listener are operators.
func failureOf(err error) *respond.Failure {
	var f *respond.Failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, tokens.Unknown):
		return respond.Fail(respond.NoSuchSession)
	case errors.Is(err, tokens.Malformed):
		return badRequest("Not the id of a session.")
	case errors.Is(err, tokens.ErrUnavailable):
		return respond.Fail(respond.StoreUnavailable).WithMessage(err.Error())
	}
	return respond.Fail(respond.Internal).WithMessage(err.Error())
}

func badRequest(message string) *respond.Failure {
	return respond.Fail(respond.BadRequest).WithMessage(message)
}

func (h *Handler) listSessions(w http.ResponseWriter, r *http.Request) error {
	q, err := listing.Parse(r.URL.Query())
	if err != nil {
		return badRequest(sentence(err))
	}
	page, err := listing.Sessions(r.Context(), h.authority, q)
	switch {
	case errors.Is(err, tokens.ErrUnavailable):
		return err
	case err != nil:
		return badRequest(sentence(err))
	}
	respond.JSON(w, r, http.StatusOK, page)
	return nil
}

// sentence returns the text of an error as a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

var errNotUser = badRequest(sentence(listing.ErrUser))

// userParameter returns the parameter user_id, or 0 without one.
func userParameter(q url.Values) (int64, error) {
	text := q.Get("user_id")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, errNotUser
	}
	return id, nil
}

func (h *Handler) showSession(w http.ResponseWriter, r *http.Request) error {
	s, state, err := h.authority.SessionState(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if state == tokens.StateUnknown {
		return tokens.Unknown
	}
	respond.JSON(w, r, http.StatusOK, struct {
		tokens.Session
		State tokens.State `json:"state"`
	}{s, state})
	return nil
}

func (h *Handler) endSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := h.authority.Session(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	if err := h.authority.EndSession(r.Context(), r.PathValue("id"), tokens.CauseAdmin); err != nil {
		return err
	}
	h.logChange(r, "end session", slog.String("session", r.PathValue("id")))
	respond.JSON(w, r, http.StatusOK, map[string]int{"ended": 1})
	return nil
}

// endSessions requires a parameter that says whose sessions end, so that a forgotten one ends none.
func (h *Handler) endSessions(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := onlyParameters(q, "user_id", "all"); err != nil {
		return err
	}
	user, err := userParameter(q)
	all := q.Get("all") == "true"
	switch {
	case err != nil:
		return err
	case all == (user != 0):
		return badRequest("Name the sessions to end: user_id=N or all=true, not both.")
	case all:
		if err := h.authority.EndAll(r.Context(), tokens.CauseAdmin); err != nil {
			return err
		}
		h.logChange(r, "end all sessions")
		respond.JSON(w, r, http.StatusOK, map[string]string{"ended": "all"})
		return nil
	}
	n, err := h.authority.EndUser(r.Context(), user, "", tokens.CauseAdmin)
	if err != nil {
		return err
	}
	h.logChange(r, "end sessions", slog.String("user", strconv.FormatInt(user, 10)), slog.Int("sessions", n))
	respond.JSON(w, r, http.StatusOK, map[string]int{"ended": n})
	return nil
}

// IssuedTokens are the tokens of a new session, for programs.
type IssuedTokens struct {
	UserID         int64     `json:"user_id"`
	Session        string    `json:"session"`
	AccessToken    string    `json:"access_token"`
	AccessExpires  time.Time `json:"access_expires"`
	RefreshToken   string    `json:"refresh_token"`
	RefreshExpires time.Time `json:"refresh_expires"`
}

// Issued returns the tokens of a new session of a user.
func Issued(user int64, pair tokens.Pair) IssuedTokens {
	return IssuedTokens{UserID: user, Session: pair.Session, AccessToken: pair.Access, AccessExpires: pair.AccessExpiry.UTC(),
		RefreshToken: pair.Refresh, RefreshExpires: pair.RefreshExpiry.UTC()}
}

// createTokens starts a session, as cocart-gateway tokens create does. Without a fingerprint in the request it takes that of
// the user's newest live session.
func (h *Handler) createTokens(w http.ResponseWriter, r *http.Request) error {
	var wanted struct {
		UserID             int64 `json:"user_id"`
		Fingerprint, Login string
	}
	if err := readJSON(r, &wanted); err != nil {
		return err
	}
	if wanted.UserID < 1 {
		return errNotUser
	}
	identity, err := h.authority.Recall(r.Context(), tokens.Identity{UserID: wanted.UserID, Login: wanted.Login, Fingerprint: wanted.Fingerprint})
	if err != nil {
		return err
	}
	if identity.Fingerprint == "" {
		return respond.Fail(respond.FingerprintNeeded)
	}
	pair, err := h.authority.Issue(r.Context(), identity, tokens.Client{Device: "cocart-gateway administration"})
	if err != nil {
		return err
	}
	h.logChange(r, "start session", slog.String("user", strconv.FormatInt(wanted.UserID, 10)), slog.String("session", pair.Session))
	respond.JSON(w, r, http.StatusCreated, Issued(wanted.UserID, pair))
	return nil
}

func (h *Handler) inspectToken(w http.ResponseWriter, r *http.Request) error {
	var wanted struct{ Token string }
	if err := readJSON(r, &wanted); err != nil {
		return err
	}
	if wanted.Token == "" {
		return badRequest("The member token is missing.")
	}
	inspection, err := h.authority.Inspect(r.Context(), wanted.Token)
	if err != nil {
		return err
	}
	respond.JSON(w, r, http.StatusOK, struct {
		Good bool `json:"good"`
		tokens.Inspection
	}{inspection.Rejection == "", inspection})
	return nil
}
