package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// TLSConfig is how customers reach the gateway encrypted, where no proxy in front of it ends TLS.
type TLSConfig struct {
	Listen       []string // as in Config.Listen; empty: no TLS
	RedirectFrom []string // plain listeners that do nothing but send clients to https
	Certificates []CertificateConfig
	MinVersion   string // "1.2" or "1.3"
	ACME         ACMEConfig
}

// CertificateConfig is a pair of PEM files, relative paths resolved. They are read again when they change.
type CertificateConfig struct {
	CertificateFile string // the certificate, then those in between
	KeyFile         string
}

// ACMEConfig gets certificates from an authority (RFC 8555).
type ACMEConfig struct {
	Enabled    bool
	Email      string
	Directory  string   // the https URL of the authority
	Domains    []string // empty: the host of site.url
	Storage    string   // a folder that this gateway may write to, path resolved
	CAFile     string   // who vouches for the directory; empty: the authorities that the machine trusts
	Challenges []string // "http-01" (needs RedirectFrom) and "tls-alpn-01", at least one
}

func defaultTLS() TLSConfig {
	return TLSConfig{MinVersion: "1.2", ACME: ACMEConfig{
		Directory: "https://acme-v02.api.letsencrypt.org/directory", Storage: "/var/lib/cocart-gateway/acme",
		Challenges: []string{"tls-alpn-01", "http-01"},
	}}
}

func tlsBlock(c *TLSConfig) entry {
	return block("tls",
		addressList("listen", &c.Listen, ":443"),
		addressList("redirect_from", &c.RedirectFrom, ":80"),
		optionalBlocks("certificates", &c.Certificates, certificateForm),
		value("min_version", &c.MinVersion, choice("1.2", "1.3")),
		block("acme",
			value("enabled", &c.ACME.Enabled, truth()),
			value("email", &c.ACME.Email, text("must be an e-mail address, or empty", "write e.g. shop@example.com", goodEmail)),
			value("directory", &c.ACME.Directory, text("must be the https URL of an ACME directory", "write e.g. "+defaultTLS().ACME.Directory, goodDirectory)),
			values("domains", &c.ACME.Domains, text("must be a host name as in shop.example.com", "write it in its ASCII form, without a wildcard", goodDomain)),
			pathEntry("storage", &c.ACME.Storage, false),
			hideEmpty(pathEntry("ca_file", &c.ACME.CAFile, false)),
			values("challenges", &c.ACME.Challenges, choice("tls-alpn-01", "http-01"))))
}

func certificateForm(c *CertificateConfig) section {
	return section{pathEntry("certificate_file", &c.CertificateFile, true), pathEntry("key_file", &c.KeyFile, true)}
}

// optionalBlocks is a list of blocks of one form that may be empty.
func optionalBlocks[T any](name string, dst *[]T, form func(*T) section) entry {
	e := blocks(name, dst, mistake{remedy: "write an item after a dash, with its keys below each other"}, form)
	e.required = false
	read := e.read
	e.read = func(r *reader, key string, at place, n *yaml.Node) {
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			*dst = nil
			return
		}
		read(r, key, at, n)
	}
	return e
}

// pathEntry is the path of a file or folder that is used later; a relative one is relative to the configuration.
func pathEntry(name string, dst *string, needed bool) entry {
	f := text("must be a path", "write e.g. /etc/cocart-gateway/shop.pem", func(s string) bool {
		return (s != "" || !needed) && !strings.ContainsFunc(s, unicode.IsControl)
	})
	e := value(name, dst, f)
	e.required = needed
	read := e.read
	e.read = func(r *reader, key string, at place, n *yaml.Node) {
		read(r, key, at, n)
		if *dst != "" && !filepath.IsAbs(*dst) {
			*dst = filepath.Join(r.dir, *dst)
		}
	}
	return e
}

func goodEmail(s string) bool {
	local, host, at := strings.Cut(s, "@")
	return s == "" || at && local != "" && goodDomain(host) && plainASCII(s) && !strings.ContainsFunc(s, unicode.IsSpace)
}

func goodDirectory(s string) bool {
	rest, https := strings.CutPrefix(s, "https://")
	host, _, _ := strings.Cut(rest, "/")
	return https && host != "" && plainASCII(s) && !strings.ContainsAny(s, " @#?") && !strings.ContainsFunc(s, unicode.IsControl)
}

