package main

import (
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
