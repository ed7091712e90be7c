package account

import (
	"net/http"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
)

// WriteMe answers whose token an access token is. It uses nothing but the token, so that
// it needs neither WordPress nor Redis. A token of the old plugin has no session.
func WriteMe(w http.ResponseWriter, r *http.Request, access *tokens.Access, now time.Time) {
	respond.JSON(w, r, http.StatusOK, struct {
		UserID    int64     `json:"user_id"`
		Username  string    `json:"username"`
		SessionID string    `json:"session_id,omitempty"`
		Issued    time.Time `json:"issued"`
		Expires   time.Time `json:"expires"`
		ExpiresIn int64     `json:"expires_in"`
	}{access.UserID, access.Login, access.Session, access.IssuedAt.UTC(), access.Expiry.UTC(), secondsUntil(access.Expiry, now)})
}
