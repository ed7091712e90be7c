package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// checkRules checks keys against each other. It skips keys that already have a problem.
func checkRules(c *Config, r *schema.Reader, given *redisURL, check KeyCheck) {
	spreadRedisURL(&c.Redis, r, given)
	checkRedis(&c.Redis, r, given)
	checkAdmin(&c.Admin, r)
	checkRevocation(&c.Revocation, r)
	checkNamespaces(c, r)
	checkPaths(c, r)
	checkAuthHeaders(c, r)
	checkKeys(c, r, check)
	checkAppServers(c, r)
	checkOneUse(c, r)
	checkMigration(c, r)
	checkLifetimes(&c.Tokens, r)
	checkListeners(c, r)
	checkSchemeHeaders(c, r)
	checkTLS(c, r)
	checkMetrics(c, r)
	checkCORS(&c.CORS, r)
	checkCookies(c, r)
	checkUpstreamTLS(&c.Upstream, r)
	checkOriginLogin(&c.Upstream, r)
}

func checkAdmin(c *Admin, r *schema.Reader) {
	if c.OAuth && !c.Token.IsSet() && r.Sound("admin.oauth", "admin.token", "admin.token_file") {
		r.Reject(r.At("admin.oauth"), "is true, but there is no admin.token",
			"requires admin.token: these endpoints can end sessions", "give admin.token or admin.token_file")
	}
}

func checkRevocation(c *Revocation, r *schema.Reader) {
	if c.OnStale == "deny" && c.MaxStaleness == 0 && r.Sound("revocation.on_stale", "revocation.max_staleness") {
		r.Reject(r.At("revocation.on_stale"), "is deny, but revocation.max_staleness is 0, no limit",
			"requires a limit: without one no token is ever denied", "write e.g. max_staleness: 10m")
	}
}

func checkLifetimes(t *Tokens, r *schema.Reader) {
	if t.RefreshTTL < t.AccessTTL && r.Sound("tokens.refresh_ttl", "tokens.access_ttl") {
		at := r.At("tokens.refresh_ttl", "tokens.access_ttl")
		r.Reject(schema.Position{Key: "tokens.refresh_ttl", Line: at.Line}, "is "+schema.FormatDuration(t.RefreshTTL)+", shorter than tokens.access_ttl "+schema.FormatDuration(t.AccessTTL),
			"must be at least tokens.access_ttl: otherwise a session ends while its access token is still valid",
			"write "+schema.FormatDuration(t.AccessTTL)+" or more, or shorten tokens.access_ttl")
	}
	if t.SessionTTL != 0 && t.SessionTTL < t.AccessTTL && r.Sound("tokens.session_ttl", "tokens.access_ttl") {
		r.Reject(r.At("tokens.session_ttl"), "is "+schema.FormatDuration(t.SessionTTL)+", shorter than tokens.access_ttl "+schema.FormatDuration(t.AccessTTL),
			"must be 0 or at least tokens.access_ttl: otherwise a session ends while its access token is still valid",
			"write "+schema.FormatDuration(t.AccessTTL)+" or more, or shorten tokens.access_ttl")
	}
}

// checkOneUse requires that all secrets differ. With one secret for tokens and assertions, a customer's token could be
// used as an assertion, and a rotation list with the same secret twice rotates nothing.
func checkOneUse(c *Config, r *schema.Reader) {
	holder := map[schema.Secret]string{}
	check := func(key string, s schema.Secret) {
		earlier, known := holder[s]
		switch {
		case s.IsSet() && known:
			r.Reject(r.At(key, key+"_file"), "is the same as "+earlier, "must be a secret of its own", schema.MakeSecret)
		case s.IsSet():
			holder[s] = key
		}
	}
	for i, s := range c.Upstream.Secret {
		check(numbered("upstream.secret", i, len(c.Upstream.Secret)), s)
	}
	check("admin.token", c.Admin.Token)
	for i, k := range c.Tokens.Keys {
		check(fmt.Sprintf("tokens.keys[%d].secret", i), k.Secret)
	}
	for i, a := range c.AppServers {
		for j, s := range a.Secret {
			check(numbered(fmt.Sprintf("app_servers[%d].secret", i), j, len(a.Secret)), s)
		}
	}
	for i, s := range c.Tokens.RefreshSecret {
		check(numbered("tokens.refresh_secret", i, len(c.Tokens.RefreshSecret)), s)
	}
}

