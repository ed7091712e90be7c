package config

import "fmt"

// Warnings names what works but may surprise: things an operator should know before customers find out.
func (c *Config) Warnings() []string {
	var warnings []string
	add := func(claim bool, key, text string) {
		if claim {
			warnings = append(warnings, key+": "+text)
		}
	}
	add(c.Redis.Embedded(), "redis.address",
		"is embedded; every session ends when the gateway does, and only one gateway can run; for a shop write the host:port of a Redis server")
	add(c.Site.URL.Scheme == "http" && !loopback(c.Site.URL.Hostname()), "site.url",
		"is http; passwords and tokens travel readable for anybody on the way; use https")
	add(c.Site.URL.Scheme == "https" && len(c.TrustedProxies) == 0 && len(c.TLS.Listen) == 0 && !c.unixOnly(), "trusted_proxies",
		"is empty, though site.url is https; the proxy that ends TLS must be listed, or WordPress sees plain http, where CoCart takes no password")
	add(c.Revocation.MaxStaleness > 0 && c.Revocation.OnStale == "serve", "revocation.max_staleness",
		"changes nothing, since revocation.on_stale is serve; write on_stale: deny to refuse tokens that cannot be judged by fresh revocations")
	c.Compat.Migration.warnings(add)
	for i, p := range c.TrustedProxies {
		add(p.Bits() == 0, fmt.Sprintf("trusted_proxies[%d]", i),
			"is "+p.String()+", everybody; any client can claim any address, which defeats limits per address; name your proxies only")
	}
	return warnings
}
