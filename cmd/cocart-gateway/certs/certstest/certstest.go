// Package certstest issues certificates for tests.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates and writes them into a folder. Its own certificate is ca.crt.
type Authority struct {
	t    *testing.T
	dir  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns an Authority with a key of its own.
func NewAuthority(t *testing.T) *Authority {
	t.Helper()
	i := &Authority{t: t, dir: t.TempDir()}
	i.root = &x509.Certificate{Subject: pkix.Name{CommonName: "an authority of this test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	i.key = i.Issue("ca", i.root)
	return i
}

// Issue completes a template, and writes NAME.crt and NAME.key. They are valid for an hour.
func (i *Authority) Issue(name string, c *x509.Certificate) *ecdsa.PrivateKey {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	i.Must(err)
	signer := i.key
	if signer == nil {
		signer = key
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, i.root, &key.PublicKey, signer)
	i.Must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	i.Must(err)
	i.Must(os.WriteFile(i.Path(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	i.Must(os.WriteFile(i.Path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return key
}

// Path returns the path of a file, as in shop.crt or shop.key.
func (i *Authority) Path(name string) string { return filepath.Join(i.dir, name) }

// Must ends the test on an error.
func (i *Authority) Must(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

// IssueClient issues a certificate for a client.
func (i *Authority) IssueClient(name string) {
	i.Issue(name, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// Host returns the template of a certificate for these names.
func Host(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

// Certificate returns the certificate of the authority.
func (i *Authority) Certificate() *x509.Certificate {
	i.t.Helper()
	pair, err := tls.LoadX509KeyPair(i.Path("ca.crt"), i.Path("ca.key"))
	i.Must(err)
	return pair.Leaf
}
