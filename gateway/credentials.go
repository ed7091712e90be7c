package gateway

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"

	"cocart-gateway/tokens/attempts/wpname"
)

// credentials are a user name (or e-mail, or phone number) and a password.
type credentials struct{ username, password string }

func (c credentials) complete() bool { return c.username != "" && c.password != "" }

// found is a name and password in one of the places where CoCart looks, as PHP will
// have them.
type found struct {
	credentials
	// basic: from a Basic header, whose name CoCart 4.1 and newer look up even if it is
	// empty; elsewhere an empty one is none.
	basic bool
	// list: the name is an array or object, which sanitize_user makes an empty text of.
	list bool
}

// input is what PHP code reads of a request: headers, $_GET, $_POST and the body.
type input struct {
	method string // as it was sent
	header http.Header
	query  params
	body   *body
}

// places returns what stands in each place, in CoCart's order
// (perform_basic_authentication): a Basic header, $_REQUEST, where a form beats the
// query, and JSON. CoCart accepts them on every one of its routes, not only on login.
// Versions differ in which places they know and in whether a half beats the next
// place, so a caller that must not miss one looks at all.
func (in input) places() []found {
	basic := found{credentials: looseBasic(in.header.Get("Authorization")), basic: true}
	var request found
	for _, source := range []params{in.query, in.posted()} {
		if p, ok := source.last("username"); ok {
			request.username, request.list = phpEmptyIsNone(p.value), p.array
		}
		if p, ok := source.last("password"); ok {
			request.password = phpEmptyIsNone(p.value)
		}
	}
	name, _ := in.body.object.get("username")
	object := found{credentials: credentials{in.body.object.scalar("username"), in.body.object.scalar("password")}, list: isList(name)}
	return []found{basic, request, object}
}

// posted is what PHP puts into $_POST: of a POST alone, whatever WordPress takes its
// method for.
func (in input) posted() params {
	if in.method != http.MethodPost {
		return nil
	}
	return in.body.form
}

// credentials returns the first name with a password. Blanks around them go:
// CoCart trims what comes as a parameter, and wp_hash_password trimmed the password
// when it was set.
func (in input) credentials() credentials {
	for _, f := range in.places() {
		if f.complete() {
			return f.trimmed()
		}
	}
	return credentials{}
}

// checkNames refuses what would make CoCart check the password of an account that the
// client did not name, or costs more than a name is worth, before anything is counted.
//
// An empty name is one: CoCart 4.1 and newer take it for a phone number
// (WC_Validation::is_phone) and check the password of the first customer that
// get_users returns for it. So is a name of which sanitize_user leaves nothing, and an
// array. A name longer than any that WordPress stores can belong to no account, and
// normalising 1 MiB of it costs seconds of PHP.
func (in input) checkNames() error {
	for _, f := range in.places() {
		switch {
		case wpname.TooLong(f.username):
			return &readError{reasonBadCredentials, "The user name is too long."}
		case f.password == "" || f.username == "" && !f.basic && !f.list:
		case f.list, wpname.Key(f.username) == "":
			return &readError{reasonBadCredentials, "The user name is empty."}
		}
	}
	return nil
}

func (c credentials) trimmed() credentials {
	return credentials{phpTrim(c.username), phpTrim(c.password)}
}

// phpEmptyIsNone: to PHP's empty() "0" is empty.
func phpEmptyIsNone(s string) string {
	if s == "0" {
		return ""
	}
	return s
}

// carriesPassword reports whether CoCart could find a password or an API key in
// the request.
func (in input) carriesPassword() bool {
	for _, name := range []string{"username", "password", "consumer_key", "oauth_consumer_key"} { // the last two: WC_REST_Authentication
		if in.fills(name) {
			return true
		}
	}
	scheme, _ := cutScheme(in.header.Get("Authorization"))
	return strings.EqualFold(scheme, "Basic")
}

// carriesWholePassword reports whether CoCart could log a user in by the request: a
// name and a password that it finds together, or an API key with its secret or
// signature.
func (in input) carriesWholePassword() bool {
	return in.credentials().complete() ||
		looseBasic(in.header.Get("Authorization")).complete() ||
		in.fills("consumer_key") && in.fills("consumer_secret") ||
		in.fills("oauth_consumer_key") && in.fills("oauth_signature")
}

// fills reports whether a parameter is there, in any place, and not empty.
func (in input) fills(name string) bool {
	inQuery, _ := in.query.last(name)
	inForm, _ := in.body.form.last(name)
	raw, _ := in.body.object.get(name)
	return inQuery.value != "" || inForm.value != "" || in.body.object.scalar(name) != "" || isList(raw)
}

// holds reports whether a parameter is there, in any place.
func (in input) holds(name string) bool {
	if _, ok := in.body.object.get(name); ok {
		return true
	}
	_, inQuery := in.query.last(name)
	_, inForm := in.body.form.last(name)
	return inQuery || inForm
}

// holdsNonce reports whether there is a nonce where rest_cookie_check_errors looks for
// one: in $_REQUEST.
func (in input) holdsNonce() bool {
	_, inQuery := in.query.last("_wpnonce")
	_, inForm := in.posted().last("_wpnonce")
	return inQuery || inForm
}

// names returns every name in the request, first the one that CoCart will take.
// Versions of CoCart differ in where they look, so each is counted.
func (in input) names(first credentials) []string {
	names := []string{first.username, looseBasic(in.header.Get("Authorization")).username}
	for _, name := range []string{"username", "consumer_key", "oauth_consumer_key"} {
		names = append(names, in.query.value(name), in.body.form.value(name), in.body.object.scalar(name))
	}
	return slices.DeleteFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" })
}

// looseBasic reads a Basic header as PHP's base64_decode does: what is no letter of
// the alphabet is passed over, and padding may be missing.
func looseBasic(header string) credentials {
	scheme, encoded := cutScheme(header)
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}
	}
	encoded = strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", r) {
			return r
		}
		return -1
	}, encoded)
	if len(encoded)%4 == 1 { // six bits are no byte
		encoded = encoded[:len(encoded)-1]
	}
	raw, _ := base64.RawStdEncoding.DecodeString(encoded) // cannot fail any more
	name, password, _ := strings.Cut(string(raw), ":")
	return credentials{name, password}
}
