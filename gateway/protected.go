package gateway

import (
	"errors"
	"net/http"

	"cocart-gateway/gateway/migration"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// protected answers every other CoCart route: as the customer of the bearer, as the
// account of the credentials once WordPress has checked them, or as a guest. An invalid
// bearer is refused here, without a request to PHP.
func (g *Gateway) protected(x *exchange) error {
	a, b, err := g.forwardAs(x)
	switch {
	case err != nil:
		return err
	case b != nil:
		return g.tryCredentials(x, a, b)
	case x.isJWTIndex():
		g.writeJWTIndex(x)
		return nil
	case g.answerJWTOptions(x, a):
		return nil
	}
	return g.forward(x, a)
}

// forwardAs returns the assertion with which a request is forwarded. It returns the body
// too if WordPress has to check a password in it or in the header.
func (g *Gateway) forwardAs(x *exchange) (upstream.Assertion, *wprequest.Body, error) {
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return upstream.Assertion{}, nil, err
	}
	passed := g.passesOtherBearer(x, bearer)
	if bearer != "" && !passed {
		access, err := g.verify(x, bearer)
		if err != nil {
			return upstream.Assertion{}, nil, err
		}
		return customer(access), nil, g.countUse(x, access.Session)
	}
	switch access, err := g.verifyCookie(x); {
	case err != nil:
		return upstream.Assertion{}, nil, err
	case access != nil:
		return customer(access), nil, g.countUse(x, access.Session)
	}
	if err := g.countUse(x, ""); err != nil {
		return upstream.Assertion{}, nil, err
	}
	b, err := g.cfg.Bounds.Peek(x.r)
	if err != nil {
		return upstream.Assertion{}, nil, err
	}
	switch {
	case passed && x.input(b).CarriesPassword(): // CoCart may take the password, so it is counted
		return migration.OtherBearerAssertion(x.r.Header, g.cfg.DenyGuests), b, nil
	case passed:
		return migration.OtherBearerAssertion(x.r.Header, g.cfg.DenyGuests), nil, nil
	case g.cfg.DenyGuests:
		return forwardAsNoGuest(x, b)
	}
	x.cookies = hasCookieLogin(x.r) && g.loginCookieCounts(x, b)
	switch {
	case x.input(b).CarriesPassword():
		return upstream.Assertion{Kind: upstream.Credentials}, b, nil
	case x.cookies:
		return upstream.Assertion{Kind: upstream.Credentials}, nil, nil
	}
	return upstream.Assertion{Kind: upstream.Guest}, nil, nil
}

// forwardAsNoGuest is forwardAs for a shop that refuses guests. CoCart serves a guest
// where it finds only part of a password or an invalid API key. So partial credentials
// are refused here, and the plugin refuses those by which no user is logged in.
func forwardAsNoGuest(x *exchange, b *wprequest.Body) (upstream.Assertion, *wprequest.Body, error) {
	switch {
	case x.input(b).CarriesWholePassword():
		return upstream.Assertion{Kind: upstream.Credentials, DenyGuests: true}, b, nil
	case x.r.Method == http.MethodOptions && x.classification.Method == http.MethodOptions: // a preflight never carries a token
		return upstream.Assertion{Kind: upstream.Guest}, nil, nil
	}
	return upstream.Assertion{}, nil, tokenRequired()
}

// shared answers a request with a bearer, or by session cookie, on a route of others that site.protect lists: as the customer,
// whom the must-use plugin admits on that route alone. An access token of another JWT plugin passes where compat.other_bearers
// says so.
func (g *Gateway) shared(x *exchange) error {
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return err
	}
	if g.passesOtherBearer(x, bearer) {
		return g.site(x)
	}
	verify := func() (*tokens.Access, error) { return g.verify(x, bearer) }
	if bearer == "" { // classifyProtected found a cookie that counts
		verify = func() (*tokens.Access, error) { return g.verifyCookie(x) }
	}
	access, err := verify()
	if err != nil {
		return err
	}
	if err := g.countUse(x, access.Session); err != nil {
		return err
	}
	a := customer(access)
	a.Protect = x.classification.Protect
	return g.forward(x, a)
}

// site forwards what is not CoCart's. WordPress decides as it does without the gateway.
func (g *Gateway) site(x *exchange) error {
	return g.forward(x, upstream.Assertion{Kind: upstream.Site})
}

// verify verifies a bearer token and records its user. It does no I/O.
func (g *Gateway) verify(x *exchange, bearer string) (*tokens.Access, error) {
	access, err := g.authority.Verify(bearer)
	if err != nil {
		var rejection tokens.Rejection
		if !errors.As(err, &rejection) {
			return nil, err
		}
		g.isOtherBearer(x, bearer, err)
		x.record.outcome = string(rejection)
		return nil, g.refusedToken(rejection)
	}
	x.record.user, x.record.session = access.UserID, access.Session
	return access, nil
}

// customer asserts the customer of an access token; without one it asserts nothing.
func customer(a *tokens.Access) upstream.Assertion {
	if a == nil {
		return upstream.Assertion{}
	}
	return upstream.Assertion{Kind: upstream.Customer, UserID: a.UserID, Session: a.Session, Fingerprint: a.Fingerprint, PAT: a.PAT}
}

func (x *exchange) client() tokens.Client {
	return tokens.Client{Address: x.origin.Client.String(), Device: x.r.UserAgent()}
}
