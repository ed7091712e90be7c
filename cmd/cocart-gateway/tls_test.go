package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

func tlsLines(i *certstest.Authority, names ...string) string {
	lines := "listen: []\ntls:\n  listen: \"127.0.0.1:0\"\n  redirect_from: \"127.0.0.1:0\"\n  certificates:\n"
	for _, name := range names {
		lines += "    - {certificate_file: " + i.Path(name+".crt") + ", key_file: " + i.Path(name+".key") + "}\n"
	}
	return lines
}

func TestTheGatewayEndsTLS(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	i.Issue("other", certstest.Host("other.example.com"))
	d := openDoor(t, tlsLines(i, "shop", "other"), nil)
	client := dialling("tcp", d.address("tls"), authorities(t, i.Path("ca.crt")))
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
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	trust := authorities(t, i.Path("ca.crt"))
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
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop"), nil)
	for _, suite := range tls.CipherSuites() {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) || !strings.Contains(suite.Name, "_ECDSA_") {
			continue // the certificate is of the other kind
		}
		conn, err := tls.Dial("tcp", d.address("tls"), &tls.Config{ServerName: "shop.example.com", RootCAs: authorities(t, i.Path("ca.crt")),
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
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
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
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example.com"))
	d := openDoor(t, tlsLines(i, "shop"), nil)
	got := mustGet(t, dialling("tcp", d.address("redirect"), nil), "http://shop.example.com/cart?a=b")
	if got.status != http.StatusPermanentRedirect || got.location != "https://shop.example.com/cart?a=b" {
		t.Errorf("%+v", got)
	}
}
