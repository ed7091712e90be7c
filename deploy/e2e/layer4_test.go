package e2e

import (
	"strings"
	"testing"
)

// A load balancer ends TLS, passes TCP on and says nothing about the scheme. The shop runs in production, where CoCart
// takes passwords over https only, and wp-admin redirects to https.
func TestTLSThatEndsAtALoadBalancerOfTCP(t *testing.T) {
	const wpConfig = `<?php $_SERVER['HTTPS'] = 'on';` // as wp-config.php says it: before the gateway's plugin is loaded
	for name, row := range map[string]struct {
		shop, gateway, forwarded string
		secure                   bool
	}{
		"wp-config.php says https":             {wpConfig, "", "", true},
		"wp-config.php against a proxy's http": {wpConfig, "", "X-Forwarded-Proto: http", true},
		"the gateway assumes https":            {"", "server: {assume_https: true}\n", "", true},
		"the gateway assumes, a proxy says no": {"", "server: {assume_https: true}\n", "X-Forwarded-Proto: http", false},
		"nothing says https":                   {"", "", "", false},
		"CloudFront":                           {"", "", "CloudFront-Forwarded-Proto: https", true},
		"RFC 7239":                             {"", "", "Forwarded: for=203.0.113.7;proto=https", true},
	} {
		t.Run(name, func(t *testing.T) {
			if row.shop != "" {
				mustUse(t, "a-config.php", row.shop)
			}
			g := startGateway(t, "embedded", row.gateway)
			headers := []string{"Content-Type: application/json", "X-Nothing: 1"}
			if row.forwarded != "" {
				headers = append(headers, row.forwarded)
			}
			if f := factsOf(t, send(t, g.url, "GET", "/?demo_whoami=1", "", headers...)); f.TLS != row.secure || (f.Server["HTTP_X_FORWARDED_PORT"] == "443") != row.secure {
				t.Errorf("is_ssl %t, port %s", f.TLS, f.Server["HTTP_X_FORWARDED_PORT"])
			}
			r := send(t, g.url, "POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`, headers...)
			if (r.Status == 200) != row.secure {
				t.Errorf("login: %d %s", r.Status, r.Body)
			}
			if r := send(t, g.url, "GET", "/wp-admin/", "", headers...); row.secure && !strings.Contains(r.Header.Get("Location"), "/wp-login.php") {
				t.Errorf("wp-admin: %d %v", r.Status, r.Header)
			}
		})
	}
}
