package gateway

import (
	"net/http"
	"strings"

	"cocart-gateway/upstream"
)

// settleLogin counts what became of the password of a login, and makes its
// refusal say no more than it must.
func (g *Gateway) settleLogin(x *exchange, answer *upstream.LoginAnswer, err error) error {
	if err != nil {
		g.abandon(x, err)
		return err
	}
	x.attempt.assumed = answer.Attempt == nil
	said, judged := loginAttempt(answer)
	if !judged {
		g.abandon(x, nil)
		g.showAddress(x)
		return nil
	}
	err = g.settle(x.r.Context(), x, said)
	g.showAddress(x)
	if err != nil || said.Result != upstream.AttemptRefused || !g.cfg.Guarding.UniformErrors {
		return err
	}
	answer.Body = uniform(answer.Body)
	return g.waitForRefusal(x.r.Context(), x)
}

func (g *Gateway) showAddress(x *exchange) {
	if x.attempt.counted != nil {
		x.w.limit = x.attempt.counted.State()
	}
}

// loginAttempt is what the plugin says of a login, or else what the answer says.
// Without credentials nothing was judged, and whom the shop's own code turned away
// gave the right password.
func loginAttempt(answer *upstream.LoginAnswer) (upstream.Attempt, bool) {
	if answer.Account != nil {
		return upstream.Attempt{UserID: answer.Account.UserID, Result: upstream.AttemptAccepted}, true
	}
	members, _ := parseObject(answer.Body)
	code := memberString(members, "code")
	var said upstream.Attempt
	switch {
	case answer.Attempt != nil && answer.Attempt.Result != upstream.AttemptAccepted:
		return *answer.Attempt, true
	case code == "cocart_2fa_invalid_code", code == "cocart_2fa_invalid":
		said.Result = upstream.AttemptCodeRefused
	case strings.HasPrefix(code, "cocart_2fa_"):
		said.Result = upstream.AttemptChallenge
	case answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden, code == "cocart_rest_not_authorized", code == codeNotAllowed:
		return said, false
	default:
		said.Result = upstream.AttemptRefused
	}
	return said, true
}
