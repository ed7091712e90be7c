// Package keys holds the keys that sign and verify access tokens: it parses and generates them (key.go, parse.go,
// generate.go), keeps the table of those in use (ring.go), and publishes their public halves as a JWK set (jwks.go).
// It does no I/O.
package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Key signs and verifies access tokens with exactly one algorithm. Which one is a property of the key and never
// read from a token (RFC 8725 3.1). The zero Key is of no use: make one with NewHMAC or Parse.
type Key struct {
	id      string
	method  jwt.SigningMethod
	sign    any              // what the method signs with; nil for a key that only verifies
	verify  any              // what the method verifies with
	public  crypto.PublicKey // nil for HMAC
	private []byte           // what refresh secrets are derived from; nil for a key that only verifies
	retires time.Time        // zero: never
}

const (
	maxKeyID   = 64
	minRSABits = 2048 // RFC 7518 3.3
)

// hmacBytes is the shortest secret of each HMAC algorithm: as long as its hash (RFC 7518 3.2).
var hmacBytes = map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}

// Algorithms returns every algorithm a key can have.
func Algorithms() []string {
	return []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA"}
}

// NewHMAC makes a key of HS256, HS384 or HS512. The secret must be at least as long as the hash
// (32, 48, 64 bytes: RFC 7518 3.2) and must not be PEM, whose public part an attacker may know (RFC 8725 2.1).
func NewHMAC(id, alg string, secret []byte) (Key, error) {
	shortest, ok := hmacBytes[alg]
	if !ok {
		return Key{}, fmt.Errorf("key %q: %q is not an HMAC algorithm: use HS256, HS384 or HS512, or give it a PEM key", id, alg)
	}
	if bytes.Contains(secret, []byte("-----BEGIN ")) {
		return Key{}, fmt.Errorf("key %q: a PEM key must not be used as the secret of %s: its public part would sign tokens", id, alg)
	}
	if len(secret) < shortest {
		return Key{}, fmt.Errorf("key %q: the secret of %s must be at least %d bytes, is %d", id, alg, shortest, len(secret))
	}
	return NewWeakHMAC(id, alg, secret)
}

// NewWeakHMAC makes an HMAC key of a secret of any length. It is for the secret of another issuer, whose length is not
// ours to choose.
func NewWeakHMAC(id, alg string, secret []byte) (Key, error) {
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	secret = bytes.Clone(secret)
	return Key{id: id, method: jwt.GetSigningMethod(alg), sign: secret, verify: secret, private: secret}, nil
}

// checkID limits key ids to what can stand in a header, a log and a file name. A kid is only ever a map key, so
// "../../dev/null" would do no harm; refusing it spares a reviewer the question.
func checkID(id string) error {
	if id == "" || len(id) > maxKeyID {
		return fmt.Errorf("key id %.80q: must be 1 to %d characters long", id, maxKeyID)
	}
	for _, c := range []byte(id) {
		if !isWordByte(c) && c != '.' {
			return fmt.Errorf("key id %q: only letters, digits, '-', '_' and '.' are allowed", id)
		}
	}
	return nil
}

func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// publicKey makes a key that verifies, if the algorithm and the public key belong together.
func publicKey(id, alg string, public crypto.PublicKey) (Key, error) {
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	if err := checkPair(alg, public); err != nil {
		return Key{}, fmt.Errorf("key %q: %w", id, err)
	}
	return Key{id: id, method: jwt.GetSigningMethod(alg), verify: public, public: public}, nil
}

func checkPair(alg string, public crypto.PublicKey) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(alg, k)
	case *ecdsa.PublicKey:
		return checkECDSA(alg, k)
	case ed25519.PublicKey:
		return problemIf(alg != "EdDSA", "%q does not take an Ed25519 key: use EdDSA", alg)
	default:
		return fmt.Errorf("a key of type %T is not supported: use RSA, ECDSA or Ed25519", public)
	}
}

func problemIf(is bool, format string, args ...any) error {
	if !is {
		return nil
	}
	return fmt.Errorf(format, args...)
}

func checkRSA(alg string, k *rsa.PublicKey) error {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return problemIf(k.N.BitLen() < minRSABits, "an RSA key must have at least %d bits, has %d", minRSABits, k.N.BitLen())
	}
	return fmt.Errorf("%q does not take an RSA key: use RS256/384/512 or PS256/384/512", alg)
}

func checkECDSA(alg string, k *ecdsa.PublicKey) error {
	fits := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[k.Curve.Params().Name]
	return problemIf(alg != fits, "%q does not take a key on curve %s", alg, k.Curve.Params().Name)
}

// ID returns the key's id, the kid of its tokens.
func (k Key) ID() string { return k.id }

// Algorithm returns the one algorithm the key is for, as in a token's alg.
func (k Key) Algorithm() string {
	if k.method == nil {
		return ""
	}
	return k.method.Alg()
}

// CanSign reports whether the key has a private part.
func (k Key) CanSign() bool { return k.sign != nil }

// Retires returns when the key stops to sign and to verify; zero means never.
func (k Key) Retires() time.Time { return k.retires }

// RetireAt returns the key with a date, from which on it neither signs nor verifies access tokens. A date at least one
// access token lifetime after another key began to sign logs no customer out.
func (k Key) RetireAt(at time.Time) Key {
	k.retires = at
	return k
}

// Retired reports whether the key neither signs nor verifies any more.
func (k Key) Retired(now time.Time) bool { return !k.retires.IsZero() && !now.Before(k.retires) }

// Sign signs a text with the key's own algorithm. It needs a key that CanSign.
func (k Key) Sign(text string) ([]byte, error) { return k.method.Sign(text, k.sign) }

// Verify checks the signature of a text with the key's own algorithm.
func (k Key) Verify(text string, signature []byte) error {
	return k.method.Verify(text, signature, k.verify)
}

// Material returns the private bytes that other secrets may be derived from; nil for a key that only verifies.
func (k Key) Material() []byte { return k.private }

// LogValue keeps the secret out of logs.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", k.id), slog.String("algorithm", k.Algorithm()))
}

// String keeps the secret out of %v and %s.
func (k Key) String() string { return "key " + k.id + " (" + k.Algorithm() + ")" }

// GoString keeps the secret out of %#v.
func (k Key) GoString() string { return k.String() }
