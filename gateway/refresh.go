package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
)

// refresh answers POST …/jwt/refresh-token. The Authorization header is not
// looked at: every SDK sends the access token that has just expired. WordPress
// is not asked, but for tokens of the old plugin (oldplugin.go).
func (g *Gateway) refresh(x *exchange) error {
	if err := refuseWrapping(x.verdict.query); err != nil {
		return err
	}
	if err := g.allow(x, attempts.Refresh); err != nil {
		return err
	}
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	token, err := refreshToken(x, b)
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

// refreshToken finds the token in WordPress's parameter order
// (WP_REST_Request::get_parameter_order): JSON, form, query.
func refreshToken(x *exchange, b *body) (string, error) {
	if isJSON := mediaType(x.r.Header.Get("Content-Type")) == mediaJSON; isJSON && b.object == nil && !blank(b.raw) {
		return "", &Failure{Status: http.StatusBadRequest, Code: "rest_invalid_json", Message: "Invalid JSON body passed."}
	}
	if raw, ok := memberValue(b.object, "refresh_token"); ok && string(raw) != "null" {
		var token string
		if err := json.Unmarshal(raw, &token); err != nil {
			return "", badRefreshToken()
		}
		return required(token)
	}
	for _, ps := range []params{b.form, x.verdict.query} {
		p, ok := ps.last("refresh_token")
		switch {
		case ok && p.array:
			return "", badRefreshToken()
		case ok:
			return required(p.value)
		}
	}
	return required("")
}

func required(token string) (string, error) {
	if token == "" {
		return "", &Failure{Status: http.StatusBadRequest, Code: "cocart_jwt_auth_missing_refresh_token", Message: "Refresh token is required."}
	}
	return token, nil
}

func badRefreshToken() *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "rest_invalid_param", Message: "Invalid parameter(s): refresh_token. It must be a string."}
}

func blank(b []byte) bool { return len(phpTrim(string(b))) == 0 }
