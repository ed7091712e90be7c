package gateway

import (
	"maps"
	"net/http"
	"strings"

	"cocart-gateway/gateway/account"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// login answers POST …/v2/login. With credentials WordPress checks them and a
// session begins; with a valid bearer alone that session goes on, as with the
// PHP plugin. Beside credentials a bearer means nothing: SDKs send the stale
// one along.
func (g *Gateway) login(x *exchange) error {
	if err := wprequest.RefuseWrapping(x.classification.Query); err != nil {
		return err
	}
	b, err := bounds.Read(x.r, g.cfg.MaxLoginBody)
	if err != nil {
		return err
	}
	bearer, err := wprequest.BearerToken(x.r.Header)
	if err != nil {
		return err
	}
	x.dropCustomerCartKeys(b)
	found := x.input(b).Credentials()
	switch {
	case found.Complete(), bearer == "" && (!g.hasSessionCookie(x) || x.input(b).CarriesPassword()):
		err = g.startSession(x, b, found)
	case bearer == "":
		err = g.continueByCookie(x, b)
	case x.session.deliver:
		err = respond.Fail(respond.BadRequest).WithMessage("Cookie mode needs a user name and a password.")
	case g.passesOtherBearer(x, bearer):
		x.r.Body = bounds.PutBack(b.Raw, http.NoBody)
		return g.protected(x)
	default:
		err = g.continueSession(x, b, bearer)
	}
	if err != nil && x.record.outcome == "" {
		x.record.outcome = loginFailed
		g.metrics.logins.WithLabelValues(loginFailed).Inc()
	}
	return err
}

func (g *Gateway) startSession(x *exchange, b *wprequest.Body, found wprequest.Credentials) error {
	if repeated, err := g.answerRepeat(x, b); repeated || err != nil {
		return err
	}
	if err := g.beginAttempt(x, b, found); err != nil {
		return err
	}
	answered := x.measureWait()
	answer, err := g.wordpress.Login(x.r, g.loginCall(x, b, upstream.Assertion{Kind: upstream.Login}, found))
	answered()
	defer g.countAccepted(x)
	if err := g.settleLogin(x, answer, err); err != nil {
		return err
	}
	if err := g.applySessionEnds(x.r.Context(), x, upstream.Assertion{Kind: upstream.Login}, &answer.Answer); err != nil {
		return err
	}
	if answer.Account == nil {
		return g.relayRefusal(x, answer)
	}
	return g.answerAccount(x, answer)
}

// answerAccount begins a session of the customer whom WordPress vouches for. One in a cookie is always
// the gateway's: the browser gives the tokens back to no other.
func (g *Gateway) answerAccount(x *exchange, answer *upstream.LoginAnswer) error {
	who := answer.Account
	if !x.session.deliver {
		if pair, issued := g.plugin.LoginPair(g.pluginRequest(x, nil), answer); issued {
			x.record.user = who.UserID
			g.countAccepted(x)
			return g.answerLogin(x, answer, pair, loginAccepted)
		}
	}
	pair, err := g.authority.Issue(x.r.Context(), identity(who), x.client(), x.attempt.riders()...)
	if err != nil {
		return err
	}
	g.showAddress(x)
	x.record.user, x.record.session = who.UserID, pair.Session
	return g.answerLogin(x, answer, pair, loginAccepted)
}

// issued returns what a client gets of a pair. The old plugin does not say when its tokens
// expire.
func (g *Gateway) issued(pair tokens.Pair) account.Issued {
	expiry := pair.AccessExpiry
	if expiry.IsZero() {
		if access, err := g.authority.Verify(pair.Access); err == nil {
			expiry = access.Expiry
		}
	}
	return account.Issued{Access: pair.Access, Refresh: pair.Refresh, Expiry: expiry, Now: g.cfg.Now()}
}

// continueSession answers a client that is already logged in with the same access
// token, instead of beginning another session. It adds no refresh token: an access
// token is what leaks (logs, URLs, error reports) and is short-lived for that
// reason. A thief of one would otherwise get a session that renews itself
// (RFC 9700 section 4.14). compat.bearer_login_refresh adds the refresh token, as
// CoCart JWT Authentication does.
func (g *Gateway) continueSession(x *exchange, b *wprequest.Body, bearer string) error {
	access, err := g.verify(x, bearer)
	if err != nil {
		x.record.outcome = loginRefused
		g.metrics.logins.WithLabelValues(loginRefused).Inc()
		return err
	}
	answer, err := g.loginAs(x, b, access)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return g.relayRefusal(x, answer)
	}
	if !g.cfg.BearerLoginRefresh {
		return g.answerLogin(x, answer, tokens.Pair{Access: bearer, AccessExpiry: access.Expiry}, loginContinued)
	}
	if answer.Account != nil { // a token of the old plugin has no session to go on with
		return g.answerAccount(x, answer)
	}
	refresh, err := g.authority.Resume(x.r.Context(), access.Session)
	if err != nil {
		return err
	}
	return g.answerLogin(x, answer, tokens.Pair{Access: bearer, AccessExpiry: access.Expiry, Refresh: refresh}, loginContinued)
}

