package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// event is one word for something that a person who is responsible for the shop's
// safety wants to find: label of a metric and member "event" of a log line in one.
// The words are stable; LOGS.md tells what each means.
type event string

// The closed list of events.
const (
	eventLoginRefused     event = "login_refused"          // a wrong password or second factor
	eventLockedOut        event = "account_locked_out"     // one too many of them
	eventUndecided        event = "password_not_checked"   // WordPress looks at no password: it is plain http, or the secret differs
	eventLimited          event = "rate_limited"           // a 429, a locked account's included
	eventTokenReused      event = "refresh_token_reused"   // somebody has a copy; the session was ended
	eventNotStored        event = "refresh_not_stored"     // a client comes with a refresh token that it spent itself
	eventTokenForged      event = "token_forged"           // an access token that no key of ours signed
	eventOtherBearer      event = "other_bearer"           // an access token of another JWT plugin (compat.other_bearers)
	eventStale            event = "revocations_stale"      // tokens are not judged, revocation.on_stale: deny
	eventIdentityForged   event = "identity_forged"        // a client sent a header that only we send
	eventAmbiguous        event = "ambiguous_request"      // two readers would read it in two ways
	eventForeignCart      event = "foreign_cart_key"       // the key of a customer's cart, and not theirs
	eventMixedBatch       event = "mixed_batch"            // CoCart's routes and others in one batch
	eventUnknownHost      event = "unknown_host"           // asked for a shop that is not here (site.hosts)
	eventNoPlugin         event = "plugin_did_not_sign"    // it is missing, or has another secret
	eventBadReply         event = "plugin_reply_not_good"  // signed wrongly, or for another request
	eventSessionsEnded    event = "account_sessions_ended" // password or e-mail changed, or the user is gone
	eventSessionsNotEnded event = "account_sessions_not_ended"
	eventNotHandedBack    event = "not_handed_back" // the old plugin gives no good tokens (compat.hand_back)
	eventCached           event = "cached_answer"   // a cache in front of PHP answered
	eventPreflightRefused event = "preflight_refused"
	eventUnlistedPath     event = "unlisted_path"         // CoCart below a path prefix that site.paths lacks; once an hour
	eventAddressLimit     event = "address_limit_reached" // an address or its network; once a minute for each
)

// events in the order of LOGS.md.
var events = []event{
	eventLoginRefused, eventLockedOut, eventUndecided, eventLimited, eventTokenReused, eventNotStored, eventTokenForged, eventOtherBearer, eventStale, eventIdentityForged,
	eventAmbiguous, eventForeignCart, eventMixedBatch, eventUnknownHost, eventNoPlugin, eventBadReply, eventSessionsEnded,
	eventSessionsNotEnded, eventNotHandedBack, eventCached, eventPreflightRefused, eventUnlistedPath, eventAddressLimit,
}

// failureEvents are the events that a refusal stands for, by its code.
var failureEvents = map[string]event{
	"cocart_gateway_ambiguous_request": eventAmbiguous,
	"cocart_gateway_not_your_cart":     eventForeignCart,
	"cocart_must_authenticate_user":    eventForeignCart,
	"cocart_gateway_mixed_batch":       eventMixedBatch,
	"cocart_gateway_unknown_host":      eventUnknownHost,
	codeRateLimited:                    eventLimited,
}

// rejectionEvents are those of tokens. Expired, malformed and revoked ones are
// everyday life.
var rejectionEvents = map[tokens.Rejection]event{
	tokens.Reused:         eventTokenReused,
	tokens.BadSignature:   eventTokenForged,
	tokens.UnknownKey:     eventTokenForged,
	tokens.WrongAlgorithm: eventTokenForged,
	tokens.Stale:          eventStale,
}

func newEventMetrics(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	m := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cocart_gateway_security_events_total",
		Help: "Security events, by event; gateway/LOGS.md tells what each means.",
	}, []string{"event"})
	for _, e := range events {
		m.WithLabelValues(string(e))
	}
	return m, reg.Register(m)
}

// happened writes one event: into the log, with what else is known, and into its
// counter. Nothing that somebody typed may be among the attributes.
func (g *Gateway) happened(ctx context.Context, x *exchange, e event, level slog.Level, said string, attrs ...slog.Attr) {
	g.metrics.events.WithLabelValues(string(e)).Inc()
	known := []slog.Attr{
		slog.String("event", string(e)), slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)), slog.String("client", x.origin.Client.String()),
	}
	if x.record.user != 0 {
		known = append(known, userAttrs(x.record)...)
	}
	g.log.LogAttrs(ctx, level, said, append(known, attrs...)...)
}

// alarm tells of the event that a refusal stands for, if it stands for one.
func (g *Gateway) alarm(x *exchange, f *Failure) {
	e, found := failureEvents[f.Code]
	var rejection tokens.Rejection
	switch {
	case found:
	case errors.Is(f.Cause, upstream.ErrNoPlugin):
		e = eventNoPlugin
	case errors.Is(f.Cause, upstream.ErrBadReply):
		e = eventBadReply
	case x.otherBearer: // reported already
	case errors.As(f.Cause, &rejection):
		e = rejectionEvents[rejection]
	}
	if e == "" {
		return
	}
	level, attrs := slog.LevelWarn, []slog.Attr{slog.String("code", f.Code)}
	if e == eventLimited {
		level = slog.LevelInfo
	}
	if f.Cause != nil {
		attrs = append(attrs, slog.String("cause", f.Cause.Error()))
	}
	g.happened(context.Background(), x, e, level, "request refused", attrs...)
}

// watchForgery notices headers by which only the gateway tells WordPress who a
// request is for. They never pass; but whoever sends them is trying to.
func (g *Gateway) watchForgery(x *exchange) {
	const ours = "x-cocart-gateway"
	for name := range x.r.Header {
		if len(name) >= len(ours) && strings.EqualFold(underlined.Replace(name[:len(ours)]), ours) {
			g.happened(context.Background(), x, eventIdentityForged, slog.LevelWarn, "a client sent a header of the gateway's own")
			return
		}
	}
}

// underlined are the spellings that PHP files under one name.
var underlined = strings.NewReplacer("_", "-", ".", "-")

// everyMinute bounds log lines that clients can cause as often as they like.
type everyMinute struct {
	mu   sync.Mutex
	last time.Time
}

// due is true once a minute at most.
func (e *everyMinute) due(now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.last.IsZero() && now.Sub(e.last) < time.Minute {
		return false
	}
	e.last = now
	return true
}