// goodDomain is a name that an authority may vouch for: no address, no wildcard, at least one dot.
func goodDomain(s string) bool {
	_, err := netip.ParseAddr(s)
	return err != nil && len(s) <= 253 && hostName.MatchString(s) && strings.Contains(s, ".") && !strings.HasSuffix(s, ".")
}

// Domains returns the names of the certificate that ACME gets.
func (c *Config) Domains() []string {
	if len(c.TLS.ACME.Domains) > 0 {
		return c.TLS.ACME.Domains
	}
	return []string{c.Site.URL.Hostname()}
}

func checkTLS(c *Config, r *reader) {
	t := &c.TLS
	if !r.sound("tls") {
		return
	}
	some := len(t.Certificates) > 0 || t.ACME.Enabled
	switch {
	case len(t.Listen) > 0 && !some:
		r.reject(r.at("tls.listen"), mistake{"is given without certificates", "must go with tls.certificates or tls.acme.enabled",
			"name the files of your certificate under tls.certificates"})
	case len(t.Listen) == 0 && some:
		r.reject(r.at("tls.acme.enabled", "tls.certificates"), mistake{"is given, but tls.listen is empty", "must have a listener that uses it", `write e.g. listen: ":443" in the block tls`})
	}
	if len(t.RedirectFrom) > 0 && c.Site.URL != nil && c.Site.URL.Scheme != "https" {
		r.reject(r.at("tls.redirect_from"), mistake{"is given, but site.url is http", "must go with a shop on https, or clients are sent round in a circle",
			"write https in site.url and in WordPress, or remove it"})
	}
	for i := range t.Certificates {
		t.Certificates[i].check(r, fmt.Sprintf("tls.certificates[%d]", i))
	}
	if t.ACME.Enabled {
		checkACME(c, r)
	}
}

func checkACME(c *Config, r *reader) {
	a := &c.TLS.ACME
	if len(a.Challenges) == 0 {
		r.reject(r.at("tls.acme.challenges"), mistake{"is an empty list", "must name at least one", "write [tls-alpn-01, http-01]"})
	} else if strings.Join(a.Challenges, "") == "http-01" && len(c.TLS.RedirectFrom) == 0 {
		r.reject(r.at("tls.acme.challenges"), mistake{"is http-01 alone, but tls.redirect_from is empty",
			"must have a plain listener that answers it", `write redirect_from: ":80" in the block tls`})
	}
	if a.Storage == "" {
		r.reject(r.at("tls.acme.storage"), mistake{"is empty", "must be a folder that survives restarts, or each one asks for new certificates",
			"write e.g. " + defaultTLS().ACME.Storage})
	}
	if len(a.Domains) == 0 && c.Site.URL != nil && !goodDomain(c.Site.URL.Hostname()) {
		r.reject(r.at("tls.acme.domains", "tls.acme.enabled"), mistake{"is empty, and site.url has no name that an authority vouches for",
			"must name the hosts of the certificate", "write e.g. [shop.example.com]"})
	}
	if a.CAFile != "" {
		a.checkAuthority(r)
	}
}

func (a ACMEConfig) checkAuthority(r *reader) {
	text, m := r.file(a.CAFile, maxSecretFile)
	if m == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		m = &mistake{value: "the file holds no certificate", rule: "must be PEM certificates", remedy: "name the file with the authority of tls.acme.directory"}
	}
	if m != nil {
		r.reject(r.at("tls.acme.ca_file"), names(a.CAFile, m))
	}
}

// check reads both files once, so that a mistake is found before a restart and not at the first handshake.
func (c CertificateConfig) check(r *reader, key string) {
	certificate, m := r.file(c.CertificateFile, maxSecretFile)
	if m != nil {
		r.reject(r.at(key+".certificate_file", key), names(c.CertificateFile, m))
		return
	}
	private, m := r.file(c.KeyFile, maxSecretFile)
	if m != nil {
		r.reject(r.at(key+".key_file", key), names(c.KeyFile, m))
		return
	}
	if _, err := tls.X509KeyPair(certificate, private); err != nil {
		r.reject(r.at(key+".certificate_file", key), mistake{"is refused: " + strings.TrimPrefix(err.Error(), "tls: "),
			"must be a PEM certificate, those of its authorities after it, and its key in key_file", "check that the two files belong together"})
	}
}

func names(path string, m *mistake) mistake {
	return mistake{fmt.Sprintf("names %s, which %s", printable(path), strings.TrimPrefix(m.value, "the file ")), m.rule, m.remedy}
}
