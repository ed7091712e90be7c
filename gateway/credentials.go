package gateway

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// credentials are a user name (or e-mail, or phone number) and a password.
type credentials struct{ username, password string }

func (c credentials) complete() bool { return c.username != "" && c.password != "" }

// findCredentials looks where CoCart looks, in its order: a Basic header, then
// $_REQUEST, where a form beats the query, then JSON. CoCart accepts them on
// every one of its routes, not only on login. Blanks around them go: CoCart
// trims what comes as a parameter, and wp_hash_password trimmed the password
// when it was set.
func findCredentials(r *http.Request, query params, b *body) credentials {
	if c := basicCredentials(r.Header.Get("Authorization")); c.complete() {
		return c.trimmed()
	}
	c := credentials{query.value("username"), query.value("password")}
	if _, ok := b.form.last("username"); ok {
		c.username = b.form.value("username")
	}
	if _, ok := b.form.last("password"); ok {
		c.password = b.form.value("password")
	}
	if !c.complete() {
		c = credentials{memberString(b.object, "username"), memberString(b.object, "password")}
	}
	return c.trimmed()
}

func (c credentials) trimmed() credentials {
	return credentials{phpTrim(c.username), phpTrim(c.password)}
}

// basicCredentials reads a Basic header (RFC 7617); its scheme matches in any
// case (RFC 9110 section 11.1).
func basicCredentials(header string) credentials {
	scheme, encoded, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return credentials{}
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return credentials{}
	}
	username, password, _ := strings.Cut(string(raw), ":")
	return credentials{username, password}
}

// carriesPassword tells whether CoCart could find a password or an API key in
// the request. A form too long to be looked at is taken to hold none: the plugin
// then keeps any that it holds from CoCart.
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
	return x.verdict.query.value(name) != "" || b.form.value(name) != "" || memberString(b.object, name) != ""
}
