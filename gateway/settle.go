package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/cluster"
	"cocart-gateway/upstream"
)

// settleForwarded counts the passwords that WordPress checked for a forwarded
// request, before the client sees any of the answer.
//
// An attacker looks for a form of request whose guesses are checked and not
// counted, or whose answer differs although it is counted: ?_jsonp=, ?_envelope,
// a redirect, a fatal error. So the plugin's signed report decides, and never the
// form of the answer: what it reports is counted, and an answer without a report
// is a refusal to the client.
func (g *Gateway) settleForwarded(ctx context.Context, x *exchange, answer *upstream.Answer) error {
	switch {
	case x.attempt.began.IsZero():
		return g.settleUnexpected(ctx, x, answer)
	case !g.protectsPasswords():
		return nil
	case passwordNotChecked(answer):
		g.undecided(ctx, x, answer.Refused)
		return nil
	case answer.Report == nil:
		return g.unreported(ctx, x, nil)
	case len(answer.Report.Checks) == 0:
		g.abandon(x, nil)
		return nil
	}
	if err := g.settle(ctx, x, answer.Report.Checks); err != nil {
		return err
	}
	if refusedAny(answer.Report.Checks) && g.cfg.Passwords.UniformErrors {
		return g.refuseUniformly(ctx, x, nil)
	}
	return nil
}

// protectsPasswords reports whether passwords are protected at all.
func (g *Gateway) protectsPasswords() bool {
	return g.cfg.Passwords.Attempts != nil || g.cfg.Passwords.UniformErrors
}

// passwordNotChecked reports whether an answer was made before a password could be checked:
// the plugin believed no assertion and keeps CoCart shut, or WordPress did not even
// load the plugin (its maintenance page, no database, no PHP).
func passwordNotChecked(answer *upstream.Answer) bool {
	return answer.Refused != "" || answer.Report == nil && !answer.Plugin && answer.Status >= http.StatusInternalServerError
}

// lacksSignature reports whether an answer was dropped because the plugin signed none of
// it, or something else. The password may have been checked all the same.
func lacksSignature(err error) bool {
	var f *respond.Failure
	ofBody := errors.As(err, &f) || errors.Is(err, pace.ErrSlow) || errors.Is(err, pace.ErrUnreadable)
	return !ofBody && (errors.Is(err, upstream.ErrNoPlugin) || errors.Is(err, upstream.ErrBadReply))
}

func refusedAny(checks []upstream.Check) bool {
	for _, c := range checks {
		if c.Result == upstream.AttemptRefused {
			return true
		}
	}
	return false
}

// refuseUniformly refuses a password in the same words and after the same time as any
// other.
func (g *Gateway) refuseUniformly(ctx context.Context, x *exchange, cause error) error {
	x.attempt.refused = true
	if err := g.waitForRefusal(ctx, x); err != nil {
		return err
	}
	return respond.Fail(respond.Authentication).WithMessage(uniformRefusal).Because(cause)
}

// unreported returns the answer where WordPress may have checked a password and does
// not say so: the plugin is too old, or something in PHP took its header away. The
// attempt stays counted for every name in the request.
func (g *Gateway) unreported(ctx context.Context, x *exchange, cause error) error {
	if !g.protectsPasswords() {
		return cause
	}
	if cause == nil {
		cause = errNoReport
	}
	if counted := x.attempt.counted; counted != nil && !x.attempt.settled {
		x.attempt.settled = true
		locks, _ := counted.Unreported(ctx) // the answer is a refusal in any case
		g.reportAttempt(ctx, x, upstream.Check{Result: attemptUnreported}, counted)
		g.reportLocks(ctx, x, locks)
	}
	g.metrics.attempts.WithLabelValues(attemptKind(x), string(attemptUnreported)).Inc()
	return g.refuseUniformly(ctx, x, cause)
}

