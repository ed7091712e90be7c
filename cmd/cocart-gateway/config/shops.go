package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// shared lists whether all shops of a gateway have a key, and the keys below it, in common: such a key is given once, at the
// top of the file. A longer path takes precedence. All other keys are of one shop; at the top of the file they are defaults
// for the shops.
var shared = map[string]bool{
	"listen":                         true,
	"tls":                            true,
	"admin":                          true,
	"metrics":                        true,
	"redis":                          true,
	"redis.prefix":                   false,
	"trusted_proxies":                true, // the listeners use them before the shop of a request is known
	"proxy_protocol":                 true,
	"limits.header":                  true,
	"limits.connections":             true,
	"limits.connections_per_address": true,
	"limits.streams":                 true,
	"server":                         true,
	"log":                            true,
	"tracing":                        true,
	"reload":                         true,
	"shops":                          true,
}

// Shared reports whether all shops of a gateway have a key in common. An item of a list counts as its list.
func Shared(key string) bool {
	key, _, _ = strings.Cut(key, "[")
	is, _ := nearest(shared, key)
	return is
}

func ofShop(key string) bool { return !Shared(key) }

const shopsKey = "shops"

var shopName = regexp.MustCompile(`\A[a-z0-9-]{1,32}\z`)

// ShopPosition returns the key of a block of one shop, as in shops[toys].site.
func ShopPosition(name, key string) string { return shopsKey + "[" + name + "]." + key }

// EachShop returns the configuration of each shop: Shops, or c itself if it is for a single shop. Each has all keys that
// the shops share as well.
func (c *Config) EachShop() []*Config {
	if len(c.Shops) == 0 {
		return []*Config{c}
	}
	return c.Shops
}

// ShopNames returns the names of the shops; nil if c is for a single shop, which has no name.
func (c *Config) ShopNames() (names []string) {
	for _, shop := range c.Shops {
		names = append(names, shop.Name)
	}
	return names
}

// Shop returns the configuration of the shop with a name, or that of a single shop for "". The error names the shops.
func (c *Config) Shop(name string) (*Config, error) {
	if len(c.Shops) == 0 {
		if name != "" {
			return nil, errors.New("the configuration is for a single shop, which has no name")
		}
		return c, nil
	}
	names := strings.Join(c.ShopNames(), ", ")
	for _, shop := range c.Shops {
		if shop.Name == name {
			return shop, nil
		}
	}
	if name == "" {
		return nil, fmt.Errorf("the configuration is for several shops: name one of %s", names)
	}
	return nil, fmt.Errorf("there is no shop %s; the shops are %s", schema.Printable(name), names)
}

// Hosts returns the names by which clients may reach the shop: the host of site.url, then site.hosts.
func (c *Config) Hosts() []string {
	return append([]string{strings.ToLower(c.Site.URL.Hostname())}, c.Site.Hosts...)
}

// LongestPause returns the longest upstream.body_timeout of the shops; 0: one has no limit.
func (c *Config) LongestPause() (longest time.Duration) {
	for _, shop := range c.EachShop() {
		if shop.Upstream.BodyTimeout == 0 {
			return 0
		}
		longest = max(longest, shop.Upstream.BodyTimeout)
	}
	return longest
}

// shopList is the key shops in the table of keys, which writes it. [parseShops] reads it before the other keys, because a
// shop is a configuration of its own.
type shopList struct{ c *Config }

func (s shopList) SetDefault() { s.c.Shops = nil }

func (s shopList) Read(*schema.Reader, string, schema.Position, *yaml.Node) {}

// FromText is a list in YAML, as in the file.
func (s shopList) FromText(text string) (*yaml.Node, error) { return schema.YAMLNode(text) }

