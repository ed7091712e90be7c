package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"time"
)

type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	Modulus   string `json:"n,omitempty"`
	Exponent  string `json:"e,omitempty"`
}

// JWKS returns the public keys that verify access tokens now as a JWK set (RFC 7517), in the order of the table. It
// leaves out HMAC secrets and retired keys; without public keys it is {"keys":[]}.
func (r *Ring) JWKS(now time.Time) []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	for _, k := range r.keys {
		if k.public != nil && !k.Retired(now) {
			set.Keys = append(set.Keys, describe(k))
		}
	}
	text, _ := json.Marshal(set) // strings only: cannot fail
	return text
}

// describe states a public key as RFC 7518 6.2, 6.3 and RFC 8037 2 define it.
func describe(k Key) jwk {
	j := jwk{Use: "sig", Algorithm: k.Algorithm(), ID: k.id}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		j.Type, j.Modulus = "RSA", encode(public.N.Bytes())
		j.Exponent = encode(bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, uint64(public.E)), "\x00"))
	case *ecdsa.PublicKey:
		j.Type, j.Curve = "EC", public.Curve.Params().Name
		j.X, j.Y = coordinates(public)
	case ed25519.PublicKey:
		j.Type, j.Curve, j.X = "OKP", "Ed25519", encode(public)
	}
	return j
}

// coordinates returns both coordinates of a point in full length, with leading zeros (RFC 7518 6.2.1.2).
func coordinates(k *ecdsa.PublicKey) (x, y string) {
	point, err := k.Bytes() // 0x04, X, Y
	if err != nil {
		return "", "" // not on its curve: the PEM parser refuses such keys
	}
	half := (len(point) - 1) / 2
	return encode(point[1 : 1+half]), encode(point[1+half:])
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// Thumbprint returns the RFC 7638 name of the key's public part, SHA-256 in base64url. It does not depend on the key's
// id. It is "" for a shared secret, about which a hash would reveal too much (section 7).
func (k Key) Thumbprint() string {
	if k.public == nil {
		return ""
	}
	j := describe(k)
	members := map[string]string{"kty": j.Type} // a map is encoded in the order of its keys, as section 3.3 asks
	for name, value := range map[string]string{"crv": j.Curve, "x": j.X, "y": j.Y, "n": j.Modulus, "e": j.Exponent} {
		if value != "" {
			members[name] = value
		}
	}
	text, _ := json.Marshal(members) // strings only: cannot fail
	sum := sha256.Sum256(text)
	return encode(sum[:])
}
