package config

// checkHandBack: whoever is handed a token of the plugin must be able to use it at once.
func checkHandBack(m MigrationConfig, r *reader) {
	const key, accept, dry = "compat.hand_back", "compat.accept_plugin_tokens", "compat.dry_run"
	if m.HandBack && !m.AcceptPluginTokens && r.sound(key, accept) {
		r.reject(r.at(key), mistake{"is true, but " + accept + " is false", "must come with it: customers are given tokens of the plugin",
			"write " + accept + ": true, with compat.plugin_secret"})
	}
	if m.HandBack && m.DryRun && r.sound(key, dry) {
		r.reject(r.at(key), mistake{"is true, and so is " + dry, "must be one of them: a dry run hands out nothing", "take one of them out"})
	}
}
