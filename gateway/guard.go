package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

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
	assumed bool // what became of it was not reported by the plugin
	began   time.Time
}

// beginAttempt counts a password before WordPress is asked about it. Too many
// are a 429.
func (g *Gateway) beginAttempt(x *exchange, b *body, found credentials) error {
	x.attempt = attempt{began: g.cfg.Guarding.now()}
	if err := checkNames(x.r, x.verdict.query, b); err != nil {
		return err
	}
	if g.cfg.Guarding.Attempts == nil {
		return nil
	}
	counted, err := g.cfg.Guarding.Attempts.Begin(x.r.Context(), attempts.Try{
		Names: namesIn(x, b, found), Password: found.password, Client: x.origin.Client, Code: holds(x, b, "2fa_code"),
	})
	if err != nil {
		return g.tooMany(x, err)
	}
	x.attempt.counted = counted
	return nil
}

// namesIn returns every name in the request, first the one CoCart will take.
// Versions of CoCart differ in where they look, so each is counted.
func namesIn(x *exchange, b *body, found credentials) []string {
	names := []string{found.username, looseBasic(x.r.Header.Get("Authorization")).username}
	for _, name := range []string{"username", "consumer_key", "oauth_consumer_key"} {
		names = append(names, x.verdict.query.value(name), b.form.value(name), memberScalar(b.object, name))
	}
	return slices.DeleteFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" })
}

// looseBasic reads a Basic header as PHP's base64_decode does: what is no letter of
// the alphabet is passed over, and padding may be missing.
func looseBasic(header string) credentials {
	scheme, encoded := cutScheme(header)
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}
	}
	encoded = strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", r) {
			return r
		}
		return -1
	}, encoded)
	if len(encoded)%4 == 1 { // six bits are no byte
		encoded = encoded[:len(encoded)-1]
	}
	raw, _ := base64.RawStdEncoding.DecodeString(encoded) // cannot fail any more
	name, password, _ := strings.Cut(string(raw), ":")
	return credentials{name, password}
}

func holds(x *exchange, b *body, name string) bool {
	if _, ok := memberValue(b.object, name); ok {
		return true
	}
	_, inQuery := x.verdict.query.last(name)
	_, inForm := b.form.last(name)
	return inQuery || inForm
}

// tryCredentials lets WordPress judge the password of a request that is no
// login.
func (g *Gateway) tryCredentials(x *exchange, a upstream.Assertion, b *body) error {
	if err := g.beginCredentials(x, b); err != nil {
		return err
	}
	err := g.forward(x, a)
	g.abandon(x, err)
	return err
}

func (g *Gateway) beginCredentials(x *exchange, b *body) error {
	return g.beginAttempt(x, b, findCredentials(x.r, x.verdict.query, b))
}

// settleForwarded counts what became of the password of a forwarded request,
// before the client sees any of the answer. Without the plugin's word a 401 is a
// wrong password, and anything else forgives nothing: somebody's cookie may have
// been what counted.
func (g *Gateway) settleForwarded(ctx context.Context, x *exchange, answer *upstream.Answer) error {
	if x.attempt.began.IsZero() { // there is no password in this request
		return nil
	}
	said := answer.Attempt
	x.attempt.assumed = said == nil
	switch {
	case said != nil:
	case answer.Status == http.StatusUnauthorized, wrapped(x.verdict.query):
		said = &upstream.Attempt{Result: upstream.AttemptRefused}
	default:
		g.abandon(x, nil)
		return nil
	}
	if err := g.settle(ctx, x, *said); err != nil {
		return err
	}
	if answer.Attempt == nil || said.Result != upstream.AttemptRefused || !g.cfg.Guarding.UniformErrors {
		return nil
	}
	if err := g.waitForRefusal(ctx, x); err != nil {
		return err
	}
	// CoCart may have answered as to a guest, and then only that would tell.
	f := &Failure{Status: http.StatusUnauthorized, Code: codeAuthentication, Message: uniformRefusal}
	if answer.Status == http.StatusForbidden {
		f.Status = answer.Status
	}
	if f.Status == http.StatusUnauthorized {
		f.Challenge = challengeNone
	}
	return f
}

// wrapped: WordPress hides the status of its answer, so a wrong password looks
// like a right one.
func wrapped(query params) bool {
	_, ok := query.last("_envelope")
	return ok
}

// settle counts what became of a password, once. Should the account turn out to
// be locked, by a name not seen before, the answer is withheld.
func (g *Gateway) settle(ctx context.Context, x *exchange, said upstream.Attempt) error {
	g.metrics.attempts.WithLabelValues(attemptKind(x), string(said.Result)).Inc()
	counted := x.attempt.counted
	if counted == nil || x.attempt.settled {
		return nil
	}
	x.attempt.settled = true
	var lock attempts.Lock
	var err error
	switch said.Result {
	case upstream.AttemptRefused:
		lock, err = refused(ctx, x, said)
	case upstream.AttemptCodeRefused:
		lock, err = counted.CodeRefused(ctx, said.UserID)
	case upstream.AttemptChallenge:
		err = counted.Challenge(ctx, said.UserID)
	default:
		err = counted.Accepted(ctx, said.UserID)
	}
	g.tellAttempt(ctx, x, said, lock)
	if err != nil {
		return g.tooMany(x, err)
	}
	return nil
}

// refused charges the account whose password was checked; if the plugin did not
// report that, all that the request names.
func refused(ctx context.Context, x *exchange, said upstream.Attempt) (lock attempts.Lock, err error) {
	if !x.attempt.assumed {
		return x.attempt.counted.Refused(ctx, said.UserID)
	}
	locks, err := x.attempt.counted.Unreported(ctx)
	if len(locks) > 0 {
		lock = locks[0]
	}
	return lock, err
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

// tellAttempt writes the log that somebody who is attacked reads: who, from
// where, but never a name that somebody typed: people type passwords there.
func (g *Gateway) tellAttempt(ctx context.Context, x *exchange, said upstream.Attempt, lock attempts.Lock) {
	if said.Result != upstream.AttemptRefused && said.Result != upstream.AttemptCodeRefused {
		return
	}
	account := slog.String("account", x.attempt.counted.Account())
	g.happened(ctx, x, eventLoginRefused, slog.LevelInfo, "login refused", account, slog.String("result", string(said.Result)))
	if !lock.Until.IsZero() {
		g.happened(ctx, x, eventLockedOut, slog.LevelWarn, "account locked out", account,
			slog.String("scope", string(lock.Scope)), slog.String("until", lock.Until.UTC().Format(time.RFC3339)))
	}
}

func (c *Guarding) now() time.Time {
	if c.Now == nil {
		return time.Now()
	}
	return c.Now()
}
