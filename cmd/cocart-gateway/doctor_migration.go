package main

import (
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/upstream"
)

// required: a gateway that only looks on is refused like everybody else who signs nobody's identity.
func (r *report) required(m config.Migration, f *upstream.Facts) {
	switch {
	case m.DryRun && f.Required:
		r.problem("required", "CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED), and in a dry run (compat.dry_run) it refuses the gateway's requests, too.",
			"Take COCART_GATEWAY_REQUIRED out of wp-config.php until the dry run is over.")
	case m.DryRun:
		r.ok("required", "CoCart answers past the gateway, too, as it must in a dry run (compat.dry_run).")
	case f.Required:
		r.ok("required", "CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED).")
	default:
		r.warn("required", "Whoever reaches PHP past the gateway may use CoCart without its limits.", "Once your traffic goes through the gateway: define( 'COCART_GATEWAY_REQUIRED', true ); in wp-config.php, above \"That's all\".")
	}
}

// oldPlugin is right to be active as long as something is left to it, and wrong to be missing then.
func (r *report) oldPlugin(m config.Migration, f *upstream.Facts) {
	const name = "CoCart JWT Authentication"
	switch {
	case m.DryRun && f.OldPlugin:
		r.ok("old_plugin", "%s is active, as it must be in a dry run: it hands out and judges the tokens.", name)
	case m.DryRun:
		r.warn("old_plugin", "In a dry run (compat.dry_run) the gateway hands out no tokens, and "+name+" is not active: no app can log in.", "Activate that plugin, or take compat.dry_run out.")
	case m.HandBack && f.OldPlugin:
		r.ok("old_plugin", "%s is active, as it must be while customers are handed back to it (compat.hand_back).", name)
	case m.HandBack:
		r.problem("old_plugin", "Customers are to be handed back (compat.hand_back), and "+name+" is not active: there is nobody to take them, and they stay with the gateway.", "Activate that plugin, with COCART_JWT_AUTH_SECRET_KEY in wp-config.php as it is in compat.plugin_secret.")
	case m.PluginRefresh && f.OldPlugin:
		r.ok("old_plugin", "%s is active, as it must be while it judges its refresh tokens (compat.plugin_refresh).", name)
	case m.PluginRefresh:
		r.warn("old_plugin", "compat.plugin_refresh is on, and "+name+" is not active: nobody knows its refresh tokens.", "Activate that plugin until they have expired, or take compat.plugin_refresh out.")
	case m.AcceptPluginTokens && f.OldPlugin:
		r.warn("old_plugin", name+" is active: its access tokens count, but its refresh tokens are refused.", "Write compat.plugin_refresh: true as long as customers hold some, or deactivate it.")
	case f.OldPlugin:
		r.warn("old_plugin", name+" is active, and hands out tokens that the gateway knows nothing of.", "Deactivate it, or move over with deploy/docs/migrate.md if customers hold tokens of it.")
	default:
		r.ok("old_plugin", "%s is not active.", name)
	}
}

// jwtPlugins reports plugins whose access tokens the gateway does not know: apps that hold such tokens are refused.
func (r *report) jwtPlugins(c config.Compat, f *upstream.Facts) {
	names, pass := strings.Join(f.JWTPlugins, ", "), c.OtherBearers == config.PassOtherBearers
	switch {
	case names == "" && pass:
		r.warn("jwt_plugins", "compat.other_bearers is pass, and no known JWT plugin is active.", "Take compat.other_bearers out, unless the shop's own code issues such tokens.")
	case names == "":
		r.ok("jwt_plugins", "No other plugin issues access tokens.")
	case pass:
		r.ok("jwt_plugins", "Other plugins issue access tokens (%s), and WordPress judges them on CoCart's routes (compat.other_bearers: pass).", names)
	default:
		r.warn("jwt_plugins", "Other plugins issue access tokens ("+names+"), and the gateway refuses them on CoCart's routes.", "If apps use them, write compat.other_bearers: pass, and move the apps over as deploy/docs/migrate.md says.")
	}
}
