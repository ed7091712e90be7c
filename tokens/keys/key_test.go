package keys_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"cocart-gateway/tokens/keys"
)

func pemOf(t testing.TB, kind string, der []byte, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestKeysInEveryEncoding(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	ecText := pemOf(t, "EC PRIVATE KEY", sec1, err)
	pkix, err := x509.MarshalPKIXPublicKey(&ecKey.PublicKey)
	for name, row := range map[string]struct {
		alg  string
		text []byte
		sign bool
	}{
		"PKCS#1 private": {"RS512", pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey), nil), true},
		"PKCS#1 public":  {"PS256", pemOf(t, "RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), nil), false},
		"SEC 1":          {"ES384", ecText, true},
		"SEC 1 with parameters, as openssl writes": {"ES384", append(pemOf(t, "EC PARAMETERS", []byte{6, 5, 43, 129, 4, 0, 34}, nil), ecText...), true},
		"PKIX": {"ES384", pemOf(t, "PUBLIC KEY", pkix, err), false},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := keys.Parse("k", row.alg, row.text)
			if err != nil || key.CanSign() != row.sign || key.Algorithm() != row.alg || key.ID() != "k" {
				t.Errorf("parsed %v (signs: %v), %v", key, key.CanSign(), err)
			}
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	es256, _ := keys.Generate("ES256")
	eddsa, _ := keys.Generate("EdDSA")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak := pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short), nil)
	agree, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := x509.MarshalPKCS8PrivateKey(agree)
	xText := pemOf(t, "PRIVATE KEY", x25519, err)
	for name, row := range map[string]struct {
		id, alg string
		text    []byte
		reason  string
	}{
		"HS256 secret of 31 bytes":  {"k", "HS256", []byte(strings.Repeat("x", 31)), "at least 32 bytes, is 31"},
		"HS384 secret of 47 bytes":  {"k", "HS384", []byte(strings.Repeat("x", 47)), "at least 48 bytes, is 47"},
		"HS512 secret of 63 bytes":  {"k", "HS512", []byte(strings.Repeat("x", 63)), "at least 64 bytes, is 63"},
		"PEM as HMAC secret":        {"k", "HS256", es256, "must not be used as the secret"},
		"PEM after text":            {"k", "HS256", append([]byte("\ufeff \n"), es256...), "must not be used as the secret"},
		"secret for ES256":          {"k", "ES256", []byte(strings.Repeat("x", 64)), "no PEM block"},
		"none":                      {"k", "none", []byte(strings.Repeat("x", 64)), "no PEM block"},
		"none with a key":           {"k", "none", es256, `"none" does not take`},
		"lower case":                {"k", "es256", es256, `"es256" does not take`},
		"ES384 with P-256":          {"k", "ES384", es256, "curve P-256"},
		"RS256 with an EC key":      {"k", "RS256", es256, "curve P-256"},
		"ES256 with an Ed25519 key": {"k", "ES256", eddsa, "does not take an Ed25519 key"},
		"EdDSA with an EC key":      {"k", "EdDSA", es256, "curve P-256"},
		"X25519":                    {"k", "EdDSA", xText, "cannot sign"},
		"RSA of 1024 bits":          {"k", "RS256", weak, "at least 2048 bits"},
		"two keys":                  {"k", "ES256", append(append([]byte{}, es256...), es256...), "more than one PEM block"},
		"encrypted":                 {"k", "ES256", pemOf(t, "ENCRYPTED PRIVATE KEY", []byte{1}, nil), "encrypted"},
		"a certificate":             {"k", "ES256", pemOf(t, "CERTIFICATE", []byte{1}, nil), "is not a key"},
		"broken":                    {"k", "ES256", pemOf(t, "PRIVATE KEY", []byte{1}, nil), "asn1"},
		"no id":                     {"", "ES256", es256, "1 to 64 characters"},
		"long id":                   {strings.Repeat("k", 65), "ES256", es256, "1 to 64 characters"},
		"id with a path":            {"../k", "ES256", es256, "only letters"},
		"id with a quote":           {`k"`, "HS256", []byte(strings.Repeat("x", 32)), "only letters"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if strings.HasPrefix(row.alg, "HS") {
				_, err = keys.NewHMAC(row.id, row.alg, row.text)
			} else {
				_, err = keys.Parse(row.id, row.alg, row.text)
			}
			if err == nil || !strings.Contains(err.Error(), row.reason) {
				t.Errorf("error %v does not say %q", err, row.reason)
			}
			if err != nil && strings.Contains(err.Error(), "xxxx") {
				t.Errorf("error shows the secret: %v", err)
			}
		})
	}
	if _, err := keys.NewHMAC("k", "ES256", []byte(strings.Repeat("x", 64))); err == nil {
		t.Error("a secret became an ES256 key")
	}
	if _, err := keys.Parse("k", "HS256", es256); err == nil {
		t.Error("a PEM key became an HS256 key")
	}
	if _, err := keys.Generate("none"); err == nil {
		t.Error("a key of algorithm none was made")
	}
}
