package gateway

import (
	"context"
	"errors"
	"strings"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// settleUnannounced counts the passwords that WordPress checked for a request in
// which the gateway looks for none: wp-login.php, xmlrpc.php, the login forms of
// WooCommerce and of themes, login routes of other plugins. An attacker could
// otherwise guess there what is limited at CoCart's login.
//
// Whose password it is only WordPress knows, so the attempt is counted when it
// answers. If the account or the address has no attempts left, the client does not
// learn whether the password was right, and gets none of the cookies.
func (g *Gateway) settleUnannounced(ctx context.Context, x *exchange, answer *upstream.Answer) error {
	if answer.Report == nil || len(answer.Report.Checks) == 0 || g.cfg.Guarding.Attempts == nil {
		return nil
	}
	if !x.record.class.IsCoCart() && !g.cfg.Guarding.SiteLogin {
		return nil
	}
	for _, c := range answer.Report.Checks {
		g.metrics.attempts.WithLabelValues(attemptKind(x), string(resultOf(c))).Add(float64(c.Times))
	}
	counted, err := g.cfg.Guarding.Attempts.Begin(ctx, attempts.Try{Client: x.origin.Client})
	if err == nil {
		err = g.charge(ctx, x, counted, answer.Report.Checks)
	}
	if err != nil {
		return g.tooMany(x, err)
	}
	return nil
}

// wantsFault: clients of xmlrpc.php read faults only, and those with status 200.
func (x *exchange) wantsFault() bool {
	return !x.record.class.IsCoCart() && strings.HasSuffix(strings.ToLower(x.r.URL.Path), "/xmlrpc.php")
}

// wantsLoginPage: a form was sent from there, whatever the client says it accepts.
func (x *exchange) wantsLoginPage() bool {
	return !x.record.class.IsCoCart() && strings.HasSuffix(strings.ToLower(x.r.URL.Path), "/wp-login.php")
}

// isLimit reports whether a refusal is about limits.
func isLimit(f *Failure) bool {
	var e *attempts.Exceeded
	return errors.As(f, &e)
}
