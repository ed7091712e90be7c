package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"
	"unicode"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// TLS is the encrypted listeners, for a gateway without a proxy in front that ends TLS.
type TLS struct {
	Listen       []string // as in Config.Listen; empty: no TLS
	RedirectFrom []string // plain listeners that redirect clients to https
	Certificates []Certificate
	MinVersion   string // "1.2" or "1.3"
	ACME         ACME
}

// Certificate is a pair of PEM files with absolute paths. They are read again when they change.
type Certificate struct {
	CertificateFile string // the certificate, then the intermediate certificates
	KeyFile         string
}

// ACME gets certificates from an authority (RFC 8555).
type ACME struct {
	Enabled    bool
	Email      string
	Directory  string   // the https URL of the authority
	Domains    []string // each gets a certificate of its own; empty: the host of site.url, of each shop
	Storage    string   // the absolute path of a folder that the gateway can write to
	CAFile     string   // authorities that sign the certificate of the directory; empty: those of the operating system
	Challenges []string // "http-01" (needs RedirectFrom) and "tls-alpn-01", at least one
}

const (
	letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"
	acmeStorage = "/var/lib/cocart-gateway/acme"
)

func tlsKeys(c *TLS) schema.Entry {
	return schema.Block("tls",
		schema.OneOrMore("listen", &c.Listen, nil, listenAddress().Like(":443")),
		schema.OneOrMore("redirect_from", &c.RedirectFrom, nil, listenAddress().Like(":80")),
		schema.Blocks("certificates", &c.Certificates, schema.Mistake{Remedy: "write an item after a dash, with its keys below each other"}, certificateKeys),
		schema.Value("min_version", &c.MinVersion, "1.2", schema.Choice("1.2", "1.3")),
		schema.Block("acme",
			schema.Value("enabled", &c.ACME.Enabled, false, schema.Truth()),
			schema.Value("email", &c.ACME.Email, "", schema.Text("must be an e-mail address, or empty", goodEmail).Like("shop@example.com")),
			schema.Value("directory", &c.ACME.Directory, letsEncrypt, schema.Text("must be the https URL of an ACME directory", goodDirectory)),
			schema.Values("domains", &c.ACME.Domains, nil, schema.Text("must be a host name as in shop.example.com", goodDomain).Advise("write it in its ASCII form, without a wildcard")),
			schema.Path("storage", &c.ACME.Storage, acmeStorage, true),
			schema.OmitEmpty(schema.Path("ca_file", &c.ACME.CAFile, "", true)),
			schema.Values("challenges", &c.ACME.Challenges, []string{"tls-alpn-01", "http-01"}, schema.Choice("tls-alpn-01", "http-01"))))
}

func certificateKeys(c *Certificate) schema.Section {
	return schema.Section{
		schema.Required(schema.Path("certificate_file", &c.CertificateFile, "", false)),
		schema.Required(schema.Path("key_file", &c.KeyFile, "", false)),
	}
}

func goodEmail(s string) bool {
	local, host, at := strings.Cut(s, "@")
	return s == "" || at && local != "" && goodDomain(host) && schema.PlainASCII(s) && !strings.ContainsFunc(s, unicode.IsSpace)
}

func goodDirectory(s string) bool {
	rest, https := strings.CutPrefix(s, "https://")
	host, _, _ := strings.Cut(rest, "/")
	return https && host != "" && schema.PlainASCII(s) && !strings.ContainsAny(s, " @#?") && !strings.ContainsFunc(s, unicode.IsControl)
}

// goodDomain accepts names that a public authority can certify: no address, no wildcard, at least one dot.
func goodDomain(s string) bool {
	_, err := netip.ParseAddr(s)
	return err != nil && len(s) <= 253 && schema.HostName.MatchString(s) && strings.Contains(s, ".") && !strings.HasSuffix(s, ".")
}

// Domains returns the names for which ACME gets certificates, one for each.
func (c *Config) Domains() []string {
	if len(c.TLS.ACME.Domains) > 0 {
		return c.TLS.ACME.Domains
	}
	var names []string
	for _, shop := range c.EachShop() {
		names = append(names, shop.Site.URL.Hostname())
	}
	return names
}

