package gateway

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"

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
		return g.answerLogin(x, answer, pair.Access, pair.Refresh, loginAccepted)
	}
	pair, err := g.authority.Issue(x.r.Context(), identity(who), x.client())
	if err != nil {
		return err
	}
	x.record.user, x.record.session = who.UserID, pair.Session
	return g.answerLogin(x, answer, pair.Access, pair.Refresh, loginAccepted)
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
		return g.answerLogin(x, answer, bearer, "", loginContinued)
	}
	if answer.Account != nil { // a token of the old plugin has no session to go on with
		return g.answerAccount(x, answer)
	}
	refresh, err := g.authority.Resume(x.r.Context(), access.Session)
	if err != nil {
		return err
	}
	return g.answerLogin(x, answer, bearer, refresh, loginContinued)
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

func (g *Gateway) answerLogin(x *exchange, answer *upstream.LoginAnswer, access, refresh, result string) error {
	text, err := addTokens(answer.Body, access, refresh, x.classification.Alias)
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

// addTokens puts the tokens into extras of CoCart's answer, the refresh token only
// if it is not empty, and leaves every other byte of its values as it is. An empty PHP array arrives as []; a list
// becomes the object PHP would make of it.
func addTokens(text []byte, access, refresh string, alias bool) ([]byte, error) {
	members, err := wprequest.ParseObject(text)
	if err != nil {
		return nil, upstream.ErrBadReply
	}
	if alias {
		members = addPair(members, access, refresh)
	}
	extras := wprequest.ExtrasOf(members)
	extras = append(extras.Without(func(name string) bool { return name == "jwt_token" || name == "jwt_refresh" }),
		wprequest.Member{Name: "jwt_token", Value: quoted(access)})
	if refresh != "" {
		extras = append(extras, wprequest.Member{Name: "jwt_refresh", Value: quoted(refresh)})
	}
	for i, m := range members {
		if m.Name == "extras" {
			members[i].Value = extras.Encode()
			return members.Encode(), nil
		}
	}
	return append(members, wprequest.Member{Name: "extras", Value: extras.Encode()}).Encode(), nil // CoCart before 3.8.1
}

// quoted returns a token as JSON. A filter of the shop may give the old plugin's tokens any characters.
func quoted(token string) json.RawMessage {
	text, _ := json.Marshal(token) // a text always can
	return text
}

// addPair puts the tokens of a login under its alias where these SDKs look for
// them, in front of CoCart's own answer.
func addPair(members wprequest.Object, access, refresh string) wprequest.Object {
	rest := members.Without(func(name string) bool { return name == "token" || name == "refresh_token" })
	pair := wprequest.Object{{Name: "token", Value: quoted(access)}}
	if refresh != "" {
		pair = append(pair, wprequest.Member{Name: "refresh_token", Value: quoted(refresh)})
	}
	return append(pair, rest...)
}
