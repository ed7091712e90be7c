package tokens

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
// read from a token (RFC 8725 3.1). The zero Key is of no use: make one with NewHMACKey or ParseKey.
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

// NewHMACKey makes a key of HS256, HS384 or HS512. The secret must be at least as long as the hash
// (32, 48, 64 bytes: RFC 7518 3.2) and must not be PEM, whose public part an attacker may know (RFC 8725 2.1).
func NewHMACKey(id, alg string, secret []byte) (Key, error) {
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
	return hmacKey(id, alg, secret)
}

// hmacKey does not look at the secret's length, which is the plugin's affair where it is the plugin's secret.
func hmacKey(id, alg string, secret []byte) (Key, error) {
	if err := checkID(id); err != nil {
		return Key{}, err
	}
	secret = bytes.Clone(secret)
	return Key{id: id, method: jwt.GetSigningMethod(alg), sign: secret, verify: secret, private: secret}, nil
}

// checkID keeps key ids to what can stand in a header, a log and a file name. A kid is only ever a map key;
// still nobody should have to wonder about "../../dev/null".
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
		return wrong(alg != "EdDSA", "%q does not take an Ed25519 key: use EdDSA", alg)
	default:
		return fmt.Errorf("a key of type %T is not supported: use RSA, ECDSA or Ed25519", public)
	}
}

func checkRSA(alg string, k *rsa.PublicKey) error {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return wrong(k.N.BitLen() < minRSABits, "an RSA key must have at least %d bits, has %d", minRSABits, k.N.BitLen())
	}
	return fmt.Errorf("%q does not take an RSA key: use RS256/384/512 or PS256/384/512", alg)
}

func checkECDSA(alg string, k *ecdsa.PublicKey) error {
	fits := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[k.Curve.Params().Name]
	return wrong(alg != fits, "%q does not take a key on curve %s", alg, k.Curve.Params().Name)
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

// CanSign tells whether the key has a private part.
func (k Key) CanSign() bool { return k.sign != nil }

// Retires returns when the key stops to sign and to verify; zero means never.
func (k Key) Retires() time.Time { return k.retires }

// RetireAt returns the key with a date, from which on it neither signs nor verifies access tokens. So that nobody
// is logged out, choose a date at least one AccessTTL after another key began to sign.
func (k Key) RetireAt(at time.Time) Key {
	k.retires = at
	return k
}

func (k Key) retired(now time.Time) bool { return !k.retires.IsZero() && !now.Before(k.retires) }

// LogValue keeps the secret out of logs.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", k.id), slog.String("algorithm", k.Algorithm()))
}

// String keeps the secret out of %v and %s.
func (k Key) String() string { return "key " + k.id + " (" + k.Algorithm() + ")" }

// GoString keeps the secret out of %#v.
func (k Key) GoString() string { return k.String() }