func numbered(key string, i, n int) string {
	if n == 1 {
		return key
	}
	return fmt.Sprintf("%s[%d]", key, i)
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = schema.IfElse(u.Scheme == "https", "443", "80")
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// sameSocket reports whether two addresses are certainly the same port of this machine. Port 0 is always a new port.
func sameSocket(a, b string) bool {
	if strings.HasPrefix(a, UnixPrefix) || strings.HasPrefix(a, Systemd) {
		return a == b
	}
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	if portA != portB || portA == "0" {
		return false
	}
	return sameHost(hostA, hostB) || AllInterfaces(hostA) && thisMachine(hostB) || AllInterfaces(hostB) && thisMachine(hostA)
}

// sameHost compares two hosts. A loopback name may be any loopback address; two different addresses are different.
func sameHost(a, b string) bool {
	addrA, errA := netip.ParseAddr(a)
	addrB, errB := netip.ParseAddr(b)
	if errA == nil && errB == nil {
		return addrA.Unmap() == addrB.Unmap()
	}
	return a == b || loopback(a) && loopback(b)
}

// AllInterfaces reports whether a host to listen on is every address of the machine.
func AllInterfaces(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}

func thisMachine(host string) bool { return AllInterfaces(host) || loopback(host) }

// loopback reports whether a host is always this machine (RFC 6761 6.3).
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return err == nil && addr.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// Warnings returns what is valid but probably not intended, each as "key: found; what to do".
func (c *Config) Warnings() []string {
	if len(c.Shops) == 0 {
		return c.warnings()
	}
	var all []string
	for _, shop := range c.Shops {
		for _, warning := range shop.warnings() {
			key, _, _ := strings.Cut(warning, ":")
			if ofShop(key) {
				warning = ShopPosition(shop.Name, warning)
			}
			if !slices.Contains(all, warning) {
				all = append(all, warning)
			}
		}
	}
	return all
}

func (c *Config) warnings() []string {
	var warnings []string
	add := func(claim bool, key, text string) {
		if claim {
			warnings = append(warnings, key+": "+text)
		}
	}
	local := loopback(c.Site.URL.Hostname())
	add(c.Redis.Embedded() && !local, "redis.address",
		"is embedded: every session ends when the gateway stops, and only one gateway can run; for a shop write the host:port of a Redis server")
	add(c.Site.URL.Scheme == "http" && !local, "site.url",
		"is http: passwords and tokens are sent unencrypted; use https")
	add(c.Site.URL.Scheme == "https" && len(c.TrustedProxies) == 0 && len(c.TLS.Listen) == 0 && !c.unixOnly(), "trusted_proxies",
		"is empty, but site.url is https: WordPress takes requests for plain http, where CoCart refuses passwords; list the proxy that ends TLS")
	add(c.Revocation.MaxStaleness > 0 && c.Revocation.OnStale == "serve", "revocation.max_staleness",
		"has no effect, since revocation.on_stale is serve; write on_stale: deny to refuse tokens while revocations are older than that")
	add(c.Cookies.Enabled && c.Site.URL.Scheme == "http" && !local, "cookies.enabled",
		"is true, but site.url is http: browsers store these cookies for https only, so that no app stays logged in")
	add(c.Cookies.Enabled && c.Cookies.SameSite == "none" && (!c.CORS.Credentials || c.CORS.Passthrough), "cookies.same_site",
		"is none, but no page of another site may send cookies; list the origins of your apps in cors.origins, with cors.credentials: true, or remove same_site")
	c.Compat.Migration.warnings(add)
	for i, p := range c.TrustedProxies {
		add(p.Bits() == 0, fmt.Sprintf("trusted_proxies[%d]", i),
			"is "+p.String()+", every address: any client can claim any address, which defeats limits per address; list only your proxies")
	}
	return warnings
}
