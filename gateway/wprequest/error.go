package wprequest

import "fmt"

// Error is a reason to refuse a request for the way it is written.
type Error struct {
	Reason Reason
	// Message is for the client.
	Message string
}

func (e *Error) Error() string { return string(e.Reason) + ": " + e.Message }

// Reason is the kind of an [Error].
type Reason string

const (
	// ReasonAmbiguous says that two readers would read the request in two ways.
	ReasonAmbiguous         Reason = "ambiguous"
	ReasonTooManyParameters Reason = "too many parameters"
	ReasonTooLarge          Reason = "too large"
	ReasonBadForm           Reason = "bad form"
	ReasonInvalidJSON       Reason = "invalid JSON"
	ReasonBadContentType    Reason = "bad Content-Type"
	ReasonBadCredentials    Reason = "bad credentials"
	ReasonNotInBatch        Reason = "not in a batch"
	ReasonBadParameter      Reason = "bad parameter"
	ReasonNoRefreshToken    Reason = "no refresh token"
	ReasonBadRefreshToken   Reason = "bad refresh token"
)

// Ambiguous refuses a request that two readers would read in two ways.
func Ambiguous(why string) *Error {
	return &Error{ReasonAmbiguous, "The request can be read in more than one way: " + why + "."}
}

// TooManyParameters refuses more parameters than PHP reads: it drops the rest
// (php_default_treat_data), and with it parameters that the gateway checked.
func TooManyParameters(limit int) *Error {
	return &Error{ReasonTooManyParameters, fmt.Sprintf("The request has more than %d parameters.", limit)}
}

// TooLarge names the configuration key, because the limit is the operator's choice.
func TooLarge(limit int64, key string) *Error {
	return &Error{ReasonTooLarge, fmt.Sprintf("The request body is larger than %d bytes (%s).", limit, key)}
}

// InvalidJSON returns the answer of WP_REST_Request::parse_json_params, which WordPress
// gives to such a body itself. It comes from here because nothing may depend on PHP
// refusing the bodies that Go cannot read.
func InvalidJSON() *Error { return &Error{ReasonInvalidJSON, "Invalid JSON body passed."} }
