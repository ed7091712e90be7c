package config

import (
	"crypto/tls"
	"net/url"
	"slices"
	"strings"
)

// checkOrigins keeps the gateway from being put in front of itself.
func checkOrigins(c *Config, r *reader) {
	if c.Upstream.URL == nil || !r.sound("upstream.url") {
		return
	}
	for _, origin := range c.Upstream.Origins() {
		address := ifElse(origin.Scheme == "unix", UnixPrefix+origin.Path, hostPort(origin))
		for _, own := range c.Listeners() {
			if r.sound(own.block()) && sameSocket(own.Address, address) {
				r.reject(r.at("upstream.url"), mistake{"is " + origin.String() + ", the gateway itself (" + own.Key + ")",
					"must be the address of WordPress", "write where the web server of WordPress listens, e.g. http://127.0.0.1:8000"})
			}
		}
	}
}

// checkUpstreamTLS: a certificate that is quietly never shown would be believed to work.
func checkUpstreamTLS(c *UpstreamConfig, r *reader) {
	if c.URL == nil || !r.sound("upstream.url") {
		return
	}
	if !slices.ContainsFunc(c.Origins(), func(u *url.URL) bool { return u.Scheme == "https" }) {
		for _, s := range []setting{{"tls_ca_file", c.TLSCAFile != ""}, {"tls_cert_file", c.TLSCertFile != ""},
			{"tls_key_file", c.TLSKeyFile != ""}, {"tls_server_name", c.TLSServerName != ""}} {
			if key := "upstream." + s.key; s.set && r.sound(key) {
				r.reject(r.at(key), mistake{"is set, though upstream.url is not https", "must stand with an https:// address only", "write https://…, or remove it"})
			}
		}
		return
	}
	checkClientCertificate(c, r)
	if c.TLSCAFile != "" {
		data, _ := r.file(c.TLSCAFile, maxSecretFile) // was read a moment ago
		if m := certificates.check(string(data)); m != nil {
			r.reject(r.at("upstream.tls_ca_file"), m.or("", certificates.rule, certificates.remedy))
		}
	}
}

func checkClientCertificate(c *UpstreamConfig, r *reader) {
	if !r.sound("upstream.tls_cert_file", "upstream.tls_key_file") || c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return
	}
	at := r.at("upstream.tls_key_file", "upstream.tls_cert_file")
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		r.reject(at, mistake{"is given alone", "must be both upstream.tls_cert_file and upstream.tls_key_file, or neither", "give both"})
		return
	}
	cert, _ := r.file(c.TLSCertFile, maxSecretFile)
	key, _ := r.file(c.TLSKeyFile, maxSecretFile)
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		r.reject(at, mistake{"is refused: " + strings.TrimPrefix(err.Error(), "tls: "), "must be the private key of upstream.tls_cert_file",
			"give the two files that were made together"})
	}
}