// continueByCookie is continueSession for a session cookie: the answer names the customer, and
// the cookie stays.
func (g *Gateway) continueByCookie(x *exchange, b *wprequest.Body) error {
	access, err := g.verifyCookie(x)
	if err != nil {
		return err
	}
	answer, err := g.loginAs(x, b, access)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return g.relayRefusal(x, answer)
	}
	return g.answerLogin(x, answer, tokens.Pair{}, loginContinued)
}

// loginAs has WordPress answer a login of a customer who is logged in.
func (g *Gateway) loginAs(x *exchange, b *wprequest.Body, access *tokens.Access) (*upstream.LoginAnswer, error) {
	answered := x.measureWait()
	answer, err := g.wordpress.Login(x.r, g.loginCall(x, b, customer(access), wprequest.Credentials{}))
	answered()
	if err != nil {
		return nil, err
	}
	return answer, g.applySessionEnds(x.r.Context(), x, customer(access), &answer.Answer)
}

func identity(who *upstream.Account) tokens.Identity {
	return tokens.Identity{UserID: who.UserID, Login: who.Login, Fingerprint: who.Fingerprint, Claims: who.Claims}
}

func (g *Gateway) loginCall(x *exchange, b *wprequest.Body, a upstream.Assertion, found wprequest.Credentials) *upstream.LoginCall {
	call := &upstream.LoginCall{
		Forwarding: upstream.Forwarding{Assertion: a, Origin: x.origin, ClientForPlugin: g.plugin.ClientAddress(x.origin)},
		Target:     x.target, Body: b.Raw, ContentType: x.r.Header.Get("Content-Type"),
		Username: found.Username, Password: found.Password,
	}
	path, _, hasQuery := strings.Cut(x.target, "?")
	if hasQuery {
		call.Target = strings.TrimSuffix(path+"?"+x.classification.Query.Without(skipsChecks), "?")
	}
	switch {
	case b.Multipart: // easier to rewrite as the form it stands for; PHP fills $_POST the same
		call.Body, call.ContentType = []byte(b.Form.Without(skipsChecks)), "application/x-www-form-urlencoded"
	case b.Form != nil:
		call.Body = []byte(b.Form.Without(skipsChecks))
	case b.Object.Has(skipsChecks):
		call.Body = b.Object.Without(skipsChecks).Encode()
	}
	return call
}

// skipsChecks names parameters that may not reach CoCart at login: since 4.8 it
// takes a request that merely has a consumer_key for one by API key, and asks
// for no second factor.
func skipsChecks(name string) bool { return strings.HasPrefix(name, "consumer_") }

// relayRefusal hands on what WordPress answered to a login it did not accept:
// a wrong password, a second factor to be given, a redirect.
func (g *Gateway) relayRefusal(x *exchange, answer *upstream.LoginAnswer) error {
	x.record.outcome = loginRefused
	members, _ := wprequest.ParseObject(answer.Body)
	switch code := members.Text("code"); {
	case strings.HasPrefix(code, "cocart_2fa_"):
		x.record.outcome = loginChallenge
	case answer.Status >= 500:
		x.record.outcome = loginFailed
	}
	g.metrics.logins.WithLabelValues(x.record.outcome).Inc()
	relay(x, answer, answer.Body)
	return nil
}

func (g *Gateway) answerLogin(x *exchange, answer *upstream.LoginAnswer, pair tokens.Pair, result string) error {
	text, err := g.putTokens(x, answer.Body, pair)
	if err != nil {
		return err
	}
	x.record.outcome = result
	g.metrics.logins.WithLabelValues(result).Inc()
	relay(x, answer, text)
	return nil
}

// relay sends WordPress's answer with its own headers.
func relay(x *exchange, answer *upstream.LoginAnswer, text []byte) {
	x.relayed = true
	h := x.w.Header()
	maps.Copy(h, answer.Header)
	h.Del("Etag") // it named another text
	h.Set("Cache-Control", "no-store")
	respond.Bytes(x.w, x.r, answer.Status, text, h.Get("Content-Type"))
}
