package keys

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Parse reads an RSA, ECDSA or Ed25519 key of the algorithm from PEM: a private key (PKCS#8, PKCS#1 or SEC 1)
// signs and verifies, a public one (PKIX or PKCS#1) only verifies. The text must hold exactly one key, not encrypted;
// RSA needs 2048 bits, and an ES algorithm the curve it is named for.
func Parse(id, alg string, text []byte) (Key, error) {
	if _, ok := hmacBytes[alg]; ok {
		return Key{}, fmt.Errorf("key %q: %s takes a secret, not a PEM key", id, alg)
	}
	block, err := onlyKeyBlock(text)
	if err != nil {
		return Key{}, fmt.Errorf("key %q: %w", id, err)
	}
	private, public, err := parseBlock(block)
	if err != nil {
		return Key{}, fmt.Errorf("key %q: %w", id, err)
	}
	k, err := publicKey(id, alg, public)
	if err != nil || private == nil {
		return k, err
	}
	// One form for all encodings of one key, so that re-encoding a file changes no refresh secret.
	k.private, err = x509.MarshalPKCS8PrivateKey(private)
	k.sign = private
	return k, err
}

// onlyKeyBlock skips the curve parameters that openssl writes before an EC key.
func onlyKeyBlock(text []byte) (*pem.Block, error) {
	var found *pem.Block
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "EC PARAMETERS" {
			continue
		}
		if found != nil {
			return nil, errors.New("there is more than one PEM block: give one key")
		}
		found = block
	}
	if found == nil {
		return nil, errors.New("there is no PEM block")
	}
	if found.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(found.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, errors.New("the key is encrypted: give it without a passphrase, in a file only the gateway can read")
	}
	return found, nil
}

func parseBlock(block *pem.Block) (private crypto.Signer, public crypto.PublicKey, err error) {
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
		return nil, public, err
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
		return nil, public, err
	default:
		return nil, nil, fmt.Errorf("a PEM block %.40q is not a key", block.Type)
	}
	return asSigner(key, err)
}

// asSigner refuses keys that can only agree on a secret, such as X25519.
func asSigner(key any, err error) (crypto.Signer, crypto.PublicKey, error) {
	if err != nil {
		return nil, nil, err
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("a key of type %T cannot sign: use RSA, ECDSA or Ed25519", key)
	}
	return s, s.Public(), nil
}
