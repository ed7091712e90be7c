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

// rejectionEvents are those of tokens. Expired, malformed and revoked ones are
// everyday life.
var rejectionEvents = map[tokens.Rejection]accesslog.Event{
	tokens.Reused:         accesslog.TokenReused,
	tokens.BadSignature:   accesslog.TokenForged,
	tokens.UnknownKey:     accesslog.TokenForged,
	tokens.WrongAlgorithm: accesslog.TokenForged,
	tokens.Stale:          accesslog.Stale,
}

// happened writes one event: into the log, with what else is known, and into its
// counter. Nothing that somebody typed may be among the attributes.
func (g *Gateway) happened(ctx context.Context, x *exchange, e accesslog.Event, level slog.Level, said string, attrs ...slog.Attr) {
	g.metrics.Count(e)
	known := []slog.Attr{
		slog.String("event", string(e)), slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)), slog.String("client", x.origin.Client.String()),
	}
	known = append(known, accesslog.UserAttrs(x.record.user, x.record.session)...)
	g.log.LogAttrs(ctx, level, said, append(known, attrs...)...)
}

// alarm tells of the event that a refusal stands for, if it stands for one.
func (g *Gateway) alarm(x *exchange, f *respond.Failure) {
	e := f.Code.Event()
	var rejection tokens.Rejection
	switch {
	case e != "":
	case errors.Is(f.Cause, upstream.ErrNoPlugin):
		e = accesslog.NoPlugin
	case errors.Is(f.Cause, upstream.ErrBadReply):
		e = accesslog.BadReply
	case x.otherBearer: // reported already
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
	g.happened(context.Background(), x, e, level, "request refused", attrs...)
}

// watchForgery notices headers by which only the gateway tells WordPress who a
// request is for. They never pass; but whoever sends them is trying to.
func (g *Gateway) watchForgery(x *exchange) {
	const ours = "x-cocart-gateway"
	for name := range x.r.Header {
		if len(name) >= len(ours) && strings.EqualFold(underlined.Replace(name[:len(ours)]), ours) {
			g.happened(context.Background(), x, accesslog.IdentityForged, slog.LevelWarn, "a client sent a header of the gateway's own")
			return
		}
	}
}

// underlined are the spellings that PHP files under one name.
var underlined = strings.NewReplacer("_", "-", ".", "-")
