package gateway

import (
	"errors"
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
)

// refresh answers POST …/jwt/refresh-token. The Authorization header is not
// looked at: every SDK sends the access token that has just expired. WordPress
// is not asked, but for tokens of the old plugin (oldplugin.go).
func (g *Gateway) refresh(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.verdict.Query); err != nil {
		return err
	}
	if err := g.allow(x, attempts.Refresh); err != nil {
		return err
	}
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	token, err := x.input(b).RefreshToken()
	if err != nil {
		return err
	}
	pair, who, err := g.redeem(x, b, token)
	x.record.user, x.record.session = who.UserID, pair.Session
	g.reportNotStored(x, token, pair.Outcome, err)
	var rejection tokens.Rejection
	if errors.As(err, &rejection) {
		x.record.verdict = string(rejection)
		return g.refusedRefresh(rejection)
	}
	if err != nil {
		return err
	}
	x.record.verdict = string(pair.Outcome)
	if g.cfg.Guarding.Attempts != nil {
		g.cfg.Guarding.Attempts.Seen(x.r.Context(), who.UserID, x.origin.Client)
	}
	respond.JSON(x.w, x.r, http.StatusOK, struct {
		Token        string `json:"token"`
		RefreshToken string `json:"refresh_token"`
	}{pair.Access, pair.Refresh})
	return nil
}
