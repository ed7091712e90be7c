package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"cocart-gateway/gateway/admin/listing"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

// listParameters are those of package listing, and user.
var listParameters = append([]string{"user"}, listing.Parameters...)

func (h *Handler) listSessions(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	user, err := h.userIn(r, values)
	if err != nil {
		return err
	}
	values.Del("user")
	q, err := listing.Parse(values)
	if err != nil {
		return badRequest(sentence(err))
	}
	q.UserID = user
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
	user, err := h.userIn(r, q)
	all := q.Get("all") == "true"
	switch {
	case err != nil:
		return err
	case all == (user != 0):
		return badRequest("Name the sessions to end: one of user_id=N, user=NAME and all=true.")
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
