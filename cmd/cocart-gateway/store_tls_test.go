package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
	"cocart-gateway/tokens/tokenstest"
)

// secureRedis speaks TLS to whoever has a certificate of the authority. Its own is for the name redis.test only.
func secureRedis(t *testing.T, i *certstest.Authority) (address string) {
	t.Helper()
	i.Issue("server", &x509.Certificate{Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"redis.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	i.Issue("gateway", &x509.Certificate{Subject: pkix.Name{CommonName: "gateway"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	address = freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	i.Must(err)
	tokenstest.Redis(t, "--tls-port", port, "--tls-auth-clients", "yes", "--tls-ca-cert-file", i.Path("ca.crt"),
		"--tls-cert-file", i.Path("server.crt"), "--tls-key-file", i.Path("server.key"))
	return address
}

func TestAServerThatAsksForAClientCertificateOnRealRedis(t *testing.T) {
	i := certstest.NewAuthority(t)
	address := secureRedis(t, i)
	var (
		authority = "  tls_ca_file: " + i.Path("ca.crt") + "\n"
		own       = "  tls_cert_file: " + i.Path("gateway.crt") + "\n  tls_key_file: " + i.Path("gateway.key") + "\n"
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
	i := certstest.NewAuthority(t)
	i.Issue("node", &x509.Certificate{Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	i.Issue("gateway", &x509.Certificate{Subject: pkix.Name{CommonName: "gateway"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return &tokenstest.Certificates{Authority: i.Path("ca.crt"), Own: i.Path("node.crt"), Key: i.Path("node.key")},
		"  tls: true\n  tls_ca_file: " + i.Path("ca.crt") + "\n  tls_cert_file: " + i.Path("gateway.crt") + "\n  tls_key_file: " + i.Path("gateway.key") + "\n"
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
