package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

// issuer makes certificates into files.
type issuer struct {
	t    *testing.T
	dir  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, dir: t.TempDir()}
	i.root = &x509.Certificate{Subject: pkix.Name{CommonName: "an authority of this test"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	i.key = i.issue("ca", i.root)
	return i
}

// issue writes NAME.crt and NAME.key.
func (i *issuer) issue(name string, c *x509.Certificate) *ecdsa.PrivateKey {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	i.must(err)
	signer := i.key
	if signer == nil {
		signer = key
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, i.root, &key.PublicKey, signer)
	i.must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	i.must(err)
	i.must(os.WriteFile(i.path(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	i.must(os.WriteFile(i.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return key
}

func (i *issuer) path(name string) string { return filepath.Join(i.dir, name) }

func (i *issuer) must(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatal(err)
	}
}

// secureRedis speaks TLS to whoever has a certificate of the authority. Its own is for the name redis.test only.
func secureRedis(t *testing.T, i *issuer) (address string) {
	t.Helper()
	i.issue("server", &x509.Certificate{Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"redis.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	i.issue("gateway", &x509.Certificate{Subject: pkix.Name{CommonName: "gateway"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	address = freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	i.must(err)
	tokenstest.Redis(t, "--tls-port", port, "--tls-auth-clients", "yes", "--tls-ca-cert-file", i.path("ca.crt"),
		"--tls-cert-file", i.path("server.crt"), "--tls-key-file", i.path("server.key"))
	return address
}

func TestAServerThatAsksForAClientCertificateOnRealRedis(t *testing.T) {
	i := newIssuer(t)
	address := secureRedis(t, i)
	var (
		authority = "  tls_ca_file: " + i.path("ca.crt") + "\n"
		own       = "  tls_cert_file: " + i.path("gateway.crt") + "\n  tls_key_file: " + i.path("gateway.key") + "\n"
		name      = "  tls_server_name: redis.test\n"
	)
	deskWith(t, "redis:\n  address: rediss://"+address+"\n"+authority+own+name).sessionsWork()
	deskWith(t, "redis:\n  address: "+address+"\n  tls: true\n"+authority+own+name).sessionsWork()
	for without, row := range map[string]struct{ block, want string }{
		// What Redis says before it hangs up may be overtaken by the end of the connection.
		"TLS":                      {"  address: " + address + "\n", "session store unavailable"},
		"a certificate of its own": {"  address: rediss://" + address + "\n" + authority + name, "session store unavailable"},
		"the authority":            {"  address: rediss://" + address + "\n" + own + name, "certificate signed by unknown authority"},
		"the server's name":        {"  address: rediss://" + address + "\n" + authority + own, "cannot validate certificate for 127.0.0.1"},
	} {
		d := &desk{T: t, config: configWith(t, "redis:\n"+row.block), clock: tokenstest.NewClock()}
		if got := d.run("sessions", "list"); got.code != exitFailed || !strings.Contains(got.stderr, row.want) {
			t.Errorf("without %s: %+v, want %s", without, got, row.want)
		}
	}
}

// family is what servers need that speak TLS among themselves, and what the gateway needs with them.
func family(t *testing.T) (of *tokenstest.Certificates, block string) {
	t.Helper()
	i := newIssuer(t)
	i.issue("node", &x509.Certificate{Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	i.issue("gateway", &x509.Certificate{Subject: pkix.Name{CommonName: "gateway"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return &tokenstest.Certificates{Authority: i.path("ca.crt"), Own: i.path("node.crt"), Key: i.path("node.key")},
		"  tls: true\n  tls_ca_file: " + i.path("ca.crt") + "\n  tls_cert_file: " + i.path("gateway.crt") + "\n  tls_key_file: " + i.path("gateway.key") + "\n"
}

func TestAMasterThatSentinelsWatchOverTLSOnRealRedis(t *testing.T) {
	t.Parallel()
	certificates, block := family(t)
	s := tokenstest.Sentinel(t, certificates)
	address := "redis:\n  address: " + addresses(s.Sentinels, (*tokenstest.Server).SecureAddr) + "\n  mode: sentinel\n  master: " + tokenstest.SentinelMaster + "\n"
	d := deskWith(t, address+block)
	d.sessionsWork()
	d.needsTLS(address)
	d.outlives(s)
}

func TestAClusterOverTLSOnRealRedis(t *testing.T) {
	t.Parallel()
	certificates, block := family(t)
	c := tokenstest.Cluster(t, certificates)
	address := "redis:\n  address: " + addresses(c.Masters, (*tokenstest.Server).SecureAddr) + "\n  mode: cluster\n"
	d := deskWith(t, address+block)
	d.sessionsWork()
	d.needsTLS(address)
	d.outlives(c)
}

func (d *desk) needsTLS(address string) {
	d.Helper()
	stranger := &desk{T: d.T, config: configWith(d.T, address), clock: d.clock}
	if got := stranger.run("sessions", "list"); got.code != exitFailed {
		d.Errorf("without TLS: %+v", got)
	}
}
