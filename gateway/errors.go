package gateway

import (
	"context"
	"errors"
	"strings"

	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

const challengeInvalid = `Bearer realm="CoCart", error="invalid_token", error_description="The access token is invalid or expired"`

// refusedToken is the answer to an invalid access token: 401 (RFC 6750 section 3.1),
// or 403 where compat.invalid_token_status says so, which is what the PHP plugin
// sends.
func (g *Gateway) refusedToken(cause tokens.Rejection) *respond.Failure {
	if cause == tokens.Stale { // the token may be valid, so a client should keep it
		return respond.Fail(respond.StoreUnavailable).WithMessage("Tokens cannot be checked at the moment. Please try again shortly.").Because(cause)
	}
	f := respond.Fail(respond.Authentication).Because(cause)
	f.Status, f.Challenge = g.cfg.InvalidTokenStatus, challengeInvalid
	return f
}

func (g *Gateway) refusedRefresh(cause tokens.Rejection) *respond.Failure {
	f := respond.Fail(respond.Authentication).WithMessage("Invalid refresh token.").Because(cause)
	f.Status = g.cfg.InvalidTokenStatus
	if cause == tokens.Expired {
		f.Message = "Refresh token expired."
	}
	return f
}

func tokenRequired() *respond.Failure { return respond.Fail(respond.NotAuthorized) }

// failureOf returns the answer to an error, or nil if the client has left.
func (g *Gateway) failureOf(err error) *respond.Failure {
	var f *respond.Failure
	var refused *wprequest.Error
	var rejection tokens.Rejection
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &refused):
		return respond.Unreadable(refused)
	case errors.As(err, &rejection):
		return g.refusedToken(rejection)
	case errors.Is(err, context.Canceled): // also from Redis, where it means the same
		return nil
	}
	for _, known := range failures {
		if errors.Is(err, known.err) {
			return respond.Fail(known.code).Because(err)
		}
	}
	return respond.Fail(respond.Internal).Because(err)
}

// failures are the codes of errors of other packages. The first that matches counts.
var failures = []struct {
	err  error
	code respond.Code
}{
	{pace.ErrSlow, respond.BodyTimeout},
	{pace.ErrUnreadable, respond.BadBody},
	{tokens.ErrUnavailable, respond.StoreUnavailable},
	{upstream.ErrBusy, respond.Busy},
	{upstream.ErrTimeout, respond.UpstreamTimeout},
	{upstream.ErrUnavailable, respond.UpstreamUnavailable},
	{upstream.ErrNoPlugin, respond.UpstreamUnusable},
	{upstream.ErrBadReply, respond.UpstreamUnusable},
}

// readsPage reports whether a browser shows the answer as a page of the storefront.
func (x *exchange) readsPage() bool {
	return !x.record.class.IsCoCart() && strings.Contains(strings.Join(x.r.Header["Accept"], ","), "text/html")
}
