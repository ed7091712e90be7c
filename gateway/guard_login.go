package gateway

import (
	"context"
	"net/http"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/upstream"
)

// settleLogin counts what became of the password of a login, and makes its
// refusal say no more than it must.
func (g *Gateway) settleLogin(x *exchange, answer *upstream.LoginAnswer, err error) error {
	ctx := x.r.Context()
	switch {
	case unsigned(err):
		return g.unreported(ctx, x, err)
	case err != nil:
		g.abandon(x, err)
		return err
	}
	err = g.settleAnswered(ctx, x, answer)
	g.showAddress(x)
	return err
}

func (g *Gateway) settleAnswered(ctx context.Context, x *exchange, answer *upstream.LoginAnswer) error {
	checks := loginChecks(answer)
	switch {
	case !g.guards():
		return nil
	case len(checks) > 0:
		return g.settleChecked(ctx, x, answer, checks)
	case answer.Report != nil, notAsked(&answer.Answer), unchecked[codeOf(answer.Body)]:
		g.undecided(ctx, x, string(codeOf(answer.Body)))
		return nil
	}
	return g.unreported(ctx, x, nil)
}

func (g *Gateway) settleChecked(ctx context.Context, x *exchange, answer *upstream.LoginAnswer, checks []upstream.Check) error {
	err := g.settle(ctx, x, checks)
	if err != nil || !refusedAny(checks) || !g.cfg.Guarding.UniformErrors {
		return err
	}
	text, ok := uniform(answer.Body)
	if !ok || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusForbidden {
		return g.refuseUniformly(ctx, x, nil) // ?_fields= leaves parts out, a redirect says something else
	}
	answer.Body = text
	return g.waitForRefusal(ctx, x)
}

// unchecked are codes of answers that WordPress gives before it looks at a
// password: over plain http in production CoCart looks at none, and the plugin
// lets none be looked at where it does not believe the gateway. They count where
// the plugin is too old to say so itself.
var unchecked = map[respond.Code]bool{respond.NotAuthorized: true, respond.BadAssertion: true, respond.Required: true}

func codeOf(text []byte) respond.Code {
	members, _ := wprequest.ParseObject(text)
	return respond.Code(members.Text("code"))
}

func (g *Gateway) showAddress(x *exchange) {
	if x.attempt.counted != nil {
		x.w.limit = x.attempt.counted.State()
	}
}

// loginChecks is what the plugin says of a login; its signed word on whose session
// may begin is one, too.
func loginChecks(answer *upstream.LoginAnswer) []upstream.Check {
	if answer.Account != nil {
		return []upstream.Check{{UserID: answer.Account.UserID, Result: upstream.AttemptAccepted, Times: 1}}
	}
	if answer.Report == nil {
		return nil
	}
	return answer.Report.Checks
}
