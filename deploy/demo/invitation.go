package main

import (
	"fmt"
	"path/filepath"
)

// The commands need a shell and curl, no jq. printf and not echo: in some shells echo reads
// backslashes, and CoCart's JSON is full of them.
const invitation = `
The gateway is ready. Paste these one after the other into another terminal:

# 1. Log in
LOGIN=$(curl -s -X POST %[1]s/wp-json/cocart/v2/login -H 'Content-Type: application/json' -d '{"username":"alice","password":"wonderland-1"}'); printf '%%s\n' "$LOGIN"

# 2. Look into the cart as alice
curl -s %[1]s/wp-json/cocart/v2/cart -H "Authorization: Bearer $(printf '%%s' "$LOGIN" | sed 's/.*"jwt_token":"\([^"]*\)".*/\1/')"; echo

# 3. Refresh: a new pair of tokens
curl -s -X POST %[1]s/wp-json/cocart/jwt/refresh-token -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$(printf '%%s' "$LOGIN" | sed 's/.*"jwt_refresh":"\([^"]*\)".*/\1/')\"}"; echo

`

// invite ends the start with what to do next.
func (d *demo) invite() {
	address := d.options.address()
	fmt.Fprintf(d.out, invitation, address)
	if d.shop == nil {
		fmt.Fprintf(d.out, "Put a customer of your shop in alice's place.\n")
	} else {
		fmt.Fprintf(d.out, "Example    %s/browserapp/   (a browser app without tokens, in cookie mode)\n", address)
		fmt.Fprintf(d.out, "Shop       %s/   (products, a login and the example; WordPress itself answers on %s)\n", address, d.shop.URL)
		fmt.Fprintf(d.out, "wp-admin   %s/wp-login.php   (admin, password in %s)\n", address, filepath.Join(d.shop.Dir, "admin-password"))
		fmt.Fprintf(d.out, "Its logs   %s\n", filepath.Join(d.shop.Dir, "log"))
	}
	if d.options.app != "" {
		fmt.Fprintf(d.out, "Your app   %s   (its requests go to %s, with credentials: \"include\")\n", d.options.app, address)
	}
	fmt.Fprintf(d.out, "Console    %s/   (its token is in %s)\n", d.options.adminAddress(), d.options.adminTokenFile())
	fmt.Fprintf(d.out, "Metrics    %s/metrics\n", d.options.adminAddress())
	fmt.Fprintf(d.out, "Log        %s\n", filepath.Join(d.options.dir, "gateway", "gateway.log"))
	fmt.Fprintf(d.out, "\nCtrl-C ends everything.\n")
}

const pluginNote = `
Put the gateway's plugin into the shop at %[1]s:

1. Copy deploy/wordpress/cocart-gateway.php
   to   wp-content/mu-plugins/cocart-gateway.php
2. Add these lines to wp-config.php, above "That's all, stop editing!":

define( 'COCART_GATEWAY_SECRET', '%[2]s' );
// Remove the // below once all traffic goes through the gateway: CoCart then refuses what does not.
// define( 'COCART_GATEWAY_REQUIRED', true );

`

// explainPlugin prints what an existing shop needs; we do not touch it.
func (d *demo) explainPlugin(secrets secrets) {
	fmt.Fprintf(d.out, pluginNote, d.options.upstream, secrets.Upstream)
}
