package gateway

import (
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
)

// validate answers POST …/jwt/validate-token. The data member is more than the
// PHP plugin sends; the Flutter SDK looks for it.
func (g *Gateway) validate(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.verdict.Query); err != nil {
		return err
	}
	if err := g.allow(x, attempts.Validate); err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return err
	}
	if bearer == "" {
		return respond.Fail(respond.Forbidden)
	}
	if _, err := g.verify(x, bearer); err != nil {
		return err
	}
	writeMessage(x, "Token is valid.")
	return nil
}

// writeMessage answers 200 as the JWT plugin does where there is nothing but
// a sentence to say.
func writeMessage(x *exchange, text string) {
	type data struct {
		Status int `json:"status"`
	}
	respond.JSON(x.w, x.r, http.StatusOK, struct {
		Message string `json:"message"`
		Data    data   `json:"data"`
	}{text, data{http.StatusOK}})
}
