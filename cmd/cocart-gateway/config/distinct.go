package config

import (
	"fmt"
	"slices"
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// compare requires that shops have nothing in common by which a client, WordPress or Redis tells them apart.
func (p *shopParser) compare() {
	p.compareHosts()
	p.comparePrefixes()
	p.compareSecrets()
	p.compareCookies()
}

func (p *shopParser) compareHosts() {
	holder := map[string]string{}
	for i, c := range p.shops {
		if c.Site.URL == nil {
			continue
		}
		for _, host := range c.Hosts() {
			earlier, taken := holder[host]
			switch {
			case !taken:
				holder[host] = c.Name
			case earlier != c.Name:
				r := p.readers[i]
				at := r.At("site.url")
				if host != strings.ToLower(c.Site.URL.Hostname()) {
					at = r.At("site.hosts")
				}
				r.Reject(at, "has "+host+", a host of the shop "+earlier, "must be hosts of one shop only: requests are sent to a shop by their Host", "give each shop hosts of its own")
			}
		}
	}
}

// compareCookies requires that no session cookie of a domain reaches another shop with such a cookie. Both have the same name:
// of two the other shop accepts none, and one alone it removes as that of an ended session. Either logs the customer out. A
// shop whose cookie is for one host reads a cookie of another name.
func (p *shopParser) compareCookies() {
	ofDomain := func(c *Config) bool { return c.Cookies.Enabled && c.Cookies.Domain != "" && c.Site.URL != nil }
	for i, c := range p.shops {
		for j, other := range p.shops {
			if i == j || c.Name == other.Name || !ofDomain(c) || !ofDomain(other) {
				continue
			}
			within := func(host string) bool { return c.Cookies.reach(strings.TrimPrefix(host, "*.")) }
			if at := slices.IndexFunc(other.Hosts(), within); at >= 0 {
				r := p.readers[i]
				r.Reject(r.At("cookies.domain"), "is "+c.Cookies.Domain+", to which "+other.Hosts()[at]+" of the shop "+other.Name+" belongs",
					"must have no host of another shop with cookies.domain: browsers send the cookie to both, and each logs out the customers of the other", "leave it out in one of the shops")
			}
		}
	}
}

// comparePrefixes requires that no prefix in Redis begins with another one: the commands that list keys would find those of
// both shops.
func (p *shopParser) comparePrefixes() {
	for i, c := range p.shops {
		for j, other := range p.shops {
			if i != j && c.Name != "" && other.Name != "" && c.Name != other.Name && strings.HasPrefix(c.Redis.Prefix, other.Redis.Prefix) {
				p.names.Reject(schema.Position{Key: p.at[i].Key + ".redis.prefix", Line: p.at[i].Line}, fmt.Sprintf("is %s, which begins with %s of the shop %s", schema.Printable(c.Redis.Prefix), schema.Printable(other.Redis.Prefix), other.Name),
					"must not begin with the prefix of another shop", "remove it, or give each shop another one")
			}
		}
	}
}

// compareSecrets requires that each shop has secrets of its own. With a secret of two shops, a person who has the database or
// the wp-config.php of one shop could sign tokens, assertions or replies of the other.
func (p *shopParser) compareSecrets() {
	type use struct{ shop, key string }
	holder := map[string]use{}
	for i, c := range p.shops {
		r := p.readers[i]
		for _, s := range c.secretUses() {
			earlier, known := holder[s.value]
			switch {
			case !known:
				holder[s.value] = use{c.Name, s.key}
			case earlier.shop != c.Name:
				key, _, _ := strings.Cut(s.key, "[")
				r.Reject(r.At(s.key, s.key+"_file", key, key+"_file"), "is the same as "+earlier.key+" of the shop "+earlier.shop, "must be a secret of this shop alone", schema.MakeSecret)
			}
		}
	}
}

type secretUse struct{ key, value string }

// secretUses lists the secrets of a shop that no other shop may have.
func (c *Config) secretUses() (all []secretUse) {
	add := func(key, value string) {
		if value != "" {
			all = append(all, secretUse{key, value})
		}
	}
	for i, s := range c.Upstream.Secret {
		add(numbered("upstream.secret", i, len(c.Upstream.Secret)), s.Reveal())
	}
	for i, k := range c.Tokens.Keys {
		key := fmt.Sprintf("tokens.keys[%d].", i)
		add(key+"secret", k.Secret.Reveal())
		add(key+"private_key", strings.TrimSpace(k.PrivateKey.Reveal()))
		add(key+"public_key", strings.TrimSpace(k.PublicKey))
	}
	for i, s := range c.Tokens.RefreshSecret {
		add(numbered("tokens.refresh_secret", i, len(c.Tokens.RefreshSecret)), s.Reveal())
	}
	add("compat.plugin_secret", c.Compat.Migration.PluginSecret.Reveal())
	for i, a := range c.AppServers {
		for j, s := range a.Secret {
			add(numbered(fmt.Sprintf("app_servers[%d].secret", i), j, len(a.Secret)), s.Reveal())
		}
	}
	return all
}
