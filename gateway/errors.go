package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"strconv"
	"strings"

	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// Failure is an answer the gateway makes itself. Code and Message go to the
// client, in CoCart's shape; Cause goes to the log and nowhere else.
type Failure struct {
	Status  int
	Code    string
	Message string
	// Challenge goes into WWW-Authenticate (RFC 9110 section 11.6.1).
	Challenge string
	// RetryAfter in seconds, for 429, 503 and a 502 that may pass. CoCart's SDKs read whole seconds only.
	RetryAfter int
	// Allow lists the methods that a 405 would have taken (RFC 9110 section 15.5.6).
	Allow string
	// Problems are told one by one, to administrators only.
	Problems []string
	Cause    error
}

func (f *Failure) Error() string {
	if f.Cause != nil {
		return f.Code + ": " + f.Cause.Error()
	}
	return f.Code + ": " + f.Message
}

func (f *Failure) Unwrap() error { return f.Cause }

// ambiguous refuses a request that two readers would read in two ways.
func ambiguous(why string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_ambiguous_request",
		Message: "The request can be read in more than one way: " + why + "."}
}

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

// failureOf turns any error into what the client reads. It returns nil when
// there is nobody left to answer.
func (g *Gateway) failureOf(err error) *Failure {
	var f *Failure
	var rejection tokens.Rejection
	switch {
	case errors.As(err, &f):
		return f
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

// writeFailure writes an error to a client; writePage does for browsers.
func writeFailure(w http.ResponseWriter, r *http.Request, f *Failure) {
	prepareFailure(w.Header(), f)
	type data struct {
		Status   int      `json:"status"`
		Problems []string `json:"problems,omitempty"`
	}
	writeJSON(w, r, f.Status, struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Data    data   `json:"data"`
	}{f.Code, f.Message, data{f.Status, f.Problems}})
}

// wantsPage: somebody looks at the storefront, where JSON is no answer.
func (x *exchange) wantsPage() bool {
	return !x.record.class.ours() && strings.Contains(strings.Join(x.r.Header["Accept"], ","), "text/html")
}

func writePage(w http.ResponseWriter, r *http.Request, f *Failure) {
	prepareFailure(w.Header(), f)
	text := "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\"><title>" +
		http.StatusText(f.Status) + "</title><h1>" + http.StatusText(f.Status) + "</h1><p>" + html.EscapeString(f.Message) + "</p></html>\n"
	writeBytes(w, r, f.Status, []byte(text), "text/html; charset=UTF-8")
}

func prepareFailure(h http.Header, f *Failure) {
	clear(h) // whatever a handler prepared is not part of this answer
	if f.Challenge != "" {
		h.Set("WWW-Authenticate", f.Challenge)
	}
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	if f.Allow != "" {
		h.Set("Allow", f.Allow)
	}
}

// writeJSON sends an answer of our own. It is never to be cached.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("gateway: an answer cannot be encoded: " + err.Error()) // only our own types come here
	}
	writeBytes(w, r, status, text, "application/json; charset=UTF-8")
}

func writeBytes(w http.ResponseWriter, r *http.Request, status int, text []byte, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // a client that left needs no answer
	}
}
