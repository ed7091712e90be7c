package gateway

import (
	"context"
	"errors"

	"cocart-gateway/tokens"
)

// logout answers POST …/v1/logout and …/v2/logout. It ends the session of the
// access token, the only one a client sends, and then lets WordPress do its
// part; should that fail, the session has ended all the same.
func (g *Gateway) logout(x *exchange) error {
	err := g.endSession(x)
	if errors.Is(err, errLoggedOut) {
		writeMessage(x, "You have been logged out.")
		return nil
	}
	return err
}

func (g *Gateway) endSession(x *exchange) error {
	bearer, err := bearerToken(x.r.Header)
	if err != nil {
		return err
	}
	if bearer == "" || g.passesOtherBearer(x, bearer) {
		return g.protected(x)
	}
	access, err := g.verify(x, bearer)
	if err != nil {
		return err
	}
	// Many an app hangs up as soon as it has said this; it counts, here and there.
	x.r = x.r.WithContext(context.WithoutCancel(x.r.Context()))
	if access.Session == "" {
		return g.endPlugins(x, access)
	}
	if err := g.authority.EndSession(x.r.Context(), access.Session, tokens.CauseLogout); err != nil {
		return err
	}
	return g.forward(x, customer(access))
}
