package gateway

import "encoding/json"

// refreshToken finds the token in WordPress's parameter order
// (WP_REST_Request::get_parameter_order): JSON, form, query.
func (in input) refreshToken() (string, error) {
	b := in.body
	if isJSON := mediaType(in.header.Get("Content-Type")) == mediaJSON; isJSON && b.object == nil && !blank(b.raw) {
		return "", invalidJSON()
	}
	if raw, ok := b.object.get("refresh_token"); ok && string(raw) != "null" {
		var token string
		if err := json.Unmarshal(raw, &token); err != nil {
			return "", badRefreshToken()
		}
		return required(token)
	}
	for _, ps := range []params{b.form, in.query} {
		p, ok := ps.last("refresh_token")
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
		return "", &readError{reasonNoRefreshToken, "Refresh token is required."}
	}
	return token, nil
}

func badRefreshToken() *readError {
	return &readError{reasonBadRefreshToken, "Invalid parameter(s): refresh_token. It must be a string."}
}

func blank(b []byte) bool { return len(phpTrim(string(b))) == 0 }

// refuseWrapping: _jsonp and _envelope wrap WordPress's answer, its status
// included, in a form that would hide a refusal or leak a token to a script tag.
func refuseWrapping(query params) error {
	for _, name := range []string{"_jsonp", "_envelope"} {
		if _, ok := query.last(name); ok {
			return &readError{reasonBadParameter, "The parameter " + name + " is not accepted here."}
		}
	}
	return nil
}
