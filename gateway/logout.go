package gateway

import (
	"context"
	"errors"
	"net/http"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
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
	bearer, err := wprequest.BearerToken(x.r.Header)
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

// errLoggedOut ends the forwarding of a logout under its alias.
var errLoggedOut = errors.New("the client is told of its logout in other words")

// holdLogout keeps CoCart's "true" from a client that takes nothing but a JSON
// object: the Flutter SDK would fail on it, and keep its tokens.
func (x *exchange) holdLogout(answer *upstream.Answer) error {
	if !x.verdict.Alias || x.verdict.Class != wprequest.ClassLogout || answer.Status != http.StatusOK {
		return nil
	}
	x.relayed = false
	if cookies := answer.Header["Set-Cookie"]; len(cookies) > 0 {
		x.w.Header()["Set-Cookie"] = cookies
	}
	return errLoggedOut
}
