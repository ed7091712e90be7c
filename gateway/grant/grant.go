// Package grant carries out what WordPress says of sessions in its answer to a forwarded request: it begins one for a
// customer whom a plugin of the shop identified (CoCartGateway\begin_session), and keeps the session in which a customer has
// just changed the password. The tokens go into that answer.
//
//	grant.go    what is asked of it, and the metric
//	deliver.go  the session begins, and its tokens reach the client
//
// The signed reply that asks for it is package upstream's, and the must-use plugin decides who asks. Package gateway calls
// Keep before it ends the sessions that WordPress names, and Deliver last.
package grant

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/untrusted"
	"cocart-gateway/upstream"
)

// Result is what became of a session: metric label, log word, and the value of the header [Refused] in one.
type Result string

// The closed list of results.
const (
	Begun       Result = "begun"       // the tokens of a new session are in the answer
	Kept        Result = "kept"        // the session goes on after a new password; the answer has its new tokens
	KeptSilent  Result = "kept_silent" // the same, but the answer cannot carry tokens: the client refreshes
	Locked      Result = "locked"      // the account is locked: 429
	Unavailable Result = "unavailable" // Redis does not answer: 503, or for a session to keep no tokens
	Over        Result = "over"        // the session to keep has ended otherwise
	BadStatus   Result = "bad_status"  // the answer is not a 2xx
	NotObject   Result = "not_object"  // the answer is not a JSON object, or is wrapped (_jsonp, _envelope, a batch)
	TooLarge    Result = "too_large"   // the answer has more than 1 MiB
	Encoded     Result = "encoded"     // the answer has a Content-Encoding other than gzip
	BadReply    Result = "bad_reply"   // the signed reply is invalid or answers another request
)

// results lists all results.
var results = []Result{Begun, Kept, KeptSilent, Locked, Unavailable, Over, BadStatus, NotObject, TooLarge, Encoded, BadReply}

// Refused is the response header that says why an answer has no tokens although a plugin of the shop began a session. It is
// for the plugin's developer.
const Refused = "Cocart-Session-Refused"

// Granter grants sessions, and counts them.
type Granter struct{ sessions *prometheus.CounterVec }

// New registers the metric.
func New(reg prometheus.Registerer) (*Granter, error) {
	g := &Granter{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_granted_sessions_total",
		Help: "Sessions that WordPress began with CoCartGateway\\begin_session() or kept after a new password, by result (begun, kept, kept_silent: the answer cannot carry tokens; without tokens: locked, unavailable, over, bad_status, not_object, too_large, encoded, bad_reply).",
	}, []string{"result"})}
	for _, r := range results {
		g.sessions.WithLabelValues(string(r))
	}
	return g, reg.Register(g.sessions)
}

// Request is the forwarded request whose answer speaks of a session.
type Request struct {
	Authority *tokens.Authority
	Attempts  *attempts.Guard // nil: no limits
	Assertion upstream.Assertion
	Client    tokens.Client
	Address   netip.Addr // of the client
	Wrapped   bool       // ?_jsonp, ?_envelope or a batch: the answer is not the route's own

	// Log writes an event.
	Log func(ctx context.Context, e accesslog.Event, level slog.Level, message string, attrs ...slog.Attr)
	// Limited returns the answer to an account that is locked.
	Limited func(*attempts.Exceeded) *respond.Failure
	// Put returns an answer, a JSON object, with the tokens where the client has them.
	Put func(text []byte, pair tokens.Pair) ([]byte, error)
	// Given is called when the answer has tokens, or a refusal in their place: no cache may keep it.
	Given func(userID int64, session string)
}

// Grant is one session that WordPress speaks of. The nil Grant is for an answer that speaks of none, and does nothing.
type Grant struct {
	*Granter
	Request
	answer *upstream.Answer
	says   *upstream.Session
	bound  tokens.Bound // how a session to keep goes on; "" if it does not
}

// Speaks reports whether an answer speaks of a session.
func Speaks(answer *upstream.Answer) bool {
	return answer.Session != nil || answer.SessionError != nil
}

// Of returns what an answer that speaks of a session says.
func (g *Granter) Of(q Request, answer *upstream.Answer) *Grant {
	return &Grant{Granter: g, Request: q, answer: answer, says: answer.Session}
}

// Keep binds the asserted session to the account as its customer has just changed it, if the answer says so. Call it before
// the sessions with the earlier fingerprint end. Should Redis be away the session ends with the others, and the customer
// logs in with the new password: whatever is lost, a new password never keeps another session alive.
func (g *Grant) Keep(ctx context.Context) {
	if g == nil || g.says == nil || g.says.Continues == "" {
		return
	}
	bound, err := g.Authority.Rebind(ctx, g.says.Continues, g.Assertion.Fingerprint, g.says.Fingerprint)
	switch {
	case errors.Is(err, tokens.ErrUnavailable):
		g.withhold(ctx, slog.LevelError, Unavailable, err)
	case err != nil:
		g.withhold(ctx, slog.LevelInfo, Over, err)
	}
	g.bound = bound
}

// withhold logs and counts that a client gets no tokens. The header is for developers, and so names no account.
func (g *Grant) withhold(ctx context.Context, level slog.Level, why Result, cause error) {
	g.sessions.WithLabelValues(string(why)).Inc()
	g.answer.Header.Set(Refused, string(why))
	g.Log(ctx, accesslog.SessionNotBegun, level, "WordPress began or kept a session, and the client gets no tokens",
		append(g.attrs(why), accesslog.CauseAttrs(cause)...)...)
}

// attrs describe the session that WordPress speaks of. Origin and route come from the shop's own code, signed.
func (g *Grant) attrs(r Result) []slog.Attr {
	attrs := []slog.Attr{slog.String("result", string(r))}
	if g.says == nil {
		return attrs
	}
	return append(attrs, slog.Int64("account_user", g.says.UserID), slog.String("origin", untrusted.Shorten(g.says.Origin, accesslog.MaxPath)),
		slog.String("wordpress_route", untrusted.Shorten(g.says.Route, accesslog.MaxPath)))
}
