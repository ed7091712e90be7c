package gateway

import (
	"fmt"
)

// readError is a reason to refuse a request for the way it is written.
type readError struct {
	reason reason
	// message is for the client.
	message string
}

func (e *readError) Error() string { return string(e.reason) + ": " + e.message }

// reason is the kind of a [readError].
type reason string

const (
	// reasonAmbiguous: two readers would read the request in two ways.
	reasonAmbiguous         reason = "ambiguous"
	reasonTooManyParameters reason = "too many parameters"
	reasonTooLarge          reason = "too large"
	reasonBadForm           reason = "bad form"
	reasonInvalidJSON       reason = "invalid JSON"
	reasonBadContentType    reason = "bad Content-Type"
	reasonBadCredentials    reason = "bad credentials"
	reasonNotInBatch        reason = "not in a batch"
	reasonBadParameter      reason = "bad parameter"
	reasonNoRefreshToken    reason = "no refresh token"
	reasonBadRefreshToken   reason = "bad refresh token"
)

// ambiguous refuses a request that two readers would read in two ways.
func ambiguous(why string) *readError {
	return &readError{reasonAmbiguous, "The request can be read in more than one way: " + why + "."}
}

// tooManyParameters refuses more parameters than PHP reads: it drops the rest
// (php_default_treat_data), and with it parameters that the gateway checked.
func tooManyParameters(limit int) *readError {
	return &readError{reasonTooManyParameters, fmt.Sprintf("The request has more than %d parameters.", limit)}
}

// tooLarge names the configuration key, because the limit is the operator's choice.
func tooLarge(limit int64, key string) *readError {
	return &readError{reasonTooLarge, fmt.Sprintf("The request body is larger than %d bytes (%s).", limit, key)}
}

// invalidJSON is the answer of WP_REST_Request::parse_json_params, which WordPress
// gives to such a body itself. It comes from here because nothing may depend on PHP
// refusing the bodies that Go cannot read.
func invalidJSON() *readError { return &readError{reasonInvalidJSON, "Invalid JSON body passed."} }
