package tokens

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
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

// JWKS returns the public keys that verify access tokens now as a JWK set (RFC 7517), in the order of
// Config.Keys. HMAC secrets and retired keys are not in it; without public keys it is {"keys":[]}.
func (a *Authority) JWKS() []byte {
	set := struct {
		Keys []jwk `json:"keys"`
	}{Keys: []jwk{}}
	now := a.cfg.Now()
	for _, k := range a.keys.keys {
		if k.public != nil && !k.retired(now) {
			set.Keys = append(set.Keys, describe(k))
		}
	}
	text, _ := json.Marshal(set) // strings only: cannot fail
	return text
}

// describe states a public key as RFC 7518 6.2, 6.3 and RFC 8037 2 want it.
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

// coordinates are of full length, with leading zeros (RFC 7518 6.2.1.2).
func coordinates(k *ecdsa.PublicKey) (x, y string) {
	point, err := k.Bytes() // 0x04, X, Y
	if err != nil {
		return "", "" // not on its curve: the PEM parser lets none through
	}
	half := (len(point) - 1) / 2
	return encode(point[1 : 1+half]), encode(point[1+half:])
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
