package main

import (
	"crypto/tls"
	"net/http"
	"os"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// pairs is a list of pairs as the configuration has it.
func pairs(i *certstest.Authority, names ...string) string {
	var items []string
	for _, name := range names {
		items = append(items, "{certificate_file: "+i.Path(name+".crt")+", key_file: "+i.Path(name+".key")+"}")
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// shown is what the certificate at an address is for.
func (r *rig) shown(i *certstest.Authority, address string) string {
	r.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: "shop.example", RootCAs: authorities(r.T, i.Path("ca.crt"))})
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	return strings.Join(conn.ConnectionState().PeerCertificates[0].DNSNames, " ")
}

func TestCertificatesAreExchangedWithTheConfigurationOrNothingIs(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("old", certstest.Host("shop.example", "old.example"))
	i.Issue("new", certstest.Host("shop.example", "new.example"))
	address := freeAddress(t)
	r := start(t, settings{"tls.listen": address, "tls.certificates": pairs(i, "old")})
	before := r.shown(i, address)

	r.write(settings{"tls.certificates": "[{certificate_file: " + i.Path("new.crt") + ", key_file: " + i.Path("old.key") + "}]", "site.guests": "deny"})
	a := r.administer("POST", "/reload")
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "tls.certificates[0].certificate_file") {
		t.Errorf("two files that do not belong together: %d %s", a.status, a.body)
	}
	if got, guest := r.shown(i, address), code(r.do("GET", cart, "")); got != before || guest != "200" {
		t.Errorf("after a refused reload %s is shown, and a guest gets %s", got, guest)
	}

	r.write(settings{"tls.certificates": pairs(i, "new")})
	if got := r.reload().body; got != `{"changed":["tls.certificates","site.guests"],"restart_needed":[]}` {
		t.Errorf("reload: %s", got)
	}
	if got, guest := r.shown(i, address), code(r.do("GET", cart, "")); got != "shop.example new.example" || guest != "401" {
		t.Errorf("after a reload %s is shown, and a guest gets %s", got, guest)
	}
}

// A renewal changes the files and not the configuration.
func TestSIGHUPReadsTheFilesOfCertificatesToo(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example", "old.example"))
	address := freeAddress(t)
	r := start(t, settings{"tls.listen": address, "tls.certificates": pairs(i, "shop")})
	i.Issue("shop", certstest.Host("shop.example", "new.example"))
	r.hangUp()
	r.said.await(t, `msg="configuration reloaded" by=signal`)
	if got := r.shown(i, address); got != "shop.example new.example" {
		t.Errorf("%s is shown", got)
	}
}

// What a key names that waits for a restart may go as soon as the file names another one.
func TestAFileThatTheConfigurationNamesNoMoreMayBeGone(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.Issue("shop", certstest.Host("shop.example"))
	i.Issue("other", certstest.Host("other.example"))
	r := start(t, settings{"upstream.url": "https://127.0.0.1:1", "upstream.tls_ca_file": i.Path("shop.crt")})
	r.write(settings{"upstream.tls_ca_file": i.Path("other.crt"), "site.guests": "deny"})
	if err := os.Remove(i.Path("shop.crt")); err != nil {
		t.Fatal(err)
	}
	if got := r.reload().body; got != `{"changed":["site.guests"],"restart_needed":["upstream.tls_ca_file"]}` {
		t.Errorf("reload: %s", got)
	}
}
