package config

import (
	"regexp"
	"strconv"
)

// Migration is for switching over from the plugin CoCart JWT Authentication, and nothing of it is for ever.
type Migration struct {
	AcceptPluginTokens bool   // what the plugin issued is good until it expires; never without PluginSecret
	PluginSecret       Secret // COCART_JWT_AUTH_SECRET_KEY
	PluginIssuer       string // iss of those tokens, if a filter changed it
	PluginPrefix       string // what a filter put before those tokens
	PluginRefresh      bool   // the plugin is still active, and judges refresh tokens of its own
	HandBack           bool   // the plugin is active again, and customers go back to it; only with AcceptPluginTokens, never with DryRun
	PluginAddress      string // the address that the plugin binds its tokens to: "client" or "peer"
	DryRun             bool   // nothing is enforced
}

// migrationKeys are the keys of the block compat that an operator removes after the move.
func migrationKeys(c *Migration) []entry {
	return []entry{
		value("accept_plugin_tokens", &c.AcceptPluginTokens, false, truth()),
		secret("plugin_secret", &c.PluginSecret, pluginSecret),
		value("plugin_issuer", &c.PluginIssuer, "", line(255)),
		value("plugin_token_prefix", &c.PluginPrefix, "", text("must be letters, digits, - and _, at most 64", pluginPrefix.MatchString).
			advise("write what the filter cocart_jwt_auth_token_prefix returns")),
		value("plugin_refresh", &c.PluginRefresh, false, truth()),
		value("hand_back", &c.HandBack, false, truth()),
		value("plugin_address", &c.PluginAddress, "client", choice("client", "peer")),
		value("dry_run", &c.DryRun, false, truth()),
	}
}

var pluginPrefix = regexp.MustCompile(`\A[A-Za-z0-9_-]{0,64}\z`)

// pluginSecret takes a weak one, too: tokens made with it are out already.
var pluginSecret = orEmpty(secretForm{"must be what wp-config.php has as COCART_JWT_AUTH_SECRET_KEY", "copy it from there", copied})

// copied: what is wrong with it is not to be mended by making another.
func copied(s string) *mistake {
	m := untidy(s)
	if m != nil {
		m.remedy = ""
	}
	return m
}

func checkMigration(c *Config, r *reader) {
	const key, needs = "compat.accept_plugin_tokens", "compat.plugin_secret"
	m := c.Compat.Migration
	if m.AcceptPluginTokens && !m.PluginSecret.IsSet() && r.sound(key, needs, needs+"_file") {
		r.reject(r.at(key), "is true, but there is no "+needs, "must come with the secret of those tokens",
			"give "+needs+" or "+needs+"_file: COCART_JWT_AUTH_SECRET_KEY of wp-config.php")
	}
	checkHandBack(m, r)
	if !m.PluginSecret.IsSet() {
		return
	}
	for name, s := range c.ownSecrets() {
		if s == m.PluginSecret {
			r.reject(r.at(needs, needs+"_file"), "is the same as "+name, "must be a secret of its own: whoever knows it could be the gateway", "give "+name+" another value")
		}
	}
}

// ownSecrets are those that nobody but the gateway and the must-use plugin may know. A key of HS256 may be the
// plugin's: it was its signing key before.
func (c *Config) ownSecrets() map[string]Secret {
	all := map[string]Secret{"admin.token": c.Admin.Token}
	for i, s := range c.Upstream.Secret {
		all[numbered("upstream.secret", i, len(c.Upstream.Secret))] = s
	}
	for i, s := range c.Tokens.RefreshSecret {
		all[numbered("tokens.refresh_secret", i, len(c.Tokens.RefreshSecret))] = s
	}
	return all
}

// warnings are said at each start as long as the move is not over.
func (m Migration) warnings(add func(claim bool, key, text string)) {
	add(m.DryRun, "compat.dry_run",
		"is true; DRY RUN: the gateway enforces nothing, issues no tokens and only reports what it would do; the shop and its own plugins decide everything")
	short := len(m.PluginSecret.Reveal())
	add(m.AcceptPluginTokens && short < 32, "compat.plugin_secret",
		"is only "+strconv.Itoa(short)+" characters long; whoever guesses it can make tokens that validate; set accept_plugin_tokens: false as soon as the last of them has expired")
	add(m.HandBack, "compat.hand_back",
		"is true; customers go back to CoCart JWT Authentication: no session begins here, and each that is left ends with its next refresh; take the gateway away once there are none")
	add(m.PluginSecret.IsSet() && !m.AcceptPluginTokens, "compat.plugin_secret",
		"is not used, since compat.accept_plugin_tokens is false; remove it once the move is over")
}

// checkHandBack: whoever is handed a token of the plugin must be able to use it at once.
func checkHandBack(m Migration, r *reader) {
	const key, accept, dry = "compat.hand_back", "compat.accept_plugin_tokens", "compat.dry_run"
	if m.HandBack && !m.AcceptPluginTokens && r.sound(key, accept) {
		r.reject(r.at(key), "is true, but "+accept+" is false", "must come with it: customers are given tokens of the plugin",
			"write "+accept+": true, with compat.plugin_secret")
	}
	if m.HandBack && m.DryRun && r.sound(key, dry) {
		r.reject(r.at(key), "is true, and so is "+dry, "must be one of them: a dry run hands out nothing", "take one of them out")
	}
}
