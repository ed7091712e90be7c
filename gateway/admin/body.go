package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"cocart-gateway/gateway/respond"
)

// maxBody is how much of a request body this API reads, in bytes.
const maxBody = 64 << 10

// readBody reads the whole body of a request.
func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, respond.Fail(respond.BodyTooLarge).WithMessage(fmt.Sprintf("The request body is larger than %d bytes.", maxBody))
	}
	return raw, err
}

// readJSON reads a JSON body strictly: it refuses an unknown member, which may be a misspelt one.
func readJSON(r *http.Request, into any) error {
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return badRequest("The body must be a JSON object with the members of this call.")
	}
	return nil
}

// readForm reads a form. It ignores the query of the URL, which ends up in logs.
func readForm(r *http.Request) (url.Values, error) {
	raw, err := readBody(r)
	if err != nil || !strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/x-www-form-urlencoded") {
		return nil, err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, badRequest("The body is not a valid form.")
	}
	return form, nil
}