var errNoReport = errors.Join(upstream.ErrNoPlugin, errors.New("the answer to a password has no report of the plugin"))

// undecided gives an attempt back that WordPress did not look at, and says why.
func (g *Gateway) undecided(ctx context.Context, x *exchange, why string) {
	g.abandon(x, nil)
	if why != "" {
		g.logEvent(ctx, x, accesslog.Undecided, slog.LevelWarn, "WordPress did not check the password", slog.String("cause", why))
	}
}

// settle counts the passwords of a request, once. Should an account turn out to be
// locked, by a name not seen before, the client does not read the answer. It reads
// that of a wrong password: an unknown name gets no other, so the lock does not say
// which names belong to one account.
func (g *Gateway) settle(ctx context.Context, x *exchange, checks []upstream.Check) error {
	for _, c := range checks {
		g.metrics.attempts.WithLabelValues(attemptKind(x), string(resultOf(c))).Add(float64(c.Times))
		x.attempt.refused = x.attempt.refused || c.Result != upstream.AttemptAccepted
	}
	if x.attempt.counted == nil || x.attempt.settled {
		return nil
	}
	x.attempt.settled = true
	if err := g.countChecks(ctx, x, x.attempt.counted, checks); err != nil {
		return g.refuseAttempt(x, err)
	}
	return nil
}

// settleAccepted counts the right password of a login with the beginning of its session, in one round trip to Redis, or later by
// countAccepted.
func (g *Gateway) settleAccepted(ctx context.Context, x *exchange, user int64) error {
	g.metrics.attempts.WithLabelValues(attemptKind(x), string(upstream.AttemptAccepted)).Inc()
	if x.attempt.counted == nil || x.attempt.settled {
		return nil
	}
	x.attempt.settled = true
	var err error
	if x.attempt.beside, err = x.attempt.counted.Accepting(ctx, user); err != nil {
		return g.refuseAttempt(x, err)
	}
	return nil
}

// countAccepted counts a right password that was not counted with the beginning of a session.
func (g *Gateway) countAccepted(x *exchange) {
	if x.attempt.beside != nil {
		x.attempt.beside.Alone(x.r.Context())
		g.showAddress(x)
	}
}

// riders returns what is counted with the beginning of a session.
func (a *attempt) riders() []cluster.Rider {
	if a.beside == nil {
		return nil
	}
	return []cluster.Rider{a.beside}
}

// countChecks counts each check to its account.
func (g *Gateway) countChecks(ctx context.Context, x *exchange, counted *attempts.Attempt, checks []upstream.Check) error {
	all := make([]attempts.Check, 0, len(checks))
	for _, c := range checks {
		all = append(all, attempts.Check{User: c.UserID, Result: attempts.Result(resultOf(c)), Times: c.Times})
	}
	locks, err := counted.Settle(ctx, all...)
	for _, c := range checks {
		g.reportAttempt(ctx, x, c, counted)
	}
	g.reportLocks(ctx, x, locks)
	return err
}

// resultOf returns the label of a check. An unknown name has a label of its own.
func resultOf(c upstream.Check) upstream.AttemptResult {
	if c.UserID == 0 && c.Result == upstream.AttemptRefused {
		return attemptUnknown
	}
	return c.Result
}

// reportAttempt writes the log of guesses: the account and the address, and never a
// name: people type passwords into that field.
func (g *Gateway) reportAttempt(ctx context.Context, x *exchange, c upstream.Check, counted *attempts.Attempt) {
	if c.Result == upstream.AttemptAccepted || c.Result == upstream.AttemptChallenge {
		return
	}
	account := counted.Account()
	if c.UserID > 0 {
		account = attempts.UserAccount(c.UserID)
	}
	attrs := []slog.Attr{slog.String("account", account), slog.String("result", string(resultOf(c)))}
	if c.Times > 1 {
		attrs = append(attrs, slog.Int("times", c.Times))
	}
	g.logEvent(ctx, x, accesslog.LoginRefused, slog.LevelInfo, "login refused", attrs...)
}

