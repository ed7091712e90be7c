package tokens

import (
	"crypto/sha256"
	"encoding/json"
)

// Thumbprint is the RFC 7638 name of a key's public part, SHA-256 in base64url: the same for everybody who has the
// key, whatever id it goes by. "" for a shared secret, about which a hash would tell too much (section 7).
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
