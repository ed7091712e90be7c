package config

import (
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/publicsuffix"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Cookies is cookie mode for browser apps.
type Cookies struct {
	Enabled  bool
	Domain   string // lower case, without a leading dot; empty: the host that was asked, and no other
	SameSite string // "strict", "lax" or "none"
}

func cookieKeys(c *Cookies) schema.Entry {
	return schema.Block("cookies",
		schema.Value("enabled", &c.Enabled, false, schema.Truth()),
		schema.Value("domain", &c.Domain, "", cookieDomain()),
		schema.Value("same_site", &c.SameSite, "lax", schema.Choice("strict", "lax", "none")))
}

// cookieDomain is the Domain attribute of a cookie (RFC 6265bis section 4.1.2.3). Browsers refuse a public suffix, such as
// co.uk, below which anybody can have a host.
func cookieDomain() schema.Form[string] {
	return schema.Form[string]{
		Rule:   "must be a domain of the shop's own, which browsers let it set cookies for",
		Remedy: "write e.g. example.com; leave it out if one host is enough, which is safer",
		Types:  []string{"!!str"},
		Parse: func(s string) (string, *schema.Mistake) {
			if s == "" {
				return "", nil
			}
			domain := strings.ToLower(strings.TrimPrefix(s, "."))
			_, err := publicsuffix.EffectiveTLDPlusOne(domain)
			if _, notAddress := netip.ParseAddr(domain); err != nil || notAddress == nil || !hostPattern.MatchString(domain) {
				return "", &schema.Mistake{}
			}
			return domain, nil
		},
		Show: func(s string) any { return s },
	}
}

var hostPattern = regexp.MustCompile(`\A[a-z0-9-]+(\.[a-z0-9-]+)+\z`)

// reach reports whether browsers send the session cookie to a host because of its domain.
func (c Cookies) reach(host string) bool {
	return host == c.Domain || strings.HasSuffix(host, "."+c.Domain)
}

// checkCookies requires a domain that the shop belongs to: browsers ignore any other.
func checkCookies(c *Config, r *schema.Reader) {
	if c.Cookies.Domain == "" || c.Site.URL == nil || !r.Sound("cookies.domain", "site.url") {
		return
	}
	if host := strings.ToLower(c.Site.URL.Hostname()); !c.Cookies.reach(host) {
		r.Reject(r.At("cookies.domain"), "is "+c.Cookies.Domain+", to which the host of site.url, "+host+", does not belong",
			"must be the host of site.url or what that ends with: browsers ignore a cookie for any other domain", "correct it, or leave it out")
	}
}
