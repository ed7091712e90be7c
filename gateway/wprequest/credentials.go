package wprequest

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Credentials are a user name (or e-mail, or phone number) and a password.
type Credentials struct{ Username, Password string }

func (c Credentials) Complete() bool { return c.Username != "" && c.Password != "" }

// place is a name and password in one of the places where CoCart looks, as PHP will
// have them.
type place struct {
	Credentials
	// basic says that it is in a Basic header. CoCart 4.1 and newer look up its name even
	// if it is empty; elsewhere they ignore an empty one.
	basic bool
	// list says that the name is an array or object, of which sanitize_user makes an
	// empty text.
	list bool
}

// places returns what stands in each place, in CoCart's order
// (perform_basic_authentication): a Basic header, $_REQUEST, where a form beats the
// query, and JSON. CoCart accepts them on every one of its routes, not only on login.
// Versions differ in which places they know and in whether a half beats the next
// place, so a caller that must not miss one looks at all.
func (in Input) places() []place {
	basic := place{Credentials: decodeBasic(in.Header.Get("Authorization")), basic: true}
	var request place
	for _, source := range []Params{in.Query, in.posted()} {
		if p, ok := source.Last("username"); ok {
			request.Username, request.list = phpEmptyIsNone(p.value), p.array
		}
		if p, ok := source.Last("password"); ok {
			request.Password = phpEmptyIsNone(p.value)
		}
	}
	name, _ := in.Body.Object.get("username")
	object := place{Credentials: Credentials{in.Body.Object.scalar("username"), in.Body.Object.scalar("password")}, list: isList(name)}
	return []place{basic, request, object}
}

// Credentials returns the first name with a password. Blanks around them go:
// CoCart trims what comes as a parameter, and wp_hash_password trimmed the password
// when it was set.
func (in Input) Credentials() Credentials {
	for _, f := range in.places() {
		if f.Complete() {
			return f.trimmed()
		}
	}
	return Credentials{}
}

// CheckNames refuses what would make CoCart check the password of an account that the
// client did not name, or costs more than a name is worth, before anything is counted.
//
// An empty name is one: CoCart 4.1 and newer take it for a phone number
// (WC_Validation::is_phone) and check the password of the first customer that
// get_users returns for it. So is a name of which sanitize_user leaves nothing, and an
// array. A name longer than any that WordPress stores can belong to no account, and
// normalising 1 MiB of it costs seconds of PHP.
func (in Input) CheckNames() error {
	for _, f := range in.places() {
		switch {
		case NameTooLong(f.Username):
			return &Error{ReasonBadCredentials, "The user name is too long."}
		case f.Password == "" || f.Username == "" && !f.basic && !f.list:
		case f.list, NameKey(f.Username) == "":
			return &Error{ReasonBadCredentials, "The user name is empty."}
		}
	}
	return nil
}

func (c Credentials) trimmed() Credentials {
	return Credentials{phpTrim(c.Username), phpTrim(c.Password)}
}

// phpEmptyIsNone returns "" for what PHP's empty() finds empty, "0" too.
func phpEmptyIsNone(s string) string {
	if s == "0" {
		return ""
	}
	return s
}

// CarriesPassword reports whether CoCart could find a password or an API key in
// the request.
func (in Input) CarriesPassword() bool {
	for _, name := range []string{"username", "password", "consumer_key", "oauth_consumer_key"} { // the last two: WC_REST_Authentication
		if in.fills(name) {
			return true
		}
	}
	scheme, _ := cutScheme(in.Header.Get("Authorization"))
	return strings.EqualFold(scheme, "Basic")
}

// CarriesWholePassword reports whether CoCart could log a user in by the request: a
// name and a password that it finds together, or an API key with its secret or
// signature.
func (in Input) CarriesWholePassword() bool {
	return in.Credentials().Complete() ||
		decodeBasic(in.Header.Get("Authorization")).Complete() ||
		in.fills("consumer_key") && in.fills("consumer_secret") ||
		in.fills("oauth_consumer_key") && in.fills("oauth_signature")
}

// Names returns every name in the request, first the one that CoCart will take.
// Versions of CoCart differ in where they look, so each is counted.
func (in Input) Names(first Credentials) []string {
	names := []string{first.Username, decodeBasic(in.Header.Get("Authorization")).Username}
	for _, name := range []string{"username", "consumer_key", "oauth_consumer_key"} {
		names = append(names, in.Query.value(name), in.Body.Form.value(name), in.Body.Object.scalar(name))
	}
	return slices.DeleteFunc(names, func(s string) bool { return strings.TrimSpace(s) == "" })
}

// decodeBasic reads a Basic header as PHP's base64_decode does: what is no letter of
// the alphabet is passed over, and padding may be missing.
func decodeBasic(header string) Credentials {
	scheme, encoded := cutScheme(header)
	if !strings.EqualFold(scheme, "Basic") {
		return Credentials{}
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
	return Credentials{name, password}
}
