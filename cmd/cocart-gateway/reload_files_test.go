package main

import (
	"testing"
)

// Whatever files its keys name, a configuration can be put in force without a restart.
func TestAConfigurationThatNamesFilesIsReloaded(t *testing.T) {
	i := newIssuer(t)
	i.client("gateway")
	i.issue("shop", host("shop.example"))
	for name, more := range map[string]settings{
		"upstream.tls_ca_file":   {"upstream.url": "https://127.0.0.1:1", "upstream.tls_ca_file": i.path("ca.crt")},
		"upstream.tls_cert_file": {"upstream.url": "https://127.0.0.1:1", "upstream.tls_cert_file": i.path("gateway.crt"), "upstream.tls_key_file": i.path("gateway.key")},
		"tls.certificates": {"tls.listen": "127.0.0.1:0",
			"tls.certificates": "[{certificate_file: " + i.path("shop.crt") + ", key_file: " + i.path("shop.key") + "}]"},
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
