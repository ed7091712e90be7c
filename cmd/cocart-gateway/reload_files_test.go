package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/certs/certstest"
)

// Whatever files its keys name, a configuration can be put in force without a restart.
func TestAConfigurationThatNamesFilesIsReloaded(t *testing.T) {
	i := certstest.NewAuthority(t)
	i.IssueClient("gateway")
	i.Issue("shop", certstest.Host("shop.example"))
	for name, more := range map[string]settings{
		"upstream.tls_ca_file":   {"upstream.url": "https://127.0.0.1:1", "upstream.tls_ca_file": i.Path("ca.crt")},
		"upstream.tls_cert_file": {"upstream.url": "https://127.0.0.1:1", "upstream.tls_cert_file": i.Path("gateway.crt"), "upstream.tls_key_file": i.Path("gateway.key")},
		"tls.certificates": {"tls.listen": "127.0.0.1:0",
			"tls.certificates": "[{certificate_file: " + i.Path("shop.crt") + ", key_file: " + i.Path("shop.key") + "}]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, more)
			r.write(settings{"site.guests": "deny"})
			if got := r.reload().body; got != `{"changed":["site.guests"],"restart_needed":[]}` {
				t.Error(got)
			}
		})
	}
}

// A reload cannot read a shell's <(…) again. It says so, and the gateway goes on.
func TestAConfigurationFromAPipeIsServedAndNotReloaded(t *testing.T) {
	in, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { in.Close() })
	r := startAt(t, fmt.Sprintf("/dev/fd/%d", in.Fd()), settings{"reload": "watch"})
	r.awaitReady()
	if a := r.administer("POST", "/reload"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "a pipe can be read once, when the gateway starts") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := code(r.do("GET", cart, "")); got != "200" {
		t.Errorf("a guest: %s", got)
	}
}
