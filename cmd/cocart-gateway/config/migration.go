package config

import (
	"regexp"
	"strconv"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Migration is for moving from the plugin CoCart JWT Authentication.
type Migration struct {
	AcceptPluginTokens bool          // tokens of the plugin are valid until they expire; requires PluginSecret
	PluginSecret       schema.Secret // COCART_JWT_AUTH_SECRET_KEY
	PluginIssuer       string        // iss of its tokens, if a filter changed it
	PluginPrefix       string        // prefix of its tokens, if a filter added one
	PluginRefresh      bool          // the plugin is active and verifies its own refresh tokens
	HandBack           bool          // the plugin is active again, and customers go back to it; requires AcceptPluginTokens, excludes DryRun
	PluginAddress      string        // the address that the plugin binds its tokens to: "client" or "peer"
	DryRun             bool          // nothing is enforced
}

// migrationKeys are the keys of the block compat that an operator removes after the move.
func migrationKeys(c *Migration) []schema.Entry {
	return []schema.Entry{
		schema.Value("accept_plugin_tokens", &c.AcceptPluginTokens, false, schema.Truth()),
		schema.SecretKey("plugin_secret", &c.PluginSecret, pluginSecret),
		schema.Value("plugin_issuer", &c.PluginIssuer, "", schema.Line(255)),
		schema.Value("plugin_token_prefix", &c.PluginPrefix, "", schema.Text("must be letters, digits, - and _, at most 64", pluginPrefix.MatchString).
			Advise("write what the filter cocart_jwt_auth_token_prefix returns")),
		schema.Value("plugin_refresh", &c.PluginRefresh, false, schema.Truth()),
		schema.Value("hand_back", &c.HandBack, false, schema.Truth()),
		schema.Value("plugin_address", &c.PluginAddress, "client", schema.Choice("client", "peer")),
		schema.Value("dry_run", &c.DryRun, false, schema.Truth()),
	}
}

var pluginPrefix = regexp.MustCompile(`\A[A-Za-z0-9_-]{0,64}\z`)

// pluginSecret also accepts a weak secret, since tokens signed with it are in use.
var pluginSecret = schema.OrEmpty(schema.SecretForm{Rule: "must be COCART_JWT_AUTH_SECRET_KEY of wp-config.php", Remedy: "copy it from there", Check: copied})

// copied checks a secret that must be copied and cannot be replaced by a new one.
func copied(s string) *schema.Mistake {
	m := schema.Untidy(s)
	if m != nil {
		m.Remedy = ""
	}
	return m
}

func checkMigration(c *Config, r *schema.Reader) {
	const key, needs = "compat.accept_plugin_tokens", "compat.plugin_secret"
	m := c.Compat.Migration
	if m.AcceptPluginTokens && !m.PluginSecret.IsSet() && r.Sound(key, needs, needs+"_file") {
		r.Reject(r.At(key), "is true, but there is no "+needs, "requires the secret of those tokens",
			"give "+needs+" or "+needs+"_file: COCART_JWT_AUTH_SECRET_KEY of wp-config.php")
	}
	checkHandBack(m, r)
	if !m.PluginSecret.IsSet() {
		return
	}
	for name, s := range c.ownSecrets() {
		if s == m.PluginSecret {
			r.Reject(r.At(needs, needs+"_file"), "is the same as "+name, "must be a secret of its own: the plugin's secret would let other code act as the gateway", "give "+name+" another value")
		}
	}
}

// ownSecrets are the secrets that only the gateway and the must-use plugin may know. A signing key may be equal to the
// plugin's secret, which was the signing key before.
func (c *Config) ownSecrets() map[string]schema.Secret {
	all := map[string]schema.Secret{"admin.token": c.Admin.Token}
	for i, s := range c.Upstream.Secret {
		all[numbered("upstream.secret", i, len(c.Upstream.Secret))] = s
	}
	for i, s := range c.Tokens.RefreshSecret {
		all[numbered("tokens.refresh_secret", i, len(c.Tokens.RefreshSecret))] = s
	}
	return all
}

// warnings adds the warnings of a move that is not finished.
func (m Migration) warnings(add func(claim bool, key, text string)) {
	add(m.DryRun, "compat.dry_run",
		"is true; DRY RUN: the gateway enforces nothing, issues no tokens and only reports what it would do; remove it to enforce")
	short := len(m.PluginSecret.Reveal())
	add(m.AcceptPluginTokens && short < 32, "compat.plugin_secret",
		"is only "+strconv.Itoa(short)+" characters long; an attacker who guesses it can make valid tokens; set accept_plugin_tokens: false as soon as the last of them has expired")
	add(m.HandBack, "compat.hand_back",
		"is true; customers go back to CoCart JWT Authentication: no session begins, and each session ends with its next refresh; remove the gateway when no sessions are left")
	add(m.PluginSecret.IsSet() && !m.AcceptPluginTokens, "compat.plugin_secret",
		"is not used, since compat.accept_plugin_tokens is false; remove it after the move")
}

// checkHandBack requires that a customer can use a returned plugin token at once.
func checkHandBack(m Migration, r *schema.Reader) {
	const key, accept, dry = "compat.hand_back", "compat.accept_plugin_tokens", "compat.dry_run"
	if m.HandBack && !m.AcceptPluginTokens && r.Sound(key, accept) {
		r.Reject(r.At(key), "is true, but "+accept+" is false", "requires it: customers get tokens of the plugin",
			"write "+accept+": true, with compat.plugin_secret")
	}
	if m.HandBack && m.DryRun && r.Sound(key, dry) {
		r.Reject(r.At(key), "is true, and so is "+dry, "excludes it: a dry run issues nothing", "remove one of them")
	}
}
