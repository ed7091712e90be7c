package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"cocart-gateway/gateway/accesslog"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

type event = accesslog.Event

// The events, until their uses name them in package accesslog.
const (
	eventLoginRefused     = accesslog.LoginRefused
	eventLockedOut        = accesslog.LockedOut
	eventUndecided        = accesslog.Undecided
	eventLimited          = accesslog.Limited
	eventTokenReused      = accesslog.TokenReused
	eventNotStored        = accesslog.NotStored
	eventTokenForged      = accesslog.TokenForged
	eventOtherBearer      = accesslog.OtherBearer
	eventStale            = accesslog.Stale
	eventIdentityForged   = accesslog.IdentityForged
	eventAmbiguous        = accesslog.Ambiguous
	eventForeignCart      = accesslog.ForeignCart
	eventMixedBatch       = accesslog.MixedBatch
	eventUnknownHost      = accesslog.UnknownHost
	eventNoPlugin         = accesslog.NoPlugin
	eventBadReply         = accesslog.BadReply
	eventSessionsEnded    = accesslog.SessionsEnded
	eventSessionsNotEnded = accesslog.SessionsNotEnded
	eventNotHandedBack    = accesslog.NotHandedBack
	eventCached           = accesslog.Cached
	eventPreflightRefused = accesslog.PreflightRefused
	eventUnlistedPath     = accesslog.UnlistedPath
	eventAddressLimit     = accesslog.AddressLimit
)

// rejectionEvents are those of tokens. Expired, malformed and revoked ones are
// everyday life.
var rejectionEvents = map[tokens.Rejection]event{
	tokens.Reused:         eventTokenReused,
	tokens.BadSignature:   eventTokenForged,
	tokens.UnknownKey:     eventTokenForged,
	tokens.WrongAlgorithm: eventTokenForged,
	tokens.Stale:          eventStale,
}

// happened writes one event: into the log, with what else is known, and into its
// counter. Nothing that somebody typed may be among the attributes.
func (g *Gateway) happened(ctx context.Context, x *exchange, e event, level slog.Level, said string, attrs ...slog.Attr) {
	g.metrics.Count(e)
	known := []slog.Attr{
		slog.String("event", string(e)), slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)), slog.String("client", x.origin.Client.String()),
	}
	known = append(known, accesslog.UserAttrs(x.record.user, x.record.session)...)
	g.log.LogAttrs(ctx, level, said, append(known, attrs...)...)
}

// alarm tells of the event that a refusal stands for, if it stands for one.
func (g *Gateway) alarm(x *exchange, f *Failure) {
	e := f.Code.Event()
	var rejection tokens.Rejection
	switch {
	case e != "":
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
	level, attrs := slog.LevelWarn, []slog.Attr{slog.String("code", string(f.Code))}
	if e == eventLimited {
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
