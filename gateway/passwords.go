package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cocart-gateway/gateway/repeats"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// attempt is the password of a request on its way to WordPress; its zero value is
// that of a request without one.
type attempt struct {
	counted *attempts.Attempt
	settled bool
	beside  *attempts.Acceptance // is counted when the session begins; nil if nothing is left to be counted
	began   time.Time
	refused bool // the password or the second factor; also where one is asked for
}

// beginAttempt counts a password before WordPress is asked about it. Too many
// are a 429.
func (g *Gateway) beginAttempt(x *exchange, b *wprequest.Body, found wprequest.Credentials) error {
	x.attempt = attempt{began: g.cfg.Passwords.now()}
	in := x.input(b)
	if err := in.CheckNames(); err != nil {
		return err
	}
	if g.cfg.Passwords.Attempts == nil {
		return nil
	}
	counted, err := g.cfg.Passwords.Attempts.Begin(x.inRedisTime(x.r.Context()), attempts.Try{
		Names: in.Names(found), Password: found.Password, Client: x.origin.Client, Code: in.Holds("2fa_code"),
	})
	if err != nil {
		return g.refuseAttempt(x, err)
	}
	x.attempt.counted = counted
	return nil
}

// refuseAttempt returns the answer while a counter refuses an attempt. An account that
// was locked under another of its names looks as an unknown name does: otherwise
// the first try of an e-mail address would show whether it belongs to a name that
// an attacker has locked before.
func (g *Gateway) refuseAttempt(x *exchange, err error) error {
	var e *attempts.Exceeded
	if !errors.As(err, &e) || !e.Linked || !g.cfg.Passwords.UniformErrors {
		return g.tooManyRequests(x, err)
	}
	g.recordLimit(x, e)
	if x.record.class == wprequest.ClassLogin {
		x.w.limit = e.Place
	}
	return g.refuseUniformly(x.r.Context(), x, e)
}

// tryCredentials forwards a request with a password that is not a login, for WordPress
// to check.
func (g *Gateway) tryCredentials(x *exchange, a upstream.Assertion, b *wprequest.Body) error {
	if repeated, err := g.answerRepeat(x, b); repeated || err != nil {
		return err
	}
	if err := g.beginCredentials(x, b); err != nil {
		return err
	}
	err := g.forward(x, a)
	if lacksSignature(err) {
		return g.unreported(x.inRedisTime(x.r.Context()), x, err)
	}
	g.abandon(x, err)
	return err
}

func (g *Gateway) beginCredentials(x *exchange, b *wprequest.Body) error {
	return g.beginAttempt(x, b, x.input(b).Credentials())
}

// abandon gives an attempt back that WordPress did not check. A client that left keeps it
// counted: else it could leave before each answer.
func (g *Gateway) abandon(x *exchange, err error) {
	if x.attempt.counted == nil || x.attempt.settled {
		return
	}
	x.attempt.settled = true
	if err != nil && errors.Is(err, context.Canceled) {
		x.attempt.counted.Left()
		return
	}
	x.attempt.counted.Undecided(x.inRedisTime(x.r.Context()))
	g.metrics.attempts.WithLabelValues(attemptKind(x), attemptUndecided).Inc()
}

// answerRepeat answers a request with a password that was refused a moment ago, as it was answered then, if the same client
// sends it again. The refusal takes as long as any other: it does not show that the name was known. A request whose body was
// not read is never the same.
func (g *Gateway) answerRepeat(x *exchange, b *wprequest.Body) (bool, error) {
	if !g.protectsPasswords() || x.w.arriving != nil && len(b.Raw) == 0 {
		return false, nil
	}
	name := g.repeats.NameOf(x.origin.Client, x.r, x.target, b.Raw)
	first := g.repeats.Find(name, g.cfg.Passwords.now())
	if first == nil {
		x.w.copied = &repeats.Copy{Name: name}
		return false, nil
	}
	x.attempt.began = g.cfg.Passwords.now()
	if g.cfg.Passwords.UniformErrors {
		if err := g.waitForRefusal(x.r.Context(), x); err != nil {
			return true, err
		}
	}
	g.metrics.attempts.WithLabelValues(attemptKind(x), attemptRepeated).Inc()
	x.record.outcome, x.record.failure, x.w.limit = first.Outcome, first.Failure, first.Limit
	if x.record.class == wprequest.ClassLogin {
		g.metrics.logins.WithLabelValues(first.Outcome).Inc()
	}
	first.Send(x.w)
	return true, nil
}

