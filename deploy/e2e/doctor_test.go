package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/wordpress"
	"cocart-gateway/tokens/tokenstest"
)

// ailing is what the doctor is asked about, in front of the real shop.
type ailing struct{ upstream, secret, site, redis, more string }

// examine runs doctor as an operator does; it returns the exit code and what is not well. How fast Redis answers is a
// matter of what else this machine does.
func (a ailing) examine(t *testing.T) (code int, complaints []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	config := fmt.Sprintf(`
listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
upstream: {url: %q, secret: %q}
site: {url: %q}
tokens: {access_ttl: 15m, keys: [{id: k1, algorithm: HS256, secret: %q}]}
redis: {address: %q}
trusted_proxies: [127.0.0.1]
%s`, a.upstream, a.secret, a.site, signingSecret, a.redis, a.more)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	doctor := exec.CommandContext(t.Context(), binary, "doctor", "--json", "--config", file)
	doctor.Stderr = &stderr
	out, err := doctor.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var answer struct {
		Checks []struct{ ID, Status, Found, Advice string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %s%s", err, out, &stderr)
	}
	for _, c := range answer.Checks {
		if c.Status != "ok" && c.Status != "unchecked" && c.ID != "redis.latency" {
			complaints = append(complaints, c.Status+" "+c.ID+": "+c.Found)
		}
	}
	return doctor.ProcessState.ExitCode(), complaints
}

// The stand-in for CoCart needs no WooCommerce, and the shop has none.
const noWooCommerce = "warning wordpress.woocommerce: WooCommerce does not report that it is active."

func TestTheDoctorKnowsAHealthyRealShopAndBrokenOnes(t *testing.T) {
	redis := tokenstest.Redis(t, "--appendonly", "yes").Addr()
	for name, row := range map[string]struct {
		spoil func(*testing.T, *ailing)
		code  int
		want  []string
	}{
		"healthy": {func(*testing.T, *ailing) {}, 0, []string{noWooCommerce}},
		"the plugin is missing": {configured(func(c *shop.Config) { c.Plugin = nil }), 1,
			[]string{"problem wordpress.plugin: The must-use plugin is not installed: no customer can log in, and every customer is a guest."}},
		"the plugin is older": {configured(func(c *shop.Config) {
			c.Plugin = bytes.ReplaceAll(wordpress.Plugin, []byte(wordpress.PluginVersion), []byte("0.9.0"))
		}), 1, []string{"problem wordpress.plugin: The must-use plugin is version 0.9.0; this gateway needs 1.3.0.", noWooCommerce}},
		"another secret": {func(_ *testing.T, a *ailing) { a.secret = "another secret of the gateway, longer than 32" }, 1,
			[]string{"problem wordpress.secret: COCART_GATEWAY_SECRET in wp-config.php differs from upstream.secret, is too short, or is missing."}},
		"another site": {func(_ *testing.T, a *ailing) { a.site = "https://www.shop.example" }, 1,
			[]string{"problem wordpress.site: WordPress has the address shop.example, and site.url is https://www.shop.example."}},
		"WordPress is down": {func(_ *testing.T, a *ailing) { a.upstream = "http://127.0.0.1:1" }, 1,
			[]string{"problem wordpress.reachable: WordPress at http://127.0.0.1:1 cannot be reached: connection refused."}},
		"Redis is down": {func(_ *testing.T, a *ailing) { a.redis = "127.0.0.1:1" }, 1,
			[]string{"problem redis.reachable: Redis at 127.0.0.1:1 cannot be reached: connection refused.", noWooCommerce}},
		"is_ssl is wrong": {mustUsed(`<?php add_action('muplugins_loaded', function () { unset($_SERVER['HTTPS']); });`), 1,
			[]string{noWooCommerce, "problem wordpress.tls: The gateway reports to WordPress that the customer came by https, but is_ssl() is false: CoCart refuses passwords then."}},
		"the old plugin is active": {configured(oldPlugin), 0,
			[]string{noWooCommerce, "warning wordpress.old_plugin: CoCart JWT Authentication is active, and issues tokens that the gateway refuses."}},
		"CoCart is not active": {mustUsed(`<?php add_filter('option_active_plugins', '__return_empty_array');`), 1,
			[]string{"warning wordpress.woocommerce: WooCommerce is not active.", "problem wordpress.cocart: CoCart is not active: WordPress has no routes below cocart.",
				"problem wordpress.rest: WordPress has no route /wp-json/cocart/v2: CoCart is not active."}},
		"the gateway is not required": {configured(func(c *shop.Config) { c.Required = false }), 0,
			[]string{noWooCommerce, "warning wordpress.required: Clients that reach PHP without the gateway can use CoCart without its limits."}},
		"a dry run": {lookingOn(func(c *shop.Config) { oldPlugin(c); c.Required = false }), 0, []string{dryRunWarning, noWooCommerce}},
		"a dry run at a shop that is shut": {lookingOn(oldPlugin), 1, []string{dryRunWarning, noWooCommerce,
			"problem wordpress.required: CoCart answers only through the gateway (COCART_GATEWAY_REQUIRED); in a dry run (compat.dry_run) it also refuses the requests of the gateway."}},
		"a proxy takes the header off": {proxied(func(pr *httputil.ProxyRequest) { pr.Out.Host = pr.In.Host; pr.Out.Header.Del("X-CoCart-Gateway") }), 1,
			[]string{"problem wordpress.plugin: The must-use plugin is installed, but the header X-CoCart-Gateway does not reach it."}},
		"a proxy changes the host": {proxied(func(pr *httputil.ProxyRequest) { pr.Out.Host = "backend.internal" }), 1,
			[]string{"problem wordpress.host: WordPress sees the Host backend.internal instead of shop.example."}},
	} {
		t.Run(name, func(t *testing.T) {
			a := ailing{upstream: theShop.URL, secret: gatewaySecret, site: siteURL, redis: redis}
			row.spoil(t, &a)
			if code, complaints := a.examine(t); code != row.code || !slices.Equal(complaints, row.want) {
				t.Errorf("exit %d, want %d\ngot\n%s\nwant\n%s", code, row.code, strings.Join(complaints, "\n"), strings.Join(row.want, "\n"))
			}
		})
	}
}

const dryRunWarning = "warning configuration.warning-compat.dry_run: compat.dry_run: is true; DRY RUN: the gateway enforces nothing, issues no tokens and only reports what it would do."

func oldPlugin(c *shop.Config) {
	c.Constants = maps.Clone(c.Constants)
	if c.Constants == nil {
		c.Constants = map[string]any{}
	}
	c.Constants["COCART_STANDIN_JWT_PLUGIN"], c.Constants["COCART_JWT_AUTH_SECRET_KEY"] = true, pluginKey
}

func lookingOn(change func(*shop.Config)) func(*testing.T, *ailing) {
	return func(t *testing.T, a *ailing) {
		reconfigure(t, change)
		a.more = "compat: {dry_run: true}\n"
	}
}

func configured(change func(*shop.Config)) func(*testing.T, *ailing) {
	return func(t *testing.T, _ *ailing) { reconfigure(t, change) }
}

func mustUsed(php string) func(*testing.T, *ailing) {
	return func(t *testing.T, _ *ailing) { mustUse(t, "ailment.php", php) }
}

// proxied puts a reverse proxy between the gateway and the shop.
func proxied(rewrite func(*httputil.ProxyRequest)) func(*testing.T, *ailing) {
	return func(t *testing.T, a *ailing) {
		shop, err := url.Parse(theShop.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = shop.Scheme, shop.Host
			rewrite(pr)
		}})
		t.Cleanup(proxy.Close)
		a.upstream = proxy.URL
	}
}
