package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"

	"github.com/prometheus/client_golang/prometheus"
)

// host is a certificate for these names.
func host(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

func tlsLines(i *issuer, names ...string) string {
	lines := "listen: []\ntls:\n  listen: \"127.0.0.1:0\"\n  redirect_from: \"127.0.0.1:0\"\n  certificates:\n"
	for _, name := range names {
		lines += "    - {certificate_file: " + i.path(name+".crt") + ", key_file: " + i.path(name+".key") + "}\n"
	}
	return lines
}

func TestTheGatewayEndsTLS(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	i.issue("other", host("other.example.com"))
	d := openDoor(t, tlsLines(i, "shop", "other"), nil)
	client := dialling("tcp", d.address("tls"), authorities(t, i.path("ca.crt")))
	for _, name := range []string{"shop.example.com", "other.example.com"} {
		if got := mustGet(t, client, "https://"+name+"/"); got.body != "https 127.0.0.1 "+name || got.proto != "HTTP/2.0" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got, err := get(t, client, "https://elsewhere.example.com/"); err == nil || !strings.Contains(err.Error(), "valid for shop.example.com") {
		t.Errorf("a name without a certificate: %+v, %v", got, err)
	}
	if expiry := d.metric(`cocart_gateway_tls_certificate_expiry_timestamp_seconds{name="shop.example.com"}`); expiry == "" {
		t.Error("no metric says when the certificate ends")
	}
}

func TestOldVersionsOfTLSAreRefused(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	trust := authorities(t, i.path("ca.crt"))
	for lines, row := range map[string]struct{ version, want uint16 }{
		"":                         {tls.VersionTLS11, 0},
		"  min_version: \"1.2\"\n": {tls.VersionTLS12, tls.VersionTLS12},
		"  min_version: \"1.3\"\n": {tls.VersionTLS12, 0},
	} {
		d := openDoor(t, tlsLines(i, "shop")+lines, nil)
		conn, err := tls.Dial("tcp", d.address("tls"), &tls.Config{ServerName: "shop.example.com", RootCAs: trust, MinVersion: tls.VersionTLS10, MaxVersion: row.version})
		var got uint16
		if err == nil {
			got = conn.ConnectionState().Version
			conn.Close()
		}
		if got != row.want {
			t.Errorf("%q: a client of %s got %s (%v)", lines, tls.VersionName(row.version), tls.VersionName(got), err)
		}
	}
}

func TestOnlyAuthenticatedEncryptionIsSpoken(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop"), nil)
	for _, suite := range tls.CipherSuites() {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) || !strings.Contains(suite.Name, "_ECDSA_") {
			continue // the certificate is of the other kind
		}
		conn, err := tls.Dial("tcp", d.address("tls"), &tls.Config{ServerName: "shop.example.com", RootCAs: authorities(t, i.path("ca.crt")),
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}})
		if err == nil {
			conn.Close()
		}
		if spoken := err == nil; spoken != !strings.Contains(suite.Name, "_CBC_") {
			t.Errorf("%s: %v", suite.Name, err)
		}
	}
}

func TestAHandshakeThatDoesNotMoveIsHungUpOn(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop")+"server: {read_header_timeout: 50ms}\n", nil)
	for name, begin := range map[string]string{"silence": "", "half a ClientHello": "\x16\x03\x01\x02\x00\x01"} {
		conn, err := net.Dial("tcp", d.address("tls"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlainHTTPIsSentToTheSite(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop"), nil)
	got := mustGet(t, dialling("tcp", d.address("redirect"), nil), "http://shop.example.com/cart?a=b")
	if got.status != http.StatusPermanentRedirect || got.location != "https://shop.example.com/cart?a=b" {
		t.Errorf("%+v", got)
	}
}

// set is a set of certificates whose files the test changes.
func set(t *testing.T, i *issuer, log io.Writer) (*certificateSet, *config.Config, *prometheus.Registry) {
	t.Helper()
	cfg := config.Default()
	cfg.TLS.Listen = []string{":443"}
	cfg.TLS.Certificates = []config.Certificate{{CertificateFile: i.path("shop.crt"), KeyFile: i.path("shop.key")}}
	reg := prometheus.NewRegistry()
	c, err := newCertificateSet(cfg, reg, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c, cfg, reg
}

func TestNewCertificateFilesAreTakenIntoUseWithoutDroppingConnections(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com", "old.example.com"))
	said := newOutput()
	c, _, reg := set(t, i, said)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}), TLSConfig: c.config("1.2")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.ServeTLS(l, "", "")
	defer server.Close()
	tick := make(chan time.Time)
	ctx, end := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { defer close(followed); c.watch(ctx, tick) }()
	defer func() { end(); <-followed }()

	shown := func(client *http.Client) string {
		resp, err := client.Get("https://shop.example.com/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return strings.Join(resp.TLS.PeerCertificates[0].DNSNames, " ")
	}
	fresh := func() *http.Client { return dialling("tcp", l.Addr().String(), authorities(t, i.path("ca.crt"))) }
	open := fresh()
	before := shown(open)
	step := func() { // the files are loaded at the second look; the third is taken once that is done
		for range 3 {
			tick <- time.Time{}
		}
	}

	if err := os.WriteFile(i.path("shop.crt"), []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	step()
	if got := shown(fresh()); got != before {
		t.Errorf("with a broken file: %s", got)
	}
	if got := gauge(t, reg, "cocart_gateway_tls_certificate_files_good"); got != 0 {
		t.Errorf("files_good is %v with a broken file", got)
	}
	if n := strings.Count(said.String(), "stay in use"); n != 1 {
		t.Errorf("a bad file was told of %d times: %s", n, said)
	}
	i.issue("shop", host("shop.example.com", "new.example.com"))
	step()
	if got := shown(fresh()); got != "shop.example.com new.example.com" {
		t.Errorf("with new files: %s", got)
	}
	if got := shown(open); got != before {
		t.Errorf("the connection from before was dropped: %s", got)
	}
	if got := gauge(t, reg, "cocart_gateway_tls_certificate_files_good"); got != 1 {
		t.Errorf("files_good is %v with good files", got)
	}
}

func TestOtherFilesAreUsedOrNot(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	i.issue("next", host("next.example.com"))
	c, _, _ := set(t, i, io.Discard)
	change := func(certificate, key string) error {
		next := config.Default()
		next.TLS.Certificates = []config.Certificate{{CertificateFile: i.path(certificate), KeyFile: i.path(key)}}
		use, err := c.part(next)
		if err == nil {
			use()
		}
		return err
	}
	if err := change("next.crt", "shop.key"); err == nil {
		t.Error("a certificate with another one's key was taken")
	}
	if got := c.all(); len(got) != 1 || got[0].DNSNames[0] != "shop.example.com" {
		t.Errorf("after a bad change: %v", got)
	}
	if err := change("next.crt", "next.key"); err != nil {
		t.Error(err)
	}
	if got := c.all(); len(got) != 1 || got[0].DNSNames[0] != "next.example.com" {
		t.Errorf("after a good change: %v", got)
	}
}

func TestAnExpiredCertificateIsServedAndToldOf(t *testing.T) {
	i := newIssuer(t)
	i.issue("shop", host("shop.example.com"))
	said := newOutput()
	c, _, _ := set(t, i, said)
	c.now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
	i.issue("shop", host("shop.example.com"))
	if err := c.Reload(); err != nil || !strings.Contains(said.String(), "certificate has expired") {
		t.Errorf("%v, %s", err, said)
	}
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