// rememberRefusal keeps the answer to a request whose password was refused.
func (g *Gateway) rememberRefusal(x *exchange) {
	answer := x.w.copied.Refusal()
	if answer == nil || !x.attempt.refused {
		return
	}
	answer.Outcome, answer.Failure, answer.Limit = x.record.outcome, x.record.failure, x.w.limit
	g.repeats.Keep(x.w.copied.Name, answer, g.cfg.Passwords.now())
}

// countRequest counts a request for tokens that needs no password.
func (g *Gateway) countRequest(x *exchange, what attempts.Request) error {
	if g.cfg.Passwords.Attempts == nil {
		return nil
	}
	state, err := g.cfg.Passwords.Attempts.Allow(x.r.Context(), what, x.origin.Client)
	x.w.limit = state
	if err != nil {
		return g.tooManyRequests(x, err)
	}
	return nil
}

// countUse counts a request on a route that has no limit of its own, once it is known whose it is and before its body is
// read. Each request in a batch counts. Without limits.requests it does nothing.
func (g *Gateway) countUse(x *exchange, session string) error {
	if g.cfg.Passwords.Attempts == nil || !g.cfg.Passwords.Attempts.CountsUse() {
		return nil
	}
	state, err := g.cfg.Passwords.Attempts.AllowUse(x.inRedisTime(x.r.Context()), attempts.Use{Client: x.origin.Client, Session: session, Times: x.classification.Batch.Len()})
	x.w.limit = state
	if err != nil {
		return g.tooManyRequests(x, err)
	}
	return nil
}

// refreshTicket begins to count a refresh. It is counted with what the refresh does in Redis, or by countAlone.
func (g *Gateway) refreshTicket(x *exchange) *attempts.Ticket {
	if g.cfg.Passwords.Attempts == nil {
		return &attempts.Ticket{}
	}
	return g.cfg.Passwords.Attempts.Ticket(attempts.Refresh, x.origin.Client)
}

// countAlone counts a request that comes to no refresh, and returns why: a client that sends nothing good has the same
// limit.
func (g *Gateway) countAlone(x *exchange, limit *attempts.Ticket, err error) error {
	refused := limit.Alone(x.r.Context())
	x.w.limit = limit.State()
	if refused != nil {
		return g.tooManyRequests(x, refused)
	}
	return err
}

func (c *PasswordConfig) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}

// uniformRefusal stands in for CoCart's texts, of which one says that the user is
// unknown and the other that the password is wrong.
const uniformRefusal = "Authentication failed. Please check your login details and try again."

// refusalStep is what the time of a refusal is rounded up to, from the beginning
// of the request. CoCart hashes a password for a known user only, which takes 10
// to 150 ms, and so shows which users exist. WordPress answers a wrong password
// within half a second even on a slow host; where it takes longer than one step
// the difference hides in the second one. People do not notice a second after
// they mistyped their password.
const refusalStep = time.Second

// waitForRefusal returns at the next whole step since the attempt began.
func (g *Gateway) waitForRefusal(ctx context.Context, x *exchange) error {
	elapsed := max(0, g.cfg.Passwords.now().Sub(x.attempt.began))
	rest := refusalStep - elapsed%refusalStep
	if wait := g.cfg.Passwords.Wait; wait != nil {
		return wait(ctx, rest)
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// uniform replaces the text of CoCart's refusal, and leaves its code and data. An
// answer of another shape is not a refusal of CoCart.
func uniform(text []byte) ([]byte, bool) {
	members, err := wprequest.ParseObject(text)
	if err != nil || respond.Code(members.Text("code")) != respond.Authentication || !members.Has(func(name string) bool { return name == "message" }) {
		return nil, false
	}
	message, _ := json.Marshal(uniformRefusal) // a string always encodes
	for i := range members {
		if members[i].Name == "message" {
			members[i].Value = message
		}
	}
	return members.Encode(), true
}
