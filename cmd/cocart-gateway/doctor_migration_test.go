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
	const lookingOn = "warning configuration.warning-compat.dry_run: compat.dry_run: is true; DRY RUN: the gateway enforces nothing, issues no tokens and only reports what it would do. → Remove it to enforce."
	const goingBack = "warning configuration.warning-compat.hand_back: compat.hand_back: is true; customers go back to CoCart JWT Authentication: no session begins, and each session ends with its next refresh. → Remove the gateway when no sessions are left."
	for name, row := range map[string]struct {
		compat              string
		oldPlugin, required bool
		code                int
		want                []string
	}{
		"looking on": {"compat: {dry_run: true}", true, false, 0, []string{lookingOn}},
		"looking on at a shop that is shut": {"compat: {dry_run: true}", true, true, 1, []string{lookingOn,
			"problem wordpress.required: CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED), and in a dry run (compat.dry_run) it refuses the gateway's requests, too. → Take COCART_GATEWAY_REQUIRED out of wp-config.php until the dry run is over."}},
		"looking on at a shop without the old plugin": {"compat: {dry_run: true}", false, false, 0, []string{lookingOn,
			"warning wordpress.old_plugin: In a dry run (compat.dry_run) the gateway hands out no tokens, and CoCart JWT Authentication is not active: no app can log in. → Activate that plugin, or take compat.dry_run out."}},
		"switched":                        {pluginSecretLine + "plugin_refresh: true}", true, true, 0, nil},
		"switched, and open past us":      {pluginSecretLine + "plugin_refresh: true}", true, false, 0, []string{"warning wordpress.required: Whoever reaches PHP past the gateway may use CoCart without its limits. → Once your traffic goes through the gateway: define( 'COCART_GATEWAY_REQUIRED', true ); in wp-config.php, above \"That's all\"."}},
		"switched without the old plugin": {pluginSecretLine + "plugin_refresh: true}", false, true, 0, []string{"warning wordpress.old_plugin: compat.plugin_refresh is on, and CoCart JWT Authentication is not active: nobody knows its refresh tokens. → Activate that plugin until they have expired, or take compat.plugin_refresh out."}},
		"half switched":                   {pluginSecretLine + "}", true, true, 0, []string{"warning wordpress.old_plugin: CoCart JWT Authentication is active: its access tokens count, but its refresh tokens are refused. → Write compat.plugin_refresh: true as long as customers hold some, or deactivate it."}},
		"going back":                      {pluginSecretLine + "hand_back: true}", true, true, 0, []string{goingBack}},
		"going back to a plugin that is not there": {pluginSecretLine + "hand_back: true}", false, true, 1, []string{goingBack,
			"problem wordpress.old_plugin: Customers are to be handed back (compat.hand_back), and CoCart JWT Authentication is not active: there is nobody to take them, and they stay with the gateway. → Activate that plugin, with COCART_JWT_AUTH_SECRET_KEY in wp-config.php as it is in compat.plugin_secret."}},
		"the last access tokens": {pluginSecretLine + "}", false, true, 0, nil},
		"moved":                  {"", false, true, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.more, p.Facts["old_plugin"], p.Facts["required"] = row.compat+"\n", row.oldPlugin, row.required
			p.expect(t, row.code, row.want...)
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
	p.expect(t, 1,
		fmt.Sprintf("problem wordpress.secret-%s: %[1]s: It does not know our secret: COCART_GATEWAY_SECRET in wp-config.php is another one, too short, or missing. → Put the value of upstream.secret there, above \"That's all\": cocart-gateway wordpress config prints the line.", two),
		fmt.Sprintf("problem wordpress.reachable-%s: %[1]s: WordPress at http://%[1]s cannot be reached: connection refused. → Start its web server, or correct upstream.url.", three))
	var unchecked []string
	_, complaints := p.look(t)
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
