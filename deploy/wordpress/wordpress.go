// Package wordpress holds the must-use plugin that makes WordPress believe the
// gateway, so that the binary can hand it to an operator.
//
// The plugin is cocart-gateway.php and goes to wp-content/mu-plugins of the
// shop; its head says what to put into wp-config.php. What it and the gateway
// say to each other is written down in PROTOCOL.md, with test vectors for both
// sides in testdata/vectors. The gateway's side is package upstream, which
// needs nothing of this one.
package wordpress

import (
	_ "embed"
	"strings"
)

// PluginVersion is the version in the plugin's head, and what it answers in
// X-CoCart-Gateway-Plugin. A gateway that reads another one there talks to a
// shop whose copy is out of date.
const PluginVersion = "1.3.0"

// Plugin is the file cocart-gateway.php, byte for byte. It holds no secret and
// is the same for every shop.
//
//go:embed cocart-gateway.php
var Plugin []byte

// InstallCommand returns the shell command that installs the plugin as file, or replaces it. While a shell writes a file,
// the file is incomplete, and it stays empty if the command fails: WordPress would then accept no assertion, and
// COCART_GATEWAY_REQUIRED would not count. So the command writes a file that WordPress does not load, makes it readable for
// PHP, and then renames it.
func InstallCommand(file string) string {
	next := file + ".new"
	return "cocart-gateway wordpress plugin > " + next + " && chmod 644 " + next + " && mv " + next + " " + file
}

// PHPString returns a single-quoted string of PHP, in which only two characters are special.
func PHPString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
