package e2e

import (
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// filters change what the old plugin's tokens look like.
const filters = `<?php
add_filter( 'cocart_jwt_auth_algorithm', function () { return 'HS512'; } );
add_filter( 'cocart_jwt_auth_issuer', function () { return 'https://api.shop.example'; } );
add_filter( 'cocart_jwt_auth_token_prefix', function () { return 'shop_'; } );
add_filter( 'cocart_jwt_auth_refresh_token_generation', function ( $token ) { return md5( $token ) . '/' . substr( $token, 0, 8 ); } );`

// No customer of a shop whose own code changed the form of tokens is logged out.
func TestMovingAShopThatFiltersItsTokens(t *testing.T) {
	t.Setenv("COCART_JWT_AUTH_SECRET_KEY", pluginKey)
	afterwards(t)
	reconfigure(t, func(*shop.Config) {})
	mustUse(t, "terminator.php", terminator)
	mustUse(t, "filters.php", filters)
	move(t, true, false)
	access, refresh := (&gateway{t: t}).tokens(straight(t, "POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`))
	if r := straight(t, "GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access); !isAlices(r) || !strings.HasPrefix(access, "shop_") || len(refresh) != 41 {
		t.Fatalf("the old plugin alone: %d %s with %.8s… and %.8s…", r.Status, r.Body, access, refresh)
	}
	tokens := "  plugin_issuer: https://api.shop.example\n  plugin_token_prefix: shop_\n"
	g := startGateway(t, realRedis(t), readGuide(t).config("look on")+tokens)
	if r := g.cart(access); !isAlices(r) {
		t.Errorf("dry run: %d %s", r.Status, r.Body)
	}
	g.stop() // it reports after the answer
	if log := g.logged(); strings.Contains(log, "would be refused") {
		t.Errorf("the dry run would refuse her: %s", log)
	}
	move(t, true, true)
	g = startGateway(t, realRedis(t), readGuide(t).config("switch")+tokens)
	if r := g.cart(access); !isAlices(r) {
		t.Errorf("her token after the switch: %d %s", r.Status, r.Body)
	}
	if access, _ = g.pair(g.refresh(refresh)); !byUs(access) || !isAlices(g.cart(access)) {
		t.Error("her refresh token did not become a session of ours")
	}
}
