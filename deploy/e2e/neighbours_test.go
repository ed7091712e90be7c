package e2e

import (
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/deploy/wordpress"
)

// neighbour is another plugin that behaves badly, and what a shop with it does:
// a guest's cart, alice's cart, a login, and alice's cart once more without the
// plugin.
type neighbour struct {
	name, file, source string
	want               string
}

var neighbours = []neighbour{
	{"has the last word on who asks", "z.php", `<?php
		add_filter( 'determine_current_user', function () { return 1; }, PHP_INT_MAX );`, "guest, 2, refused, 2"},
	{"has the last word, and is loaded first", "a.php", `<?php
		add_filter( 'determine_current_user', function () { return 1; }, PHP_INT_MAX );`, "guest, 2, refused, 2"},
	{"sets the user at init", "z.php", `<?php
		add_action( 'init', function () { wp_set_current_user( 1 ); }, PHP_INT_MAX );`, "guest, 2, refused, 2"},
	{"writes before there are headers", "z.php", `<?php echo 'hello ';`, "hello guest, hello 2, refused, 2"},
	{"wrote before us", "a.php", `<?php echo 'hello ';`, "hello guest, hello 2, refused, 2"},
	{"exits when it is loaded", "z.php", `<?php if ( 'cli' !== PHP_SAPI ) { exit; }`, "nothing, nothing, refused, 2"},
	{"exits at init", "z.php", `<?php
		add_action( 'init', function () { if ( 'cli' !== PHP_SAPI ) { exit; } } );`, "nothing, nothing, refused, 2"},
	{"throws at determine_current_user", "z.php", `<?php
		add_filter( 'determine_current_user', function ( $id ) { throw new Exception( 'no' ); }, 11 );`, "500, 500, refused, 2"},
	{"throws at rest_authentication_errors", "z.php", `<?php
		add_filter( 'rest_authentication_errors', function ( $r ) { throw new Exception( 'no' ); }, 50 );`, "500, 500, refused, 2"},
	{"answers rest_authentication_errors with nonsense", "z.php", `<?php
		add_filter( 'rest_authentication_errors', function ( $r ) { return 'yes'; }, 5 );`, "guest, 2, 200 3, 2"},
	{"fires actions with garbage", "z.php", `<?php
		add_action( 'wp_loaded', function () {
			do_action( 'profile_update' ); do_action( 'profile_update', 'x', array() ); do_action( 'profile_update', 2, null, 7 );
			do_action( 'after_password_reset' ); do_action( 'after_password_reset', 'x', 'y' );
			do_action( 'delete_user' ); do_action( 'delete_user', array( 2 ) ); do_action( 'wpmu_delete_user', 'x' );
			do_action( 'wp_set_password' ); do_action( 'wp_set_password', null, 'x' );
			apply_filters( 'session_token_manager', null ); apply_filters( 'cocart_auth_header', array() ); apply_filters( 'cocart_authenticate', null );
		} );`, "guest, 2, 200 3, 2"},
	{"throws when a profile changes", "z.php", `<?php
		add_action( 'profile_update', function () { throw new Exception( 'no' ); } );`, "guest, 2, 200 3, 2"},
	{"is a copy of the plugin, loaded before it", "cocart-gateway-backup.php", string(wordpress.Plugin), "guest, 2, 200 3, 2"},
	{"is a copy of the plugin, loaded after it", "cocart-gateway_old.php", string(wordpress.Plugin), "guest, 2, 200 3, 2"},
	{"adds claims that are none", "z.php", `<?php
		add_filter( 'cocart_gateway_token_claims', function () { return NAN; } );`, "guest, 2, 200 3, 2"},
}

// None of them lets a guest in, makes a customer somebody else, or ends a session;
// at worst there is no answer while it is there.
func TestHostileNeighbours(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	bearer := "Authorization: Bearer " + access
	for _, n := range neighbours {
		t.Run(n.name, func(t *testing.T) {
			if err := theShop.MustUse(n.file, []byte(n.source)); err != nil {
				t.Fatal(err)
			}
			guest := owner(g.send("GET", "/wp-json/cocart/v2/cart", ""))
			alice := owner(g.send("GET", "/wp-json/cocart/v2/cart", "", bearer))
			login := entered(g.post(loginPath, `{"username":"bob","password":"builder-2-Strong"}`))
			if err := theShop.MustUse(n.file, nil); err != nil {
				t.Fatal(err)
			}
			again := owner(g.send("GET", "/wp-json/cocart/v2/cart", "", bearer))
			if got := strings.Join([]string{guest, alice, login, again}, ", "); got != n.want {
				t.Errorf("got  %s\nwant %s", got, n.want)
			}
		})
	}
}

// owner is whose cart an answer shows.
func owner(r reply) string {
	before, cart, found := strings.Cut(r.Body, "{")
	_, key, keyed := strings.Cut(cart, `"cart_key":"`)
	key, _, _ = strings.Cut(key, `"`)
	switch {
	case r.Status != 200:
		return fmt.Sprint(r.Status)
	case strings.HasPrefix(key, "t_"):
		return before + "guest"
	case keyed:
		return before + key
	case found:
		return r.Body
	}
	return "nothing"
}

func entered(r reply) string {
	_, id, found := strings.Cut(r.Body, `"user_id":"`)
	id, _, _ = strings.Cut(id, `"`)
	if r.Status == 200 && found && strings.Contains(r.Body, `"jwt_token"`) {
		return "200 " + id
	}
	if strings.Contains(r.Body, "jwt_token") || r.Status < 400 {
		return fmt.Sprint(r.Status, " ", r.Body)
	}
	return "refused"
}
