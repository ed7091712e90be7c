package migration

import (
	"errors"
	"net/http"

	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
)

// CoCart's reference for v1 and v2 recommends JWT Authentication for WP REST API, and there are more such plugins. The
// gateway cannot verify their tokens. With compat.other_bearers: pass WordPress does, as it did without the gateway:
//
//	login     CoCart's answer passes as it is; no session begins by such a token
//	validate  401: only tokens of the gateway are valid there
//	refresh   the header is ignored
//	other     forwarded as credentials: nothing but the header logs the client in
//
// The routes of those plugins where a password buys a token belong to the site.

// IsOtherBearer reports whether a bearer that was refused is an access token of another JWT plugin. It is known only that
// none of our keys signed it, so it is not a forgery.
func IsOtherBearer(authority *tokens.Authority, bearer string, refused error) bool {
	var rejection tokens.Rejection
	if !errors.As(refused, &rejection) {
		return false
	}
	switch rejection {
	case tokens.UnknownKey, tokens.BadSignature, tokens.WrongAlgorithm, tokens.Malformed:
		return exchange.OtherBearer(authority, bearer)
	}
	return false
}

// OtherBearerAssertion is what WordPress reads about such a request. Cookies do not count in it: the must-use plugin takes
// them for a login only beside a nonce, so both are removed. A page of another origin could otherwise have a browser add
// them.
func OtherBearerAssertion(h http.Header, denyGuests bool) upstream.Assertion {
	delete(h, "X-Wp-Nonce")
	wprequest.DropLoginCookies(h)
	return upstream.Assertion{Kind: upstream.Credentials, DenyGuests: denyGuests}
}

// OtherBearerResult returns the word and the sentence of the log for such a token.
func OtherBearerResult(pass bool) (word, said string) {
	if pass {
		return "passed", "an app sends access tokens of another JWT plugin, which WordPress verifies (compat.other_bearers)"
	}
	return "refused", "an app sends access tokens of another JWT plugin, which are refused; compat.other_bearers: pass lets WordPress verify them"
}
