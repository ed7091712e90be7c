package admin

import (
	"net/http"
	"strconv"

	"cocart-gateway/gateway/respond"
)

// oauthToken returns the parameter token. It has to be in a form (RFC 7009 section 2.1, RFC 7662 section 2.1): a token in a
// URL ends up in logs.
func oauthToken(r *http.Request) (string, error) {
	form, err := readForm(r)
	if err != nil {
		return "", err
	}
	token := form.Get("token")
	if token == "" {
		return "", badRequest("The form parameter token is missing.")
	}
	return token, nil
}

// revoke ends the session of a token (RFC 7009). It answers 200 also for an invalid token (section 2.2).
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) error {
	token, err := oauthToken(r)
	if err != nil {
		return err
	}
	if err := h.authority.Revoke(r.Context(), token); err != nil {
		return err
	}
	h.logChange(r, "revoke token")
	respond.JSON(w, r, http.StatusOK, struct{}{})
	return nil
}

// introspect describes a token (RFC 7662). The answer says nothing else about one that is not active (section 2.2).
func (h *Handler) introspect(w http.ResponseWriter, r *http.Request) error {
	token, err := oauthToken(r)
	if err != nil {
		return err
	}
	i, err := h.authority.Introspect(r.Context(), token)
	if err != nil {
		return err
	}
	answer := struct {
		Active    bool   `json:"active"`
		TokenType string `json:"token_type,omitempty"`
		Subject   string `json:"sub,omitempty"`
		Username  string `json:"username,omitempty"`
		Session   string `json:"sid,omitempty"`
		IssuedAt  int64  `json:"iat,omitempty"`
		Expiry    int64  `json:"exp,omitempty"`
	}{Active: i.Active, Username: i.Login, Session: i.Session}
	if i.Active {
		answer.TokenType = "Bearer"
		if i.Refresh {
			answer.TokenType = "refresh_token"
		}
		answer.Subject = strconv.FormatInt(i.UserID, 10)
		answer.IssuedAt, answer.Expiry = i.IssuedAt.Unix(), i.Expiry.Unix()
	}
	respond.JSON(w, r, http.StatusOK, answer)
	return nil
}
