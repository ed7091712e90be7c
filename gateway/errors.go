package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// Failure is an answer the gateway makes itself.
type Failure = respond.Failure

// The texts CoCart and its JWT plugin use, so that clients which show or match
// them keep working.
const (
	codeAuthentication = "cocart_authentication_error"
	challengeNone      = `Bearer realm="CoCart"`
	challengeInvalid   = `Bearer realm="CoCart", error="invalid_token", error_description="The access token is invalid or expired"`
)

// refusedToken is the answer to an access token that is not good: 401 (RFC 6750
// section 3.1), or 403 where compat.invalid_token_status says so, which is what
// the PHP plugin sends.
func (g *Gateway) refusedToken(cause tokens.Rejection) *Failure {
	if cause == tokens.Stale { // nothing is known against the token: no client should throw it away
		return &Failure{Status: http.StatusServiceUnavailable, Code: "cocart_gateway_store_unavailable", RetryAfter: 5,
			Message: "Tokens cannot be checked at the moment. Please try again shortly.", Cause: cause}
	}
	return &Failure{Status: g.cfg.InvalidTokenStatus, Code: codeAuthentication, Message: "Authentication failed.",
		Challenge: challengeInvalid, Cause: cause}
}

func (g *Gateway) refusedRefresh(cause tokens.Rejection) *Failure {
	f := &Failure{Status: g.cfg.InvalidTokenStatus, Code: codeAuthentication, Message: "Invalid refresh token.",
		Challenge: challengeNone, Cause: cause}
	if cause == tokens.Expired {
		f.Message = "Refresh token expired."
	}
	return f
}

// notHandedBack: the refresh token is as good as before, and clients try again
// after a 503.
func notHandedBack(cause error) *Failure {
	return &Failure{Status: http.StatusServiceUnavailable, Code: "cocart_gateway_not_handed_back", RetryAfter: 5,
		Message: "Signing in and out is not possible at the moment. Please try again shortly.", Cause: cause}
}

func tokenRequired() *Failure {
	return &Failure{Status: http.StatusUnauthorized, Code: "cocart_rest_not_authorized",
		Message: "Sorry, you are not authorized.", Challenge: challengeNone}
}

// readFailures are the status and code of each reason for which a request is refused
// by the way it is written.
var readFailures = map[reason]struct {
	status int
	code   string
}{
	reasonAmbiguous:         {http.StatusBadRequest, "cocart_gateway_ambiguous_request"},
	reasonTooManyParameters: {http.StatusBadRequest, "cocart_gateway_too_many_parameters"},
	reasonTooLarge:          {http.StatusRequestEntityTooLarge, "cocart_gateway_body_too_large"},
	reasonBadForm:           {http.StatusBadRequest, "cocart_gateway_bad_body"},
	reasonInvalidJSON:       {http.StatusBadRequest, "rest_invalid_json"},
	reasonBadContentType:    {http.StatusUnsupportedMediaType, "cocart_gateway_bad_content_type"},
	reasonBadCredentials:    {http.StatusBadRequest, "cocart_gateway_bad_credentials"},
	reasonNotInBatch:        {http.StatusBadRequest, "cocart_gateway_not_in_batch"},
	reasonBadParameter:      {http.StatusBadRequest, "cocart_gateway_bad_request"},
	reasonNoRefreshToken:    {http.StatusBadRequest, "cocart_jwt_auth_missing_refresh_token"},
	reasonBadRefreshToken:   {http.StatusBadRequest, "rest_invalid_param"},
}

// unreadableRequest is the answer to a request that is refused for the way it is written.
func unreadableRequest(e *readError) *Failure {
	f := readFailures[e.reason]
	return &Failure{Status: f.status, Code: f.code, Message: e.message}
}

// failureOf turns any error into what the client reads. It returns nil when
// there is nobody left to answer.
func (g *Gateway) failureOf(err error) *Failure {
	var f *Failure
	var refused *readError
	var rejection tokens.Rejection
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &refused):
		return unreadableRequest(refused)
	case errors.As(err, &rejection):
		return g.refusedToken(rejection)
	case errors.Is(err, context.Canceled): // also out of Redis: nothing is wrong with that
		return nil
	case errors.Is(err, tokens.ErrUnavailable):
		return &Failure{Status: http.StatusServiceUnavailable, Code: "cocart_gateway_store_unavailable", RetryAfter: 5,
			Message: "Signing in and out is not possible at the moment. Please try again shortly.", Cause: err}
	case errors.Is(err, upstream.ErrBusy):
		return &Failure{Status: http.StatusServiceUnavailable, Code: "cocart_gateway_busy", RetryAfter: 5,
			Message: "The shop is very busy at the moment. Please try again shortly.", Cause: err}
	case errors.Is(err, upstream.ErrTimeout):
		return &Failure{Status: http.StatusGatewayTimeout, Code: "cocart_gateway_upstream_timeout",
			Message: "The shop did not answer in time.", Cause: err}
	case errors.Is(err, upstream.ErrUnavailable):
		return &Failure{Status: http.StatusBadGateway, Code: "cocart_gateway_upstream_unavailable", RetryAfter: 5,
			Message: "The shop cannot be reached at the moment.", Cause: err}
	case errors.Is(err, upstream.ErrNoPlugin), errors.Is(err, upstream.ErrBadReply):
		return &Failure{Status: http.StatusBadGateway, Code: "cocart_gateway_upstream_unusable",
			Message: "The shop gave an answer that cannot be used.", Cause: err}
	default:
		return &Failure{Status: http.StatusInternalServerError, Code: "cocart_gateway_error",
			Message: "Something went wrong on our side.", Cause: err}
	}
}

// wantsPage: somebody looks at the storefront, where JSON is no answer.
func (x *exchange) wantsPage() bool {
	return !x.record.class.ours() && strings.Contains(strings.Join(x.r.Header["Accept"], ","), "text/html")
}
