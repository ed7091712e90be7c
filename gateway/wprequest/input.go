package wprequest

import (
	"encoding/json"
	"net/http"
)

// Input holds what PHP code reads of a request: headers, $_GET, $_POST and the body.
type Input struct {
	Method string // as it was sent
	Header http.Header
	Query  Params
	Body   *Body
}

// posted returns what PHP puts into $_POST: for a POST only, whatever WordPress takes its
// method for.
func (in Input) posted() Params {
	if in.Method != http.MethodPost {
		return nil
	}
	return in.Body.Form
}

// fills reports whether a parameter is there, in any place, and not empty.
func (in Input) fills(name string) bool {
	inQuery, _ := in.Query.Last(name)
	inForm, _ := in.Body.Form.Last(name)
	raw, _ := in.Body.Object.get(name)
	return inQuery.value != "" || inForm.value != "" || in.Body.Object.scalar(name) != "" || isList(raw)
}

// Holds reports whether a parameter is there, in any place.
func (in Input) Holds(name string) bool {
	if _, ok := in.Body.Object.get(name); ok {
		return true
	}
	_, inQuery := in.Query.Last(name)
	_, inForm := in.Body.Form.Last(name)
	return inQuery || inForm
}

// Redirect returns the parameter redirect of a request for a browser link, in WordPress's parameter order; "" without one.
func (in Input) Redirect() (string, error) {
	if MediaType(in.Header.Get("Content-Type")) == MediaJSON && in.Body.Object == nil && !blank(in.Body.Raw) {
		return "", InvalidJSON()
	}
	if raw, ok := in.Body.Object.get("redirect"); ok {
		var to *string
		if err := json.Unmarshal(raw, &to); err != nil {
			return "", badRedirect()
		}
		if to != nil {
			return *to, nil
		}
	}
	for _, ps := range []Params{in.Body.Form, in.Query} {
		if p, ok := ps.Last("redirect"); ok && p.array {
			return "", badRedirect()
		} else if ok {
			return p.value, nil
		}
	}
	return "", nil
}

func badRedirect() *Error {
	return &Error{ReasonBadParameter, "Invalid parameter(s): redirect. It must be a string."}
}

// Ticket returns the ticket of a browser link; "" if it is not a string. Of several the last one counts.
func (ps Params) Ticket() string { return ps.value(BrowserParameter) }

// HoldsNonce reports whether there is a nonce where rest_cookie_check_errors looks for
// one: in $_REQUEST.
func (in Input) HoldsNonce() bool {
	_, inQuery := in.Query.Last("_wpnonce")
	_, inForm := in.posted().Last("_wpnonce")
	return inQuery || inForm
}

// RefreshToken finds the token in WordPress's parameter order
// (WP_REST_Request::get_parameter_order): JSON, form, query.
func (in Input) RefreshToken() (string, error) {
	b := in.Body
	if isJSON := MediaType(in.Header.Get("Content-Type")) == MediaJSON; isJSON && b.Object == nil && !blank(b.Raw) {
		return "", InvalidJSON()
	}
	if raw, ok := b.Object.get("refresh_token"); ok && string(raw) != "null" {
		var token string
		if err := json.Unmarshal(raw, &token); err != nil {
			return "", badRefreshToken()
		}
		return required(token)
	}
	for _, ps := range []Params{b.Form, in.Query} {
		p, ok := ps.Last("refresh_token")
		switch {
		case ok && p.array:
			return "", badRefreshToken()
		case ok:
			return required(p.value)
		}
	}
	return required("")
}

func required(token string) (string, error) {
	if token == "" {
		return "", &Error{ReasonNoRefreshToken, "Refresh token is required."}
	}
	return token, nil
}

func badRefreshToken() *Error {
	return &Error{ReasonBadRefreshToken, "Invalid parameter(s): refresh_token. It must be a string."}
}

func blank(b []byte) bool { return len(phpTrim(string(b))) == 0 }

// RefuseWrapping refuses _jsonp and _envelope, which wrap WordPress's answer, its status
// included, in a form that would hide a refusal or leak a token to a script tag.
func RefuseWrapping(query Params) error {
	for _, name := range []string{"_jsonp", "_envelope"} {
		if _, ok := query.Last(name); ok {
			return &Error{ReasonBadParameter, "The parameter " + name + " is not accepted here."}
		}
	}
	return nil
}
