package config

import (
	"slices"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

const twoShops = `trusted_proxies: [10.0.0.0/8]
redis: {address: "redis.example:6379"}
shops:
  - name: toys
    site: {url: "https://toys.example"}
    upstream: {url: "http://10.0.0.1", secret: "${SHARED}"}
    tokens: {keys: [{id: main, algorithm: HS256, secret: "${SIGNING}"}]}
  - name: books
    site: {url: "https://books.example"}
    upstream: {url: "http://10.0.0.2", secret: "${SHARED} of books"}
    tokens: {keys: [{id: main, algorithm: HS256, secret: "${SIGNING_2}"}]}
`

func TestEveryKeyIsSharedOrOfAShop(t *testing.T) {
	all := keyTable(Default()).Paths("")
	for key := range shared {
		if !slices.Contains(all, key) {
			t.Errorf("%s is shared or not, but no key", key)
		}
	}
	c, problems := parse([]byte(twoShops), sources{schema.Source{Env: testEnv, File: noFile}, checkTestKey})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	text := effectiveText(t, c)
	top, shops, _ := strings.Cut(text, "shops:")
	for _, key := range Keys() {
		words := strings.Split(key.Path, ".")
		in := top
		if !Shared(key.Path) {
			in = shops
		}
		if word := words[len(words)-1] + ":"; key.Path != shopsKey && !strings.Contains(in, word) && !optional[key.Path] {
			t.Errorf("%s is not where its shops are: %s", key.Path, in)
		}
	}
}

// optional are keys that are not written where they are empty.
var optional = map[string]bool{"tls.acme.ca_file": true, "redis.tls_ca": true, "redis.tls_cert": true, "redis.tls_key": true, "upstream.tls_ca_file": true,
	"upstream.tls_cert_file": true, "upstream.tls_key_file": true, "metrics.web_config_file": true}

func TestAReloadMergesShopsByTheirNames(t *testing.T) {
	load := func(text string) *Config {
		t.Helper()
		c, problems := parse([]byte(text), sources{schema.Source{Env: testEnv, File: noFile}, checkTestKey})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return c
	}
	inForce := load(twoShops)
	single := load(strings.NewReplacer("shops:\n  - name: toys\n", "", "    site: {url: \"https://toys", "site: {url: \"https://toys", "    upstream: {url: \"http://10.0.0.1\"", "upstream: {url: \"http://10.0.0.1\"",
		"    tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}", "tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}").Replace(twoShops[:strings.Index(twoShops, "  - name: books")]))
	for _, row := range []struct {
		name             string
		written          *Config
		changed, restart string
	}{
		{"nothing", load(twoShops), "", ""},
		{"a key of one shop", load(strings.Replace(twoShops, "    site: {url: \"https://books.example\"", "    site: {url: \"https://books.example\", hosts: [b.example]", 1)), "shops[books].site.hosts", ""},
		{"a default of all", load(twoShops + "compat: {mirror_cart_key: false}\n"), "shops[toys].compat.mirror_cart_key shops[books].compat.mirror_cart_key", ""},
		{"a key that needs a restart", load(strings.Replace(twoShops, "https://toys.example", "https://toy.example", 1)), "", "shops[toys].site.url"},
		{"a key that the shops share", load(strings.Replace(twoShops, "10.0.0.0/8", "10.0.0.0/9", 1) + "listen: \":81\"\n"), "trusted_proxies", "listen"},
		{"another name", load(strings.Replace(twoShops, "name: books", "name: tea", 1)), "", "shops[books] shops[tea]"},
		{"a single shop", single, "", "shops"},
	} {
		t.Run(row.name, func(t *testing.T) {
			merged, changes, err := merge("f", inForce, row.written, sources{schema.Source{Env: emptyEnv, File: noFile}, checkTestKey})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(changes.Changed, " "); got != row.changed {
				t.Errorf("changed %q, want %q", got, row.changed)
			}
			if got := strings.Join(changes.RestartNeeded, " "); got != row.restart {
				t.Errorf("restart for %q, want %q", got, row.restart)
			}
			if names := strings.Join(merged.ShopNames(), " "); names != "toys books" || merged.Shops[0].Redis.Prefix != "cocart:toys:" {
				t.Errorf("%s, prefix %s", names, merged.Shops[0].Redis.Prefix)
			}
		})
	}
}

func TestTheEnvironmentGivesShopsAndTheirDefaults(t *testing.T) {
	c, err := Load("", variables(map[string]string{
		"COCART_GATEWAY_TRUSTED_PROXIES":   "10.0.0.0/8",
		"COCART_GATEWAY_TOKENS_ACCESS_TTL": "15m",
		"COCART_GATEWAY_SHOPS": `[{name: toys, site: {url: "https://toys.example"}, upstream: {url: "http://10.0.0.1", secret: "${TOYS}"},
			tokens: {keys: [{id: main, algorithm: HS256, secret: "${TOYS} to sign"}]}}]`,
		"TOYS": "a secret of the toys, of 32 bytes and more",
	}), checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	if shop, err := c.Shop("toys"); err != nil || shop.Tokens.AccessTTL.Minutes() != 15 {
		t.Errorf("%+v, %v", shop, err)
	}
	if _, err := c.Shop(""); err == nil || !strings.Contains(err.Error(), "toys") {
		t.Errorf("without a name: %v", err)
	}
	_, err = Load("", variables(map[string]string{"COCART_GATEWAY_SHOPS": `[{name: toys, tokens: {keys: hunter2}}]`}), checkTestKey)
	if err == nil || !strings.Contains(err.Error(), "COCART_GATEWAY_SHOPS: shops[0].tokens.keys") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a mistake: %v", err)
	}
}

func TestWarningsNameTheShop(t *testing.T) {
	c, problems := parse([]byte(strings.Replace(twoShops, "https://toys", "http://toys", 1)), sources{schema.Source{Env: testEnv, File: noFile}, checkTestKey})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got := strings.Join(c.Warnings(), "\n"); !strings.HasPrefix(got, "shops[toys].site.url: is http") || strings.Contains(got, "\n") {
		t.Errorf("%s", got)
	}
}
