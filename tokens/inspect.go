package tokens

import "encoding/json"

// Inspection is what an access token says of itself, with nothing checked.
type Inspection struct {
	Header  json.RawMessage `json:"header"`
	Payload json.RawMessage `json:"payload"`
}

// Inspect reads a token without believing it, to show it to an operator; whether it is good, and if not why, is
// Verify's answer. Malformed when it has not the form of a token or its parts are not JSON. It does no I/O.
func Inspect(access string) (Inspection, error) {
	parts, err := split(access)
	if err != nil {
		return Inspection{}, err
	}
	head, errHead := strictBase64.DecodeString(parts.head)
	payload, errPayload := strictBase64.DecodeString(parts.payload)
	if errHead != nil || errPayload != nil || !json.Valid(head) || !json.Valid(payload) {
		return Inspection{}, Malformed
	}
	return Inspection{Header: head, Payload: payload}, nil
}
