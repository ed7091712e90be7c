package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const pluginSecretLine = "compat: {accept_plugin_tokens: true, plugin_secret: 'the secret of the old plugin, long enough', "

// What is right in the middle of a move is not right before and after it.
func TestTheDoctorKnowsHowFarTheMoveIs(t *testing.T) {
	g := openGolden(t, "doctor/migration.golden")
	for name, row := range map[string]struct {
		compat              string
		oldPlugin, required bool
	}{
		"dry run": {"compat: {dry_run: true}", true, false},
		"dry run at a shop that needs the gateway":  {"compat: {dry_run: true}", true, true},
		"dry run without the old plugin":            {"compat: {dry_run: true}", false, false},
		"switched":                                  {pluginSecretLine + "plugin_refresh: true}", true, true},
		"switched, without COCART_GATEWAY_REQUIRED": {pluginSecretLine + "plugin_refresh: true}", true, false},
		"switched without the old plugin":           {pluginSecretLine + "plugin_refresh: true}", false, true},
		"switched without plugin_refresh":           {pluginSecretLine + "}", true, true},
		"handing back":                              {pluginSecretLine + "hand_back: true}", true, true},
		"handing back without the old plugin":       {pluginSecretLine + "hand_back: true}", false, true},
		"the last access tokens":                    {pluginSecretLine + "}", false, true},
		"moved":                                     {"", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.more, p.Facts["old_plugin"], p.Facts["required"] = row.compat+"\n", row.oldPlugin, row.required
			p.checkGolden(t, g, name)
		})
	}
}

// Each node has a PHP, a wp-config.php and a clock of its own.
func TestTheDoctorAsksEachNodeOfWordPress(t *testing.T) {
	p, second, third := openPractice(t), openPractice(t), openPractice(t)
	second.Secret = "another secret, longer than thirty-two bytes"
	third.Close()
	p.upstream = fmt.Sprintf("[%q, %q, %q]", p.URL, second.URL, third.URL)
	one, two, three := hostOf(p.URL), hostOf(second.URL), hostOf(third.URL)
	p.checkGolden(t, openGolden(t, "doctor/nodes.golden"), "another secret on one, and one down", two, "SECOND", three, "THIRD")
	var unchecked []string
	_, complaints := p.complaints(t)
	for _, c := range complaints {
		if id, _, found := strings.Cut(strings.TrimPrefix(c, "unchecked wordpress."), ": "); found && strings.HasPrefix(c, "unchecked") {
			unchecked = append(unchecked, id)
		}
	}
	if !slices.Contains(unchecked, "tls-"+two) || !slices.Contains(unchecked, "plugin-"+three) || strings.Contains(strings.Join(unchecked, " "), one) {
		t.Errorf("not checked: %v", unchecked)
	}
}

func hostOf(address string) string { return strings.TrimPrefix(address, "http://") }
