package doctor

import (
	"strings"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/upstream"
)

// required reports whether requests can bypass the gateway. In a dry run they must be able to: the gateway sends requests
// without an identity then, as any other client does.
func (n nodeReport) required(f *upstream.Facts) {
	dryRun := n.cfg.Compat.Migration.DryRun
	n.decide("required",
		row{dryRun && f.Required, Problem,
			"CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED); in a dry run (compat.dry_run) it also refuses the requests of the gateway.",
			"Remove COCART_GATEWAY_REQUIRED from wp-config.php until the dry run is over."},
		row{dryRun, OK, "CoCart also answers requests that bypass the gateway, as it must in a dry run (compat.dry_run).", ""},
		row{f.Required, OK, "CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED).", ""},
		row{otherwise, Warning, "Clients that reach PHP without the gateway can use CoCart without its limits.",
			`Once your traffic goes through the gateway: define( 'COCART_GATEWAY_REQUIRED', true ); in wp-config.php, above "That's all".`},
	)
}

// oldPlugin reports whether CoCart JWT Authentication is active while it is needed, and only then.
func (n nodeReport) oldPlugin(f *upstream.Facts) {
	const name, id = "CoCart JWT Authentication", "old_plugin"
	m := n.cfg.Compat.Migration
	switch {
	case m.DryRun:
		n.decide(id,
			row{f.OldPlugin, OK, name + " is active, as it must be in a dry run: it issues and verifies the tokens.", ""},
			row{otherwise, Warning, "In a dry run (compat.dry_run) the gateway issues no tokens, and " + name + " is not active: no app can log in.",
				"Activate that plugin, or remove compat.dry_run."})
	case m.HandBack:
		n.decide(id,
			row{f.OldPlugin, OK, name + " is active, as it must be while customers are handed back to it (compat.hand_back).", ""},
			row{otherwise, Problem, "Customers are to be handed back (compat.hand_back), but " + name + " is not active: their sessions stay with the gateway.",
				"Activate that plugin, with COCART_JWT_AUTH_SECRET_KEY in wp-config.php as it is in compat.plugin_secret."})
	case m.PluginRefresh:
		n.decide(id,
			row{f.OldPlugin, OK, name + " is active, as it must be while it verifies its refresh tokens (compat.plugin_refresh).", ""},
			row{otherwise, Warning, "compat.plugin_refresh is on, but " + name + " is not active: its refresh tokens cannot be verified.",
				"Activate that plugin until they have expired, or remove compat.plugin_refresh."})
	default:
		n.decide(id,
			row{f.OldPlugin && m.AcceptPluginTokens, Warning, name + " is active: its access tokens are accepted, but its refresh tokens are refused.",
				"Write compat.plugin_refresh: true while customers have such tokens, or deactivate it."},
			row{f.OldPlugin, Warning, name + " is active, and issues tokens that the gateway refuses.",
				"Deactivate it. If customers have tokens of it, move over as deploy/docs/migrate.md says."},
			row{otherwise, OK, name + " is not active.", ""})
	}
}

// jwtPlugins reports plugins whose access tokens the gateway cannot verify: apps with such tokens are refused.
func (n nodeReport) jwtPlugins(f *upstream.Facts) {
	names, pass := strings.Join(f.JWTPlugins, ", "), n.cfg.Compat.OtherBearers == config.PassOtherBearers
	n.decide("jwt_plugins",
		row{names == "" && pass, Warning, "compat.other_bearers is pass, but no known JWT plugin is active.",
			"Remove compat.other_bearers, unless code of the shop itself issues such tokens."},
		row{names == "", OK, "No other plugin issues access tokens.", ""},
		row{pass, OK, "Other plugins issue access tokens (" + names + "), and WordPress verifies them on CoCart's routes (compat.other_bearers: pass).", ""},
		row{otherwise, Warning, "Other plugins issue access tokens (" + names + "), and the gateway refuses them on CoCart's routes.",
			"If apps use them, write compat.other_bearers: pass, and move the apps over as deploy/docs/migrate.md says."},
	)
}
