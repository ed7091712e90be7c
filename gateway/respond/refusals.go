package respond

import (
	"strings"

	"cocart-gateway/gateway/wprequest"
)

// OnlyMethods returns the answer to a method that a route does not have (RFC 9110 section 15.5.6): allowed are those that it
// has.
func OnlyMethods(allowed ...string) *Failure {
	f := Fail(MethodNotAllowed)
	f.Allow = strings.Join(allowed, ", ")
	return f
}

// readCodes are the codes of each reason for which a request is refused
// by the way it is written.
var readCodes = map[wprequest.Reason]Code{
	wprequest.ReasonAmbiguous:         AmbiguousRequest,
	wprequest.ReasonTooManyParameters: TooManyParameters,
	wprequest.ReasonTooLarge:          BodyTooLarge,
	wprequest.ReasonBadForm:           BadBody,
	wprequest.ReasonInvalidJSON:       InvalidJSON,
	wprequest.ReasonBadContentType:    BadContentType,
	wprequest.ReasonBadCredentials:    BadCredentials,
	wprequest.ReasonNotInBatch:        NotInBatch,
	wprequest.ReasonBadParameter:      BadRequest,
	wprequest.ReasonNoRefreshToken:    MissingRefreshToken,
	wprequest.ReasonBadRefreshToken:   InvalidParameter,
}

// Unreadable returns the answer to a request that is refused for the way it is written.
func Unreadable(e *wprequest.Error) *Failure {
	return Fail(readCodes[e.Reason]).WithMessage(e.Message)
}