func (s shopList) Show(reveal bool) any {
	if len(s.c.Shops) == 0 {
		return nil
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, shop := range s.c.Shops {
		block := keyTable(shop).Select(ofShop).Node(reveal)
		var key, name yaml.Node
		key.SetString("name")
		name.SetString(shop.Name)
		block.Content = append([]*yaml.Node{&key, &name}, block.Content...)
		list.Content = append(list.Content, block)
	}
	return list
}

// node returns the configuration as YAML. With several shops the top has only what they share.
func (c *Config) node(reveal bool) *yaml.Node {
	if len(c.Shops) == 0 {
		return keyTable(c).Node(reveal)
	}
	return keyTable(c).Select(Shared).Node(reveal)
}

// parseShops reads each item of the list shops as a configuration, in which the top of the file has the keys that all shops
// share and the defaults of the others.
func parseShops(top, list *yaml.Node, src sources) (*Config, []schema.Problem) {
	base := without(top, shopsKey)
	p := shopParser{base: base, src: src, names: schema.NewReader(src.Source, nil)}
	if list.Kind != yaml.SequenceNode {
		p.names.Reject(schema.Position{Key: shopsKey, Line: list.Line}, schema.DescribeBlind(list), "must be a list of shops",
			"write an item after a dash for each shop, with its keys below each other")
		return nil, p.names.Problems
	}
	for i, item := range list.Content {
		p.shop(schema.Position{Key: shopsKey}.Item(i, item.Line), item)
	}
	p.compare()
	if problems := p.problems(); len(problems) > 0 {
		return nil, problems
	}
	return together(p.shops), nil
}

// together returns the configuration of a gateway for several shops: what they share, which each of them has, and the shops.
func together(shops []*Config) *Config {
	one := shops[0]
	c := &Config{Listen: one.Listen, TLS: one.TLS, Sockets: one.Sockets, Admin: one.Admin, Metrics: one.Metrics, Redis: one.Redis,
		TrustedProxies: one.TrustedProxies, Server: one.Server, Log: one.Log, Tracing: one.Tracing, Reload: one.Reload, Shops: shops}
	c.Limits.Header, c.Redis.Prefix = one.Limits.Header, ""
	for _, shop := range shops {
		for _, other := range shops {
			if other != shop {
				shop.OtherHosts = append(shop.OtherHosts, other.Hosts()...)
			}
		}
	}
	return c
}

// shopParser collects the shops of a file and their problems.
type shopParser struct {
	base    *yaml.Node // the top of the file
	src     sources
	names   *schema.Reader // of the names, and of keys that no shop may have
	shops   []*Config
	items   []*yaml.Node
	at      []schema.Position
	readers []*schema.Reader
}

func (p *shopParser) shop(at schema.Position, item *yaml.Node) {
	if item.Kind != yaml.MappingNode {
		p.names.Reject(at, schema.DescribeBlind(item), "must be a block of keys", "write name, site, upstream and tokens below each other")
		return
	}
	name := p.name(at, item)
	p.refuseShared(at, "", item)
	own := without(item, "name")
	c, r := parseOne(keyTable(Default()).Merge(p.base, own), p.src)
	c.Name = name
	if prefix := member(member(own, "redis"), "prefix"); prefix == nil && name != "" {
		c.Redis.Prefix += name + ":"
		if !redisPrefix.MatchString(c.Redis.Prefix) && r.Sound("redis.prefix") {
			p.names.Reject(at.Child("name", item.Line), "makes the prefix in Redis "+schema.Printable(c.Redis.Prefix), "must leave room: a prefix has at most 64 characters", "shorten redis.prefix or the name")
		}
	}
	p.shops, p.items, p.at, p.readers = append(p.shops, c), append(p.items, own), append(p.at, at), append(p.readers, r)
}

func (p *shopParser) name(at schema.Position, item *yaml.Node) string {
	form := schema.Text("must be 1 to 32 lower-case letters, digits and -, different for each shop", shopName.MatchString).Like("toys")
	value := member(item, "name")
	if value == nil {
		p.names.Reject(at.Child("name", item.Line), "is missing", form.Rule, form.Remedy)
		return ""
	}
	here := at.Child("name", value.Line)
	name, ok := schema.ReadValue(p.names, here, value, form)
	if ok && slices.ContainsFunc(p.shops, func(c *Config) bool { return c.Name == name }) {
		p.names.Reject(here, "is "+name+", as is that of another shop", form.Rule, "give this shop another name")
	}
	return name
}

// refuseShared reports the keys of a shop that all shops have in common.
func (p *shopParser) refuseShared(at schema.Position, path string, block *yaml.Node) {
	for i := 0; i+1 < len(block.Content); i += 2 {
		name, value := block.Content[i], block.Content[i+1]
		key, here := schema.Position{Key: path}.Child(name.Value, 0).Key, at.Child(schema.Printable(name.Value), name.Line)
		below := func(listed string) bool { return strings.HasPrefix(listed, key+".") }
		switch {
		case value.Kind == yaml.MappingNode && slices.ContainsFunc(keysIn(shared), below):
			p.refuseShared(here, key, value)
		case Shared(key):
			p.names.Reject(here, "is given for one shop", "must be at the top of the file, since all shops share it", "move it there")
		}
	}
}

func keysIn(m map[string]bool) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// problems returns those of all shops. A key at the top of the file is read for each shop, and its mistakes count once.
func (p *shopParser) problems() []schema.Problem {
	all := p.names.Problems
	for i, r := range p.readers {
		for _, one := range r.Problems {
			if one = p.placed(i, one); !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}

// placed returns a problem of a shop with the key and the line in the file.
func (p *shopParser) placed(i int, one schema.Problem) schema.Problem {
	own := holds(p.items[i], one.Key)
	if !own && holds(p.base, one.Key) {
		return one
	}
	if !own {
		one.Line = p.at[i].Line
	}
	one.Key = p.at[i].Child(one.Key, 0).Key
	return one
}

// holds reports whether a block has a dotted key.
func holds(block *yaml.Node, key string) bool {
	for step := range strings.SplitSeq(key, ".") {
		if block.Kind != yaml.MappingNode { // a list, or a word in place of a block
			return true
		}
		name, _, _ := strings.Cut(step, "[")
		if block = member(block, name); block == nil {
			return false
		}
	}
	return true
}

// without returns a block without a key.
func without(block *yaml.Node, name string) *yaml.Node {
	rest := *block
	rest.Content = nil
	for i := 0; i+1 < len(block.Content); i += 2 {
		if block.Content[i].Value != name {
			rest.Content = append(rest.Content, block.Content[i], block.Content[i+1])
		}
	}
	return &rest
}

// member returns the value of a key of a block, or nil.
func member(block *yaml.Node, name string) *yaml.Node {
	if block == nil || block.Kind != yaml.MappingNode {
		return nil
	}
	return child(block, name)
}
