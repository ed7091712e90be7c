package e2e

import (
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// withoutAddress is what stands in front of a shop whose WordPress never saw an
// address but its own.
const withoutAddress = `<?php if ( ! isset( $_SERVER['HTTP_X_COCART_GATEWAY_OBSERVED'] ) ) { $_SERVER['HTTPS'] = 'on'; }`

// The plugin bound every token to the load balancer's address, here 127.0.0.1.
// Neither the dry run nor its end may log a customer out.
func TestTheDryRunOfAShopThatSeesItsLoadBalancerOnly(t *testing.T) {
	t.Setenv("COCART_JWT_AUTH_SECRET_KEY", pluginKey)
	afterwards(t)
	reconfigure(t, func(*shop.Config) {})
	mustUse(t, "terminator.php", withoutAddress)
	move(t, true, false)
	login := `{"username":"alice","password":"wonderland-1"}`
	access, refresh := (&gateway{t: t}).tokens(straight(t, "POST", "/wp-json/cocart/v2/login", login))
	if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access, "X-Forwarded-For: 198.51.100.1"); !isAlices(r) {
		t.Fatalf("this shop tells customers apart by address: %d %s", r.Status, r.Body)
	}
	g := startGateway(t, realRedis(t), readGuide(t).config("look on")+"  plugin_address: peer\n")
	if r := g.cart(access); !isAlices(r) {
		t.Errorf("a token of before, in the dry run: %d %s", r.Status, r.Body)
	}
	fresh, _ := g.pair(g.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`, "Authorization: Bearer "+access))
	inDryRun, _ := g.login("alice", "wonderland-1")
	g.stop()
	for name, token := range map[string]string{"refreshed": fresh, "issued": inDryRun} {
		if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+token); !isAlices(r) {
			t.Errorf("a token %s in the dry run, after backing out of it: %d %s", name, r.Status, r.Body)
		}
	}

	// Without that setting the tokens show it.
	g = startGateway(t, realRedis(t), readGuide(t).config("look on"))
	if r := g.cart(fresh); !isAlices(r) {
		t.Errorf("without the setting: %d %s", r.Status, r.Body)
	}
	g.stop() // it reports after the answer
	if log := g.logged(); !strings.Contains(log, "another address than compat.plugin_address says") {
		t.Errorf("the operator does not read of it: %s", log)
	}
}
