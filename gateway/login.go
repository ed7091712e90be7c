package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"cocart-gateway/gateway/account"
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
	b, err := readBody(x.r, g.cfg.MaxLoginBody)
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
	case bearer == "" || found.Complete():
		err = g.startSession(x, b, found)
	case g.passesOtherBearer(x, bearer):
		x.r.Body = putBack(b.Raw, http.NoBody)
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

// answerAccount begins a session of the customer whom WordPress vouches for.
func (g *Gateway) answerAccount(x *exchange, answer *upstream.LoginAnswer) error {
	who := answer.Account
	if pair, issued := g.plugin.LoginPair(g.pluginRequest(x, nil), answer); issued {
		x.record.user = who.UserID
		return g.answerLogin(x, answer, g.issued(pair), loginAccepted)
	}
	pair, err := g.authority.Issue(x.r.Context(), identity(who), x.client())
	if err != nil {
		return err
	}
	x.record.user, x.record.session = who.UserID, pair.Session
	return g.answerLogin(x, answer, g.issued(pair), loginAccepted)
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
	answered := x.measureWait()
	answer, err := g.wordpress.Login(x.r, g.loginCall(x, b, customer(access), wprequest.Credentials{}))
	answered()
	if err != nil {
		return err
	}
	if err := g.applySessionEnds(x.r.Context(), x, customer(access), &answer.Answer); err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return g.relayRefusal(x, answer)
	}
	if !g.cfg.BearerLoginRefresh {
		return g.answerLogin(x, answer, account.Issued{Access: bearer, Expiry: access.Expiry, Now: g.cfg.Now()}, loginContinued)
	}
	if answer.Account != nil { // a token of the old plugin has no session to go on with
		return g.answerAccount(x, answer)
	}
	refresh, err := g.authority.Resume(x.r.Context(), access.Session)
	if err != nil {
		return err
	}
	return g.answerLogin(x, answer, account.Issued{Access: bearer, Refresh: refresh, Expiry: access.Expiry, Now: g.cfg.Now()}, loginContinued)
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

func (g *Gateway) answerLogin(x *exchange, answer *upstream.LoginAnswer, issued account.Issued, result string) error {
	text, err := g.putTokens(x, answer.Header, answer.Body, issued)
	if err != nil {
		return fmt.Errorf("%w: %w", upstream.ErrBadReply, err)
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

// putTokens puts the tokens of a session into an answer of WordPress, which has the header h. Each answer of WordPress that
// gives tokens to a client passes here: of a login, and of any route in whose answer WordPress begins a session (package
// grant).
func (g *Gateway) putTokens(x *exchange, _ http.Header, text []byte, issued account.Issued) ([]byte, error) {
	return issued.AddTo(text, x.classification.Alias)
}
