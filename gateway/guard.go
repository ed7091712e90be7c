package gateway

import (
	"context"
	"errors"
	"time"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// Guarding is how passwords are protected from guessing.
type Guarding struct {
	// Attempts counts; nil means that nothing is counted or limited.
	Attempts *attempts.Guard
	// UniformErrors: a wrong password and an unknown user get one text, and wait
	// as long for it.
	UniformErrors bool
	// SiteLogin counts the passwords that are checked outside of CoCart's routes, at
	// wp-login.php, xmlrpc.php and by the shop's pages, on the same counters.
	SiteLogin bool
	// Now is the clock of that wait; nil means time.Now.
	Now func() time.Time
	// Wait lets time pass, or returns early with the context's error; nil means
	// that it really passes.
	Wait func(context.Context, time.Duration) error
}

// attempt is the password of a request on its way to WordPress; its zero value is
// that of a request without one.
type attempt struct {
	counted *attempts.Attempt
	settled bool
	began   time.Time
}

// beginAttempt counts a password before WordPress is asked about it. Too many
// are a 429.
func (g *Gateway) beginAttempt(x *exchange, b *wprequest.Body, found wprequest.Credentials) error {
	x.attempt = attempt{began: g.cfg.Guarding.now()}
	in := x.input(b)
	if err := in.CheckNames(); err != nil {
		return err
	}
	if g.cfg.Guarding.Attempts == nil {
		return nil
	}
	counted, err := g.cfg.Guarding.Attempts.Begin(x.r.Context(), attempts.Try{
		Names: in.Names(found), Password: found.Password, Client: x.origin.Client, Code: in.Holds("2fa_code"),
	})
	if err != nil {
		return g.refuseAttempt(x, err)
	}
	x.attempt.counted = counted
	return nil
}

// refuseAttempt is the answer while a counter refuses an attempt. An account that
// was locked under another of its names looks as an unknown name does: otherwise
// the first try of an e-mail address would tell whether it belongs to a name that
// an attacker has locked before.
func (g *Gateway) refuseAttempt(x *exchange, err error) error {
	var e *attempts.Exceeded
	if !errors.As(err, &e) || !e.Linked || !g.cfg.Guarding.UniformErrors {
		return g.tooMany(x, err)
	}
	g.limited(x, e)
	if x.record.class == wprequest.ClassLogin {
		x.w.limit = e.Place
	}
	return g.refuseUniformly(x.r.Context(), x, e)
}

// tryCredentials lets WordPress judge the password of a request that is no
// login.
func (g *Gateway) tryCredentials(x *exchange, a upstream.Assertion, b *wprequest.Body) error {
	if err := g.beginCredentials(x, b); err != nil {
		return err
	}
	err := g.forward(x, a)
	if unsigned(err) {
		return g.unreported(x.r.Context(), x, err)
	}
	g.abandon(x, err)
	return err
}

func (g *Gateway) beginCredentials(x *exchange, b *wprequest.Body) error {
	return g.beginAttempt(x, b, x.input(b).Credentials())
}

// abandon gives back what WordPress did not judge. A client that left keeps it
// counted: else it could leave before each answer.
func (g *Gateway) abandon(x *exchange, err error) {
	if x.attempt.counted == nil || x.attempt.settled {
		return
	}
	x.attempt.settled = true
	if err != nil && errors.Is(err, context.Canceled) {
		return
	}
	x.attempt.counted.Undecided(x.r.Context())
	g.metrics.attempts.WithLabelValues(attemptKind(x), attemptUndecided).Inc()
}

// allow counts a request for tokens that needs no password.
func (g *Gateway) allow(x *exchange, what attempts.Request) error {
	if g.cfg.Guarding.Attempts == nil {
		return nil
	}
	state, err := g.cfg.Guarding.Attempts.Allow(x.r.Context(), what, x.origin.Client)
	x.w.limit = state
	if err != nil {
		return g.tooMany(x, err)
	}
	return nil
}

func (c *Guarding) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
