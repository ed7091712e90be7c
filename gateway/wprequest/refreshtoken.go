package wprequest

import "encoding/json"

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

// RefuseWrapping: _jsonp and _envelope wrap WordPress's answer, its status
// included, in a form that would hide a refusal or leak a token to a script tag.
func RefuseWrapping(query Params) error {
	for _, name := range []string{"_jsonp", "_envelope"} {
		if _, ok := query.Last(name); ok {
			return &Error{ReasonBadParameter, "The parameter " + name + " is not accepted here."}
		}
	}
	return nil
}
