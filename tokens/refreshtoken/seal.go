package refreshtoken

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
)

// Seal encrypts a text for Redis (AES-256-GCM). The key comes from the first secret and from about, which is a
// token or an id: neither a reader of Redis nor the secret alone opens it.
func (r Ring) Seal(text []byte, about string) string {
	box := r[0].box(about)
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(box.Seal(nonce, nonce, text, nil))
}

// Open returns what Seal encrypted, under any of the secrets.
func (r Ring) Open(sealed, about string) (text []byte, ok bool) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, false
	}
	for _, secret := range r {
		box := secret.box(about)
		if len(raw) < box.NonceSize() {
			return nil, false
		}
		if text, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], nil); err == nil {
			return text, true
		}
	}
	return nil, false
}

func (s *secretKeys) box(about string) cipher.AEAD {
	block, err := aes.NewCipher(derive(s.raw, []byte(about), "sealed pair"))
	if err != nil {
		panic(err) // only a key of another length
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only a block of another length
	}
	return box
}
