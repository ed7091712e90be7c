package wprequest

import (
	"net/http"
	"strings"
)

// BearerToken returns the token of an Authorization header of the form
// "Bearer TOKEN" (RFC 6750 section 2.1; the scheme in any case, any blanks
// between). "" means that no bearer was presented: no header, an empty one,
// another scheme, or the scheme alone, which CoCart's clients send as guests.
// Whatever follows the scheme is the token, blanks and all: it will be refused
// for its form, not passed on as a guest's.
func BearerToken(h http.Header) (string, error) {
	values := h["Authorization"]
	if len(values) > 1 {
		return "", Ambiguous("the request holds two Authorization headers")
	}
	if len(values) == 0 {
		return "", nil
	}
	scheme, token := cutScheme(values[0])
	if !strings.EqualFold(scheme, "Bearer") {
		return "", nil
	}
	return token, nil
}

func cutScheme(value string) (scheme, rest string) {
	value = strings.Trim(value, " \t")
	i := strings.IndexAny(value, " \t")
	if i < 0 {
		return value, ""
	}
	return value[:i], strings.Trim(value[i:], " \t")
}
