package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

var missingKeys = schema.Mistake{Value: "", Rule: "must have at least one key to sign tokens with",
	Remedy: "write e.g. keys: [{id: main, algorithm: HS256, secret: '${COCART_GATEWAY_SIGNING_KEY}'}]"}

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

func keyID() schema.Form[string] {
	return schema.Text("must be 1 to 64 letters, digits, - and _", keyIDPattern.MatchString).Like("2026-01")
}

// CheckKeyID reports what is wrong with the id of a key.
func CheckKeyID(id string) error { return keyID().Check(id) }

// CheckAlgorithm reports what is wrong with the name of an algorithm.
func CheckAlgorithm(name string) error { return algorithm().Check(name) }

func signingKeyKeys(k *SigningKey) schema.Section {
	pem := schema.SecretForm{Rule: "must be a PEM key", Remedy: "make one with: openssl genpkey -algorithm ed25519", Check: notEmpty}
	return schema.Section{
		schema.Required(schema.Value("id", &k.ID, "", keyID())),
		schema.Required(schema.Value("algorithm", &k.Algorithm, "", algorithm())),
		schema.OmitEmpty(schema.SecretKey("secret", &k.Secret, schema.SecretForm{Rule: "must be a secret of the length that the algorithm requires", Remedy: schema.MakeSecret, Check: nonEmptySecret})),
		schema.OmitEmpty(schema.SecretKey("private_key", &k.PrivateKey, pem)),
		schema.OmitEmpty(schema.OpenText("public_key", &k.PublicKey, pem)),
		schema.OmitEmpty(schema.Value("retire_at", &k.RetireAt, time.Time{}, moment())),
	}
}

func algorithm() schema.Form[string] {
	return schema.Choice(algorithms...).Advise("write HS256 for a shared secret, EdDSA for a key pair")
}

func notEmpty(s string) *schema.Mistake {
	if s == "" {
		return &schema.Mistake{}
	}
	return nil
}

func nonEmptySecret(s string) *schema.Mistake { return cmp.Or(notEmpty(s), schema.Untidy(s)) }

// moment is a point in time, or "". A day begins at midnight UTC.
func moment() schema.Form[time.Time] {
	return schema.Form[time.Time]{
		Rule:   "must be a day or an RFC 3339 time",
		Remedy: "write e.g. 2027-01-31 or 2027-01-31T06:00:00Z",
		Types:  []string{"!!str", "!!timestamp"},
		Parse:  parseMoment,
		Show: func(t time.Time) any {
			if t.IsZero() {
				return ""
			}
			return t.Format(time.RFC3339Nano)
		},
	}
}

func parseMoment(s string) (time.Time, *schema.Mistake) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 2000 && t.Year() <= 9998 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, &schema.Mistake{}
}

// Symmetric reports whether the key is a shared secret.
func (k SigningKey) Symmetric() bool { return strings.HasPrefix(k.Algorithm, "HS") }

func checkKeys(c *Config, r *schema.Reader, check KeyCheck) {
	ids := map[string]int{}
	for i, k := range c.Tokens.Keys {
		at := r.At(fmt.Sprintf("tokens.keys[%d]", i))
		if first, twice := ids[k.ID]; twice {
			r.Reject(r.At(at.Key+".id"), "is "+schema.Printable(k.ID)+", as is tokens.keys["+fmt.Sprint(first)+"].id",
				"must be different for each key", "give this key another id")
		} else if k.ID != "" {
			ids[k.ID] = i
		}
		if i == 0 {
			checkSigner(k, at, r)
		}
		if k.Algorithm != "" && r.Sound(at.Key) {
			k.Check(at, r, check)
		}
	}
}

// checkSigner checks the first key, which signs.
func checkSigner(k SigningKey, at schema.Position, r *schema.Reader) {
	if !k.RetireAt.IsZero() {
		r.Reject(r.At(at.Key+".retire_at"), "is set for the key that signs", "the first key must not retire",
			"put the new key before this one, which then verifies until it retires")
	}
	if k.PublicKey != "" && !k.PrivateKey.IsSet() {
		r.Reject(r.At(at.Key+".public_key", at.Key+".public_key_file"), "is a public key only", "the first key must be able to sign",
			"give private_key_file instead, or put a key that can sign before this one")
	}
}

// check compares the key with its algorithm. Length and encoding are checked by [KeyCheck].
func (k SigningKey) Check(at schema.Position, r *schema.Reader, check KeyCheck) {
	name, wanted := k.given()
	if name != wanted {
		value := schema.IfElse(name == "", "has no key", "has "+name)
		r.Reject(at, value, k.Algorithm+" requires "+schema.IfElse(k.Symmetric(), "a secret, not a PEM key", "either a private or a public PEM key, not a secret"),
			"give "+schema.IfElse(k.Symmetric(), "secret or secret_file", "private_key_file or public_key_file")+" alone")
		return
	}
	here := r.At(at.Key+"."+name, at.Key+"."+name+"_file")
	signs, err := check(k)
	switch {
	case err != nil:
		r.Reject(here, "cannot be used: "+err.Error(), "must fit "+k.Algorithm, "make one with: "+makeKey[k.Algorithm[:2]])
	case name == "public_key" && signs:
		r.Reject(here, "is a private key", "must be a public one", "name the key private_key_file instead")
	case name == "private_key" && !signs:
		r.Reject(here, "is a public key", "must be a private one", "name the key public_key_file instead")
	case k.Symmetric():
		if m := schema.Weak(k.Secret.Reveal()); m != nil {
			r.Report(here, *m)
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
	wanted = schema.IfElse(k.Symmetric(), "secret", schema.IfElse(k.PrivateKey.IsSet(), "private_key", "public_key"))
	return strings.Join(set, " and "), wanted
}
