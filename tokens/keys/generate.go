package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
)

const generatedRSABits = 3072 // good past 2030 (NIST SP 800-57)

// Generate makes the material of a new key: for HS256/384/512 a secret of 86 printable characters (64 random
// bytes) for NewHMAC, for the other algorithms a PKCS#8 private key in PEM for Parse.
func Generate(alg string) ([]byte, error) {
	if _, ok := hmacBytes[alg]; ok {
		return randomText(64), nil
	}
	private, err := generatePrivate(alg)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("encoding the new %s key: %w", alg, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func generatePrivate(alg string) (any, error) {
	switch alg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return rsa.GenerateKey(rand.Reader, generatedRSABits)
	case "ES256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%q is not an algorithm: use one of %v", alg, Algorithms())
}

// randomText returns n random bytes as text. crypto/rand cannot fail (it ends the process instead).
func randomText(n int) []byte {
	raw := make([]byte, n)
	rand.Read(raw)
	return base64.RawURLEncoding.AppendEncode(nil, raw)
}
