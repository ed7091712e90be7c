package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// algorithm is a way to sign, with a key of this run.
type algorithm struct {
	name string
	jwt.SigningMethod
	key  crypto.Signer
	file string // of the key
}

// makeAlgorithms makes a key for each. The gateway verifies with all of them and signs with HS256.
func (p *programs) makeAlgorithms() ([]algorithm, error) {
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	all := []algorithm{{name: "RS256", SigningMethod: jwt.SigningMethodRS256, key: small}, {name: "ES256", SigningMethod: jwt.SigningMethodES256, key: curve},
		{name: "EdDSA", SigningMethod: jwt.SigningMethodEdDSA, key: edwards}}
	for i, a := range all {
		der, err := x509.MarshalPKCS8PrivateKey(a.key)
		if err != nil {
			return nil, err
		}
		if all[i].file, err = p.writeSecret(a.name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// keysOf are their lines of the gateway's configuration.
func keysOf(all []algorithm) string {
	var lines strings.Builder
	for _, a := range all {
		fmt.Fprintf(&lines, "    - {id: %s, algorithm: %s, private_key_file: %q}\n", a.name, a.name, a.file)
	}
	return lines.String()
}

// again signs the claims of tokens with another algorithm.
func (a algorithm) again(tokens []string) ([]string, error) {
	head, err := json.Marshal(map[string]string{"alg": a.name, "typ": "JWT", "kid": a.name})
	if err != nil {
		return nil, err
	}
	var all []string
	for _, t := range tokens {
		text := base64.RawURLEncoding.EncodeToString(head) + "." + strings.Split(t, ".")[1]
		signature, err := a.Sign(text, a.key)
		if err != nil {
			return nil, err
		}
		all = append(all, text+"."+base64.RawURLEncoding.EncodeToString(signature))
	}
	return all, nil
}
