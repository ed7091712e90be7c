package admin

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

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
