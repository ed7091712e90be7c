package config

import (
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

func TestWarnings(t *testing.T) {
	const (
		embedded   = "redis.address: is embedded: every session ends when the gateway stops, and only one gateway can run; for a shop write the host:port of a Redis server"
		http       = "site.url: is http: passwords and tokens are sent unencrypted; use https"
		plain      = "trusted_proxies: is empty, but site.url is https: WordPress takes requests for plain http, where CoCart refuses passwords; list the proxy that ends TLS"
		idle       = "revocation.max_staleness: has no effect, since revocation.on_stale is serve; write on_stale: deny to refuse tokens while revocations are older than that"
		dry        = "compat.dry_run: is true; DRY RUN: the gateway enforces nothing, issues no tokens and only reports what it would do; remove it to enforce"
		guessed    = "compat.plugin_secret: is only 6 characters long; an attacker who guesses it can make valid tokens; set accept_plugin_tokens: false as soon as the last of them has expired"
		back       = "compat.hand_back: is true; customers go back to CoCart JWT Authentication: no session begins, and each session ends with its next refresh; remove the gateway when no sessions are left"
		unused     = "compat.plugin_secret: is not used, since compat.accept_plugin_tokens is false; remove it after the move"
		anyAddress = "trusted_proxies[1]: is ::/0, every address: any client can claim any address, which defeats limits per address; list only your proxies"
		unsent     = "cookies.enabled: is true, but site.url is http: browsers store these cookies for https only, so that no app stays logged in"
		noSite     = "cookies.same_site: is none, but no page of another site may send cookies; list the origins of your apps in cors.origins, with cors.credentials: true, or remove same_site"
	)
	for _, row := range []struct {
		name   string
		change string
		want   []string
	}{
		{"a shop with Redis and https has none", "", nil},
		{"the embedded store embedded", "redis: {address: embedded}\n", []string{embedded}},
		{"a site by http", "site: {url: \"http://shop.example.com\"}\n", []string{http}},
		{"a site by http at an address", "site: {url: \"http://192.0.2.1\"}\n", []string{http}},
		{"a site by http on this machine is fine", "site: {url: \"http://localhost:8080/shop\"}\nlisten: \":80\"\n", nil},
		{"a site by http on ::1 is fine", "site: {url: \"http://[::1]:8080\"}\n", nil},
		{"no proxy is trusted to have ended TLS", "trusted_proxies: []\n", []string{plain}},
		{"a limit without effect", "revocation: {max_staleness: 10m}\n", []string{idle}},
		{"a limit that is enforced is fine", "revocation: {max_staleness: 10m, on_stale: deny}\n", nil},
		{"a dry run", "compat: {dry_run: true}\n", []string{dry}},
		{"tokens made with a secret that can be guessed", "compat: {accept_plugin_tokens: true, plugin_secret: banana}\n", []string{guessed}},
		{"a plugin's secret that is not used", "compat: {plugin_secret: banana}\n", []string{unused}},
		{"a plugin's secret that is long enough is fine", "compat: {accept_plugin_tokens: true, plugin_secret: \"0123456789 and 0123456789 and 0123456789\"}\n", nil},
		{"customers who go back", "compat: {accept_plugin_tokens: true, plugin_secret: \"0123456789 and 0123456789 and 0123456789\", hand_back: true}\n", []string{back}},
		{"cookies by http", "cookies: {enabled: true}\nsite: {url: \"http://shop.example.com\"}\n", []string{http, unsent}},
		{"cookies by http on this machine are fine", "cookies: {enabled: true}\nsite: {url: \"http://127.0.0.1:8080\"}\n", nil},
		{"cookies for other sites, of which no one may send them", "cookies: {enabled: true, same_site: none}\n", []string{noSite}},
		{"cookies for a listed site are fine", "cookies: {enabled: true, same_site: none}\ncors: {origins: [\"https://app.example.net\"], credentials: true}\n", nil},
		{"every address is a trusted proxy", "trusted_proxies: [10.0.0.0/8, \"::/0\"]\n", []string{anyAddress}},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := loadWith(t, row.change).Warnings()
			if strings.Join(got, "\n") != strings.Join(row.want, "\n") {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// loadWith loads a good configuration in which change replaces blocks of the same name.
func loadWith(t *testing.T, change string) *Config {
	t.Helper()
	blocks := topBlocks(change)
	text := change
	for name, block := range map[string]string{
		"upstream": "upstream: {url: \"http://wordpress\", secret: \"${SHARED}\"}\n",
		"site":     "site: {url: \"https://shop.example.com\"}\n",
		"tokens":   "tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}\n",
		"redis":    "redis: {address: \"redis:6379\"}\n",

		"trusted_proxies": "trusted_proxies: [192.0.2.7]\n",
	} {
		if blocks[name] == "" {
			text += block
		}
	}
	c, problems := parse([]byte(text), sources{schema.Source{Env: testEnv, File: noFile}, checkTestKey})
	if len(problems) > 0 {
		t.Fatalf("%s\n%v", text, schema.NewError("test", problems))
	}
	return c
}
