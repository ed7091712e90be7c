package e2e

import (
	"strings"
	"testing"
)

// writes tells in a header how often a request wrote to accounts or options.
const writes = `<?php
	$GLOBALS['their_writes'] = 0;
	add_filter('query', function ($sql) {
		$GLOBALS['their_writes'] += preg_match('/^\s*(INSERT|UPDATE|DELETE|REPLACE)\b.*wp_(users|usermeta|options)\b/is', $sql);
		return $sql;
	});
	add_filter('rest_post_dispatch', function ($response) {
		header('X-Writes: ' . $GLOBALS['their_writes']);
		return $response;
	}, PHP_INT_MAX);`

func TestOrdinaryRequestsWriteNothing(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	mustUse(t, "writes.php", writes)
	for name, r := range map[string]reply{
		"customer":                   g.send("GET", whoami, "", "Authorization: Bearer "+access),
		"guest":                      g.send("GET", whoami, ""),
		"credentials":                g.send("GET", whoami, "", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"),
		"login":                      g.post("/wp-json/cocart/v2/login", aliceLogin),
		"another route of WordPress": g.send("GET", "/wp-json/", ""),
	} {
		if got := r.Header.Get("X-Writes"); r.Status != 200 || got != "0" {
			t.Errorf("%s: %d, %q writes", name, r.Status, got)
		}
	}
}

func TestAShopMayRefuseCustomers(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("alice", "wonderland-1")
	mustUse(t, "denylist.php", `<?php
		add_filter('cocart_gateway_allow_customer', function ($allowed, $user) { return $allowed && 'alice' !== $user->user_login; }, 10, 2);`)
	if r := g.cart(access); r.Status != 401 {
		t.Errorf("a customer: %d %s", r.Status, r.Body)
	}
	if r := g.refresh(refresh); r.Status != 401 {
		t.Errorf("a refresh: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/cocart/v2/login", aliceLogin); r.Status != 403 || codeOf(r.Body) != "cocart_gateway_not_allowed" {
		t.Errorf("a login: %d %s", r.Status, r.Body)
	}
	if r := g.send("GET", whoami, "", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"); r.Status != 403 {
		t.Errorf("a password: %d %s", r.Status, r.Body)
	}
	if bob, _ := g.login("bob", "builder-2-Strong"); g.cart(bob).Status != 200 {
		t.Error("somebody else is refused")
	}
}

func TestSiteHealthKnowsTheGateway(t *testing.T) {
	g := startGateway(t, "embedded", "")
	cookie := "Cookie: " + php(t, strings.Replace(bobsCookie, "'bob'", "'admin'", 1))
	for target, words := range map[string][]string{
		"/wp-admin/site-health.php":           {"cocart_gateway_in_front", "The gateway is in front of this site", "The clocks of gateway and WordPress agree", "CoCart answers through the gateway only"},
		"/wp-admin/site-health.php?tab=debug": {"This site, as the gateway names it", "shop.example"},
	} {
		r := g.send("GET", target, "", cookie)
		for _, word := range words {
			if !strings.Contains(r.Body, word) {
				t.Errorf("%s: %d, %q is missing", target, r.Status, word)
			}
		}
		if strings.Contains(r.Body, gatewaySecret) {
			t.Errorf("%s shows the secret", target)
		}
	}
}

// Only administrators, and only when something is wrong.
func TestAdministratorsReadWhatIsWrong(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	cookie := func(who string) string {
		return "Cookie: " + php(t, strings.Replace(bobsCookie, "'bob'", "'"+who+"'", 1))
	}
	admin, alice := cookie("admin"), cookie("alice")
	const notice = `<div class="notice notice-warning"><p><strong>cocart-gateway: The plugin CoCart JWT Authentication is active.</strong>`
	reads := func(who string) bool {
		t.Helper()
		r := g.send("GET", "/wp-admin/profile.php", "", who)
		if r.Status != 200 || !strings.Contains(r.Body, "user-profile") {
			t.Fatalf("wp-admin: %d %s", r.Status, r.Body)
		}
		return strings.Contains(r.Body, notice)
	}
	if reads(admin) {
		t.Error("there is a notice where nothing is wrong")
	}
	mustUse(t, "old-plugin.php", `<?php namespace CoCart\JWTAuthentication; class Plugin {}`)
	if !reads(admin) {
		t.Error("an administrator reads nothing of the old plugin")
	}
	if reads(alice) {
		t.Error("a customer reads what is wrong with the shop")
	}
}