func checkTLS(c *Config, r *schema.Reader) {
	t := &c.TLS
	if !r.Sound("tls") {
		return
	}
	some := len(t.Certificates) > 0 || t.ACME.Enabled
	switch {
	case len(t.Listen) > 0 && !some:
		r.Reject(r.At("tls.listen"), "is given without certificates", "requires tls.certificates or tls.acme.enabled",
			"name the files of your certificate under tls.certificates")
	case len(t.Listen) == 0 && some:
		r.Reject(r.At("tls.acme.enabled", "tls.certificates"), "is given, but tls.listen is empty", "requires a listener that uses it", `write e.g. listen: ":443" in the block tls`)
	}
	if len(t.RedirectFrom) > 0 && c.Site.URL != nil && c.Site.URL.Scheme != "https" {
		r.Reject(r.At("tls.redirect_from"), "is given, but site.url is http", "requires a shop on https: otherwise clients are redirected in a loop",
			"write https in site.url and in WordPress, or remove it")
	}
	for i := range t.Certificates {
		t.Certificates[i].Check(r, fmt.Sprintf("tls.certificates[%d]", i))
	}
	if t.ACME.Enabled {
		checkACME(c, r)
	}
}

func checkACME(c *Config, r *schema.Reader) {
	a := &c.TLS.ACME
	if len(a.Challenges) == 0 {
		r.Reject(r.At("tls.acme.challenges"), "is an empty list", "must name at least one", "write [tls-alpn-01, http-01]")
	} else if strings.Join(a.Challenges, "") == "http-01" && len(c.TLS.RedirectFrom) == 0 {
		r.Reject(r.At("tls.acme.challenges"), "is http-01 alone, but tls.redirect_from is empty",
			"requires a plain listener that answers the challenge", `write redirect_from: ":80" in the block tls`)
	}
	if a.Storage == "" {
		r.Reject(r.At("tls.acme.storage"), "is empty", "must be a folder that survives restarts: otherwise each start requests new certificates",
			"write e.g. "+acmeStorage)
	}
	if len(a.Domains) == 0 && c.Site.URL != nil && !goodDomain(c.Site.URL.Hostname()) {
		r.Reject(r.At("tls.acme.domains", "tls.acme.enabled"), "is empty, and the host of site.url is not a name that an authority can certify",
			"must name the hosts of the certificate", "write e.g. [shop.example.com]")
	}
	if a.CAFile != "" {
		a.checkAuthority(r)
	}
}

func (a ACME) checkAuthority(r *schema.Reader) {
	text, m := r.Regular(a.CAFile, schema.MaxSecretFile)
	if m == nil && !x509.NewCertPool().AppendCertsFromPEM(text) {
		m = &schema.Mistake{Value: "the file contains no certificate", Rule: "must be PEM certificates", Remedy: "name the file with the authority of tls.acme.directory"}
	}
	if m != nil {
		r.Report(r.At("tls.acme.ca_file"), schema.OfFile(a.CAFile, m))
	}
}

// check reads both files, so that a mistake is found now and not at the first handshake.
func (c Certificate) Check(r *schema.Reader, key string) {
	certificate, m := r.Regular(c.CertificateFile, schema.MaxSecretFile)
	if m != nil {
		r.Report(r.At(key+".certificate_file", key), schema.OfFile(c.CertificateFile, m))
		return
	}
	private, m := r.Regular(c.KeyFile, schema.MaxSecretFile)
	if m != nil {
		r.Report(r.At(key+".key_file", key), schema.OfFile(c.KeyFile, m))
		return
	}
	if _, err := KeyPair(certificate, private); err != nil {
		r.Reject(r.At(key+".certificate_file", key), "cannot be used: "+strings.TrimPrefix(err.Error(), "tls: "),
			"must be a PEM certificate, followed by its intermediate certificates, with its key in key_file", "check that the two files belong together")
	}
}

// ReadKeyPair reads a certificate and its key from files, as [KeyPair] does from their contents.
func ReadKeyPair(certificateFile, keyFile string) (tls.Certificate, error) {
	certificate, err := schema.ReadRegular(certificateFile, schema.MaxSecretFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := schema.ReadRegular(keyFile, schema.MaxSecretFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	return KeyPair(certificate, key)
}

// KeyPair is tls.X509KeyPair, which passes over what it cannot read behind the first certificate: clients that do not know the
// intermediate certificates would refuse what is left of a file that is half written, or lost its end on a full disk.
func KeyPair(certificate, key []byte) (tls.Certificate, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return pair, err
	}
	if begun := bytes.Count(certificate, []byte("-----BEGIN CERTIFICATE-----")); begun > len(pair.Certificate) {
		return tls.Certificate{}, fmt.Errorf("of %d certificates in it only %d are complete", begun, len(pair.Certificate))
	}
	for _, one := range pair.Certificate {
		if _, err := x509.ParseCertificate(one); err != nil {
			return tls.Certificate{}, err
		}
	}
	return pair, nil
}
