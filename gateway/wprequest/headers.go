package wprequest

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// hopByHop are the headers that a Connection header may name (RFC 9110 section
// 7.6.1): those that end here anyway.
var hopByHop = map[string]bool{
	"close": true, "keep-alive": true, "upgrade": true, "te": true, "trailer": true, "transfer-encoding": true,
	"http2-settings": true, "proxy-connection": true, "": true,
}

// singleHeaders may be in a request once.
var singleHeaders = []string{"Content-Type", "X-Http-Method-Override"}

// JoinEqualHeaders makes one header of several with the same value: there is nothing
// to choose. Some HTTP libraries (Dio, Volley, Retrofit) add a Content-Type to the
// one that the app set.
func JoinEqualHeaders(h http.Header) {
	for _, name := range singleHeaders {
		values := h[name]
		if len(values) < 2 {
			continue
		}
		first := strings.Trim(values[0], " \t")
		if !slices.ContainsFunc(values[1:], func(v string) bool { return !strings.EqualFold(strings.Trim(v, " \t"), first) }) {
			h[name] = values[:1]
		}
	}
}

// ambiguousHeaders refuses what would make WordPress read a CoCart request otherwise
// than we did: a header that Connection takes away on the way, and one that is
// there twice, of which PHP sees the last, the first or both, as the web server
// likes.
func ambiguousHeaders(w Request, query Params) error {
	for name := range strings.SplitSeq(strings.Join(w.Header["Connection"], ","), ",") {
		if !hopByHop[phpLower(strings.Trim(name, " \t"))] {
			return Ambiguous("Connection names a header that is not about the connection")
		}
	}
	for _, name := range singleHeaders {
		if len(w.Header[name]) > 1 {
			return Ambiguous("the request holds two different " + name + " headers")
		}
	}
	if m, ok := query.Last("_method"); ok && m.array {
		return Ambiguous("_method is given as an array")
	}
	if strings.Trim(effectiveMethod(w, query), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return Ambiguous("the method is not made of letters")
	}
	if phpForm(w.Header) != mediaOther && (jsonMedia.MatchString(w.Header.Get("Content-Type")) || coCartJSON(w.Header.Get("Content-Type"))) {
		return Ambiguous("Content-Type names both a form and JSON")
	}
	return nil
}

// GatherAuthorization moves the header that a client authenticates with to where
// the rest of the gateway, and WordPress, look for it. The other names in the
// list go: CoCart and its neighbours know some of them.
func GatherAuthorization(h http.Header, names []string) error {
	if len(names) == 0 {
		return nil
	}
	var values []string
	for _, name := range names {
		name = http.CanonicalHeaderKey(name)
		for _, value := range h[name] {
			if strings.Trim(value, " \t") != "" {
				values = append(values, value)
			}
		}
		delete(h, name)
	}
	delete(h, "Authorization")
	switch len(values) {
	case 0:
		return nil
	case 1:
		h["Authorization"] = values
		return nil
	}
	return Ambiguous("the request holds two Authorization headers")
}

// IsServerPassword reports whether a Basic header is the password of the web server
// of WordPress, which the gateway sends itself. Browsers and test suites that were set
// up for that server send it with each request. CoCart would take it for a customer's
// password and refuse the request. Who guesses it gets what every guest gets, and each
// wrong guess counts as a password.
func IsServerPassword(header, origin string) bool {
	own, sent := decodeBasic(origin), decodeBasic(header)
	name := subtle.ConstantTimeCompare([]byte(own.Username), []byte(sent.Username))
	return own.Complete() && name&subtle.ConstantTimeCompare([]byte(own.Password), []byte(sent.Password)) == 1
}

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

// DropLoginCookies removes the cookies by which WordPress knows who is logged in
// (wp_cookie_constants), in whatever spelling PHP would find them. A guest's cart
// may be in others, which stay.
func DropLoginCookies(h http.Header) {
	kept := h["Cookie"][:0:0]
	for _, line := range h["Cookie"] {
		if line = withoutLogins(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func withoutLogins(line string) string {
	if !strings.Contains(line, "wordpress") && !strings.Contains(line, "%") {
		return line
	}
	var kept []string
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if name, _ = phpName(phpURLDecode(strings.TrimLeft(name, " \t\v\f"))); !strings.HasPrefix(name, "wordpress_") {
			kept = append(kept, pair)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ";"))
}