func (g *Gateway) reportLocks(ctx context.Context, x *exchange, locks []attempts.Lock) {
	for _, lock := range locks {
		g.logEvent(ctx, x, accesslog.LockedOut, slog.LevelWarn, "account locked out", slog.String("account", lock.Account),
			slog.String("scope", string(lock.Scope)), slog.String("until", lock.Until.UTC().Format(time.RFC3339)))
	}
}

// settleLogin counts what became of the password of a login, and makes its
// refusal say no more than it must.
func (g *Gateway) settleLogin(x *exchange, answer *upstream.LoginAnswer, err error) error {
	ctx := x.r.Context()
	switch {
	case lacksSignature(err):
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
	case !g.protectsPasswords():
		return nil
	case answer.Account != nil:
		return g.settleAccepted(ctx, x, answer.Account.UserID)
	case len(checks) > 0:
		return g.settleChecked(ctx, x, answer, checks)
	case answer.Report != nil, passwordNotChecked(&answer.Answer), unchecked[codeOf(answer.Body)]:
		g.undecided(ctx, x, string(codeOf(answer.Body)))
		return nil
	}
	return g.unreported(ctx, x, nil)
}

func (g *Gateway) settleChecked(ctx context.Context, x *exchange, answer *upstream.LoginAnswer, checks []upstream.Check) error {
	err := g.settle(ctx, x, checks)
	if err != nil || !refusedAny(checks) || !g.cfg.Passwords.UniformErrors {
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

// loginChecks returns the checks that the plugin reports for a login that it did not accept.
func loginChecks(answer *upstream.LoginAnswer) []upstream.Check {
	if answer.Report == nil {
		return nil
	}
	return answer.Report.Checks
}

// settleUnexpected counts the passwords that WordPress checked for a request in
// which the gateway looks for none: wp-login.php, xmlrpc.php, the login forms of
// WooCommerce and of themes, login routes of other plugins. An attacker could
// otherwise guess there what is limited at CoCart's login.
//
// Whose password it is only WordPress knows, so the attempt is counted when it
// answers. If the account or the address has no attempts left, the client does not
// learn whether the password was right, and gets none of the cookies.
func (g *Gateway) settleUnexpected(ctx context.Context, x *exchange, answer *upstream.Answer) error {
	if answer.Report == nil || len(answer.Report.Checks) == 0 || g.cfg.Passwords.Attempts == nil {
		return nil
	}
	if !x.record.class.IsCoCart() && !g.cfg.Passwords.SiteLogin {
		return nil
	}
	for _, c := range answer.Report.Checks {
		g.metrics.attempts.WithLabelValues(attemptKind(x), string(resultOf(c))).Add(float64(c.Times))
	}
	counted, err := g.cfg.Passwords.Attempts.Begin(ctx, attempts.Try{Client: x.origin.Client})
	if err == nil {
		err = g.countChecks(ctx, x, counted, answer.Report.Checks)
	}
	if err != nil {
		return g.tooManyRequests(x, err)
	}
	return nil
}

// readsFault reports whether the client reads XML-RPC faults, as those of xmlrpc.php do,
// and only with status 200.
func (x *exchange) readsFault() bool {
	return !x.record.class.IsCoCart() && strings.HasSuffix(strings.ToLower(x.r.URL.Path), "/xmlrpc.php")
}

// readsLoginPage reports whether the request is for wp-login.php, where a browser shows
// the answer, although the client may not say that it accepts HTML.
func (x *exchange) readsLoginPage() bool {
	return !x.record.class.IsCoCart() && strings.HasSuffix(strings.ToLower(x.r.URL.Path), "/wp-login.php")
}

// isLimit reports whether a refusal is about limits.
func isLimit(err error) bool {
	var e *attempts.Exceeded
	return errors.As(err, &e)
}
