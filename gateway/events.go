package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// rejectionEvents are the events of rejected tokens. Expired, malformed and revoked tokens
// are ordinary.
var rejectionEvents = map[tokens.Rejection]accesslog.Event{
	tokens.Reused:         accesslog.TokenReused,
	tokens.BadSignature:   accesslog.TokenForged,
	tokens.UnknownKey:     accesslog.TokenForged,
	tokens.WrongAlgorithm: accesslog.TokenForged,
	tokens.Stale:          accesslog.Stale,
}

// logEvent writes an event to the log, with what is known of the request, and counts it.
// The attributes must not contain text that a client typed.
func (g *Gateway) logEvent(ctx context.Context, x *exchange, e accesslog.Event, level slog.Level, message string, attrs ...slog.Attr) {
	g.metrics.Count(e)
	known := []slog.Attr{
		slog.String("event", string(e)), slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)), slog.String("client", x.origin.Client.String()),
	}
	known = append(known, accesslog.UserAttrs(x.record.user, x.record.session)...)
	g.log.LogAttrs(ctx, level, message, append(known, attrs...)...)
}

// reportRefusal logs the event that a refusal is, if it is one.
func (g *Gateway) reportRefusal(x *exchange, f *respond.Failure) {
	e := f.Code.Event()
	var rejection tokens.Rejection
	switch {
	case e != "":
	case errors.Is(f.Cause, upstream.ErrNoPlugin):
		e = accesslog.NoPlugin
	case errors.Is(f.Cause, upstream.ErrBadReply):
		e = accesslog.BadReply
	case x.otherBearer: // logged already
	case errors.As(f.Cause, &rejection):
		e = rejectionEvents[rejection]
	}
	if e == "" {
		return
	}
	level, attrs := slog.LevelWarn, []slog.Attr{slog.String("code", string(f.Code))}
	if e == accesslog.Limited {
		level = slog.LevelInfo
	}
	attrs = append(attrs, accesslog.CauseAttrs(f.Cause)...)
	g.logEvent(context.Background(), x, e, level, "request refused", attrs...)
}

// reportForgery logs headers in which only the gateway states the identity of a customer
// to WordPress. They are removed in any case.
func (g *Gateway) reportForgery(x *exchange) {
	const ours = "x-cocart-gateway"
	for name := range x.r.Header {
		if len(name) >= len(ours) && strings.EqualFold(phpSpellings.Replace(name[:len(ours)]), ours) {
			g.logEvent(context.Background(), x, accesslog.IdentityForged, slog.LevelWarn, "a client sent a header of the gateway's own")
			return
		}
	}
}

// phpSpellings maps the spellings of a header that are one name to PHP.
var phpSpellings = strings.NewReplacer("_", "-", ".", "-")
