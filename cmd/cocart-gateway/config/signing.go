package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var missingKeys = mistake{"", "must have at least one key to sign tokens with",
	"write e.g. keys: [{id: main, algorithm: HS256, secret: '${COCART_GATEWAY_SIGNING_KEY}'}]"}

// algorithms are the values of tokens.keys[].algorithm; a test generates a key for each one that package keys supports.
var algorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// KeyCheck reports whether a key can sign. Its error is the reason why the key cannot be used, and contains nothing of
// the key. The package that signs has the rules of algorithms, lengths and encodings.
type KeyCheck func(SigningKey) (signs bool, err error)

// makeKey is how to make a key for each family of algorithms.
var makeKey = map[string]string{
	"HS": "openssl rand -base64 48",
	"RS": "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072",
	"PS": "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:3072",
	"ES": "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 (P-384 for ES384, P-521 for ES512)",
	"Ed": "openssl genpkey -algorithm ed25519",
}

var keyIDPattern = regexp.MustCompile(`\A[A-Za-z0-9_-]{1,64}\z`)

func keyID() form[string] {
	return text("must be 1 to 64 letters, digits, - and _", keyIDPattern.MatchString).like("2026-01")
}

// CheckKeyID reports what is wrong with the id of a key.
func CheckKeyID(id string) error { return keyID().check(id) }

// CheckAlgorithm reports what is wrong with the name of an algorithm.
func CheckAlgorithm(name string) error { return algorithm().check(name) }

func signingKeyKeys(k *SigningKey) section {
	pem := secretForm{rule: "must be a PEM key", remedy: "make one with: openssl genpkey -algorithm ed25519", check: notEmpty}
	return section{
		required(value("id", &k.ID, "", keyID())),
		required(value("algorithm", &k.Algorithm, "", algorithm())),
		omitEmpty(secret("secret", &k.Secret, secretForm{rule: "must be a secret of the length that the algorithm requires", remedy: makeSecret, check: nonEmptySecret})),
		omitEmpty(secret("private_key", &k.PrivateKey, pem)),
		omitEmpty(openText("public_key", &k.PublicKey, pem)),
		omitEmpty(value("retire_at", &k.RetireAt, time.Time{}, moment())),
	}
}

func algorithm() form[string] {
	return choice(algorithms...).advise("write HS256 for a shared secret, EdDSA for a key pair")
}

func notEmpty(s string) *mistake {
	if s == "" {
		return &mistake{}
	}
	return nil
}

func nonEmptySecret(s string) *mistake { return cmp.Or(notEmpty(s), untidy(s)) }

// moment is a point in time, or "". A day begins at midnight UTC.
func moment() form[time.Time] {
	return form[time.Time]{
		rule:   "must be a day or an RFC 3339 time",
		remedy: "write e.g. 2027-01-31 or 2027-01-31T06:00:00Z",
		types:  []string{"!!str", "!!timestamp"},
		parse:  parseMoment,
		show: func(t time.Time) any {
			if t.IsZero() {
				return ""
			}
			return t.Format(time.RFC3339Nano)
		},
	}
}

func parseMoment(s string) (time.Time, *mistake) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 2000 && t.Year() <= 9998 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &mistake{}
}

// Symmetric reports whether the key is a shared secret.
func (k SigningKey) Symmetric() bool { return strings.HasPrefix(k.Algorithm, "HS") }

func checkKeys(c *Config, r *reader) {
	ids := map[string]int{}
	for i, k := range c.Tokens.Keys {
		at := r.at(fmt.Sprintf("tokens.keys[%d]", i))
		if first, twice := ids[k.ID]; twice {
			r.reject(r.at(at.key+".id"), "is "+printable(k.ID)+", as is tokens.keys["+fmt.Sprint(first)+"].id",
				"must be different for each key", "give this key another id")
		} else if k.ID != "" {
			ids[k.ID] = i
		}
		if i == 0 {
			checkSigner(k, at, r)
		}
		if k.Algorithm != "" && r.sound(at.key) {
			k.check(at, r)
		}
	}
}

// checkSigner checks the first key, which signs.
func checkSigner(k SigningKey, at position, r *reader) {
	if !k.RetireAt.IsZero() {
		r.reject(r.at(at.key+".retire_at"), "is set for the key that signs", "the first key must not retire",
			"put the new key before this one, which then verifies until it retires")
	}
	if k.PublicKey != "" && !k.PrivateKey.IsSet() {
		r.reject(r.at(at.key+".public_key", at.key+".public_key_file"), "is a public key only", "the first key must be able to sign",
			"give private_key_file instead, or put a key that can sign before this one")
	}
}

// check compares the key with its algorithm. Length and encoding are checked by [KeyCheck].
func (k SigningKey) check(at position, r *reader) {
	name, wanted := k.given()
	if name != wanted {
		value := ifElse(name == "", "has no key", "has "+name)
		r.reject(at, value, k.Algorithm+" requires "+ifElse(k.Symmetric(), "a secret, not a PEM key", "either a private or a public PEM key, not a secret"),
			"give "+ifElse(k.Symmetric(), "secret or secret_file", "private_key_file or public_key_file")+" alone")
		return
	}
	here := r.at(at.key+"."+name, at.key+"."+name+"_file")
	signs, err := r.checkKey(k)
	switch {
	case err != nil:
		r.reject(here, "cannot be used: "+err.Error(), "must fit "+k.Algorithm, "make one with: "+makeKey[k.Algorithm[:2]])
	case name == "public_key" && signs:
		r.reject(here, "is a private key", "must be a public one", "name the key private_key_file instead")
	case name == "private_key" && !signs:
		r.reject(here, "is a public key", "must be a private one", "name the key public_key_file instead")
	case k.Symmetric():
		if m := weak(k.Secret.Reveal()); m != nil {
			r.report(here, *m)
		}
	}
}

// given returns the names of the fields that are set, and the one that should be set.
func (k SigningKey) given() (names, wanted string) {
	var set []string
	for _, f := range []struct {
		name string
		set  bool
	}{{"secret", k.Secret.IsSet()}, {"private_key", k.PrivateKey.IsSet()}, {"public_key", k.PublicKey != ""}} {
		if f.set {
			set = append(set, f.name)
		}
	}
	wanted = ifElse(k.Symmetric(), "secret", ifElse(k.PrivateKey.IsSet(), "private_key", "public_key"))
	return strings.Join(set, " and "), wanted
}
