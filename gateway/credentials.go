package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
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

// placesOfCredentials returns what stands in each place, in CoCart's order
// (perform_basic_authentication): a Basic header, $_REQUEST, where a form beats the
// query, and JSON. CoCart accepts them on every one of its routes, not only on login.
// Versions differ in which places they know and in whether a half beats the next
// place, so a caller that must not miss one looks at all.
func placesOfCredentials(r *http.Request, query params, b *body) []found {
	basic := found{credentials: looseBasic(r.Header.Get("Authorization")), basic: true}
	var request found
	for _, source := range []params{query, posted(r, b)} {
		if p, ok := source.last("username"); ok {
			request.username, request.list = phpEmptyIsNone(p.value), p.array
		}
		if p, ok := source.last("password"); ok {
			request.password = phpEmptyIsNone(p.value)
		}
	}
	name, _ := memberValue(b.object, "username")
	object := found{credentials: credentials{memberScalar(b.object, "username"), memberScalar(b.object, "password")}, list: isList(name)}
	return []found{basic, request, object}
}

// posted is what PHP puts into $_POST: of a POST alone, whatever WordPress takes its
// method for.
func posted(r *http.Request, b *body) params {
	if r.Method != http.MethodPost {
		return nil
	}
	return b.form
}

// findCredentials returns the first name with a password. Blanks around them go:
// CoCart trims what comes as a parameter, and wp_hash_password trimmed the password
// when it was set.
func findCredentials(r *http.Request, query params, b *body) credentials {
	for _, f := range placesOfCredentials(r, query, b) {
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
func checkNames(r *http.Request, query params, b *body) error {
	for _, f := range placesOfCredentials(r, query, b) {
		switch {
		case wpname.TooLong(f.username):
			return badCredentials("The user name is too long.")
		case f.password == "" || f.username == "" && !f.basic && !f.list:
		case f.list, wpname.Key(f.username) == "":
			return badCredentials("The user name is empty.")
		}
	}
	return nil
}

func badCredentials(message string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Code: "cocart_gateway_bad_credentials", Message: message}
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

// memberScalar returns a JSON member as a PHP string, "" for what empty() finds empty:
// CoCart takes numbers and true for names and passwords, too.
func memberScalar(members []member, name string) string {
	raw, _ := memberValue(members, name)
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return ""
	}
	switch v := value.(type) {
	case string:
		return phpEmptyIsNone(v)
	case json.Number:
		return phpEmptyIsNone(phpNumber(v))
	case bool:
		if v {
			return "1"
		}
	}
	return ""
}

// phpNumber writes a number as PHP does: an integer as it is, another with 14 digits.
func phpNumber(n json.Number) string {
	if i, err := n.Int64(); err == nil {
		return strconv.FormatInt(i, 10)
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return strconv.FormatFloat(f, 'G', 14, 64)
}

// isList reports whether a JSON value is an array or object that PHP's empty() does not
// find empty.
func isList(raw json.RawMessage) bool {
	text := strings.Join(strings.Fields(string(raw)), "")
	return text != "" && (text[0] == '[' || text[0] == '{') && text != "[]" && text != "{}"
}

// carriesPassword tells whether CoCart could find a password or an API key in
// the request.
func carriesPassword(x *exchange, b *body) bool {
	for _, name := range []string{"username", "password", "consumer_key", "oauth_consumer_key"} { // the last two: WC_REST_Authentication
		if somewhere(x, b, name) {
			return true
		}
	}
	scheme, _ := cutScheme(x.r.Header.Get("Authorization"))
	return strings.EqualFold(scheme, "Basic")
}

// carriesWholePassword tells whether CoCart could log somebody in by it: a name and
// a password that it finds together, or an API key with its secret or signature.
func carriesWholePassword(x *exchange, b *body) bool {
	return findCredentials(x.r, x.verdict.query, b).complete() ||
		looseBasic(x.r.Header.Get("Authorization")).complete() ||
		somewhere(x, b, "consumer_key") && somewhere(x, b, "consumer_secret") ||
		somewhere(x, b, "oauth_consumer_key") && somewhere(x, b, "oauth_signature")
}

func somewhere(x *exchange, b *body, name string) bool {
	inQuery, _ := x.verdict.query.last(name)
	inForm, _ := b.form.last(name)
	raw, _ := memberValue(b.object, name)
	return inQuery.value != "" || inForm.value != "" || memberScalar(b.object, name) != "" || isList(raw)
}
