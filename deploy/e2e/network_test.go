package e2e

import (
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

const secondSite = "site: {url: " + siteURL + "/second}\n"

// inNetwork runs the rest of the test in a network of two sites, with a gateway
// in front of each. They share WordPress, its users and the secret.
func inNetwork(t *testing.T) (main, second *gateway) {
	t.Helper()
	inAnotherShop(t, "e2e-network", func(c *shop.Config) { c.Network = true })
	afterwards(t)
	php(t, `foreach ( array( 2, 3 ) as $id ) { add_user_to_blog( 2, $id, 'customer' ); }`)
	return startGateway(t, "embedded", ""), startGateway(t, "embedded", secondSite)
}

func (g *gateway) secondLogin(username, password string) reply {
	g.t.Helper()
	return g.post("/second/wp-json/cocart/v2/login", fmt.Sprintf(`{"username":%q,"password":%q}`, username, password))
}

func (g *gateway) secondCart(access string) reply {
	g.t.Helper()
	return g.send("GET", "/second/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access)
}

func TestANetworkOfSites(t *testing.T) {
	main, second := inNetwork(t)
	for name, test := range map[string]func(t *testing.T, main, second *gateway){
		"each site has its customers' carts":            eachSiteHasItsCarts,
		"no site keeps the carts of another test":       eachSiteHasItsCarts,
		"a gateway is for its own site":                 aGatewayIsForItsOwnSite,
		"who is removed from a site is gone there":      whoIsRemovedIsGone,
		"who comes back logs in anew":                   whoComesBackLogsInAnew,
		"who is no member gets no token":                whoIsNoMemberGetsNoToken,
		"spam is nobody anywhere":                       spamIsNobody,
		"a network administrator is a member or not":    aNetworkAdministrator,
		"its administrators read what is wrong":         itsAdministratorsReadWhatIsWrong,
		"a new password ends the sessions on each one":  aNewPasswordEndsAll,
		"a plugin that looks at another site ends none": aLookAtAnotherSiteEndsNone,
	} {
		t.Run(name, func(t *testing.T) {
			main.t, second.t = t, t
			afterwards(t)
			php(t, `foreach ( array( 2, 3 ) as $id ) { add_user_to_blog( 2, $id, 'customer' ); }`)
			test(t, main, second)
		})
	}
	main.t, second.t = t, t
}

func eachSiteHasItsCarts(t *testing.T, main, second *gateway) {
	access, _ := main.login("alice", "wonderland-1")
	there, _ := second.tokens(second.secondLogin("alice", "wonderland-1"))
	add := second.post("/second/wp-json/cocart/v2/cart/add-item", `{"id":"12","quantity":"1"}`, "Authorization: Bearer "+there)
	if add.Status != 200 {
		t.Fatalf("add-item: %d %s", add.Status, add.Body)
	}
	if got := readCart(t, second.secondCart(there)); got != (cartOf{"2", 1}) {
		t.Errorf("there: %+v", got)
	}
	if got := readCart(t, main.cart(access)); got != (cartOf{"2", 0}) {
		t.Errorf("here: %+v", got)
	}
}

// What a gateway signs for one site opens nothing on another, though both know
// the secret.
func aGatewayIsForItsOwnSite(t *testing.T, main, second *gateway) {
	access, _ := main.login("alice", "wonderland-1")
	for name, r := range map[string]reply{
		"the second site through the gateway of the first, as a customer": main.secondCart(access),
		"the same as a guest": main.send("GET", "/second/wp-json/cocart/v2/cart", ""),
		"its login":           main.secondLogin("alice", "wonderland-1"),
	} {
		if r.Status != 403 || codeOf(r.Body) != "cocart_gateway_bad_assertion" {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func whoIsRemovedIsGone(t *testing.T, main, second *gateway) {
	access, _ := main.login("alice", "wonderland-1")
	there, refresh := second.tokens(second.secondLogin("alice", "wonderland-1"))
	before := second.secondCart(there).Status
	php(t, `remove_user_from_blog( 2, 2 );`)
	after := second.secondCart(there)
	refreshed := second.post("/second/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`)
	got := fmt.Sprint(before, after.Status, refreshed.Status, main.cart(access).Status)
	if got != "200 401 401 200" {
		t.Errorf("before, after, refresh, on the other site: %s", got)
	}
}

// The sessions were not used meanwhile, so nobody could have told the gateway.
func whoComesBackLogsInAnew(t *testing.T, main, second *gateway) {
	access, _ := main.login("alice", "wonderland-1")
	there, _ := second.tokens(second.secondLogin("alice", "wonderland-1"))
	bobs, _ := main.login("bob", "builder-2-Strong")
	php(t, `remove_user_from_blog( 2, 2 ); add_user_to_blog( 2, 2, 'customer' );
		foreach ( array( '1', '0' ) as $spam ) { wp_update_user( array( 'ID' => 3, 'spam' => $spam ) ); }`)
	fresh, _ := second.tokens(second.secondLogin("alice", "wonderland-1"))
	got := fmt.Sprint(second.secondCart(there).Status, second.secondCart(fresh).Status, main.cart(access).Status, main.cart(bobs).Status)
	if got != "401 200 200 401" {
		t.Errorf("removed and added: the token from before, a fresh one, on the other site; spam for a while: %s", got)
	}
}

func whoIsNoMemberGetsNoToken(t *testing.T, _, second *gateway) {
	r := second.secondLogin("carol", "p<b>a%41 ss  ü\"\\")
	if strings.Contains(r.Body, "jwt_token") || r.Status < 400 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func spamIsNobody(t *testing.T, main, second *gateway) {
	access, refresh := main.login("bob", "builder-2-Strong")
	there, _ := second.tokens(second.secondLogin("bob", "builder-2-Strong"))
	php(t, `wp_update_user( array( 'ID' => 3, 'spam' => '1' ) );`)
	got := fmt.Sprint(main.cart(access).Status, main.refresh(refresh).Status, second.secondCart(there).Status)
	if got != "401 401 401" {
		t.Errorf("cart, refresh, cart on the other site: %s", got)
	}
}

// WordPress lets a network administrator do anything anywhere; here that is a
// customer where he or she is a member, and gets no token elsewhere.
func aNetworkAdministrator(t *testing.T, main, second *gateway) {
	password, err := theShop.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	access, _ := main.login("admin", password)
	if got := seen(t, main.send("GET", whoami, "", "Authorization: Bearer "+access)); !strings.HasPrefix(got, "user 1 1 1, cart 1") {
		t.Errorf("on the own site: %s", got)
	}
	if r := second.secondLogin("admin", password); strings.Contains(r.Body, "jwt_token") || r.Status < 400 {
		t.Errorf("on the other site: %d %s", r.Status, r.Body)
	}
}

// The pages for the whole network have notices of their own.
func itsAdministratorsReadWhatIsWrong(t *testing.T, _, _ *gateway) {
	notices := func(user string) string {
		return php(t, `wp_set_current_user( `+user+` ); do_action( 'network_admin_notices' );`)
	}
	if got := notices("1"); !strings.Contains(got, "CoCart refuses requests that do not come through the gateway") {
		t.Errorf("past the gateway, which is required: %s", got)
	}
	if got := notices("2"); strings.Contains(got, "cocart-gateway") {
		t.Errorf("a customer reads %s", got)
	}
}

func aNewPasswordEndsAll(t *testing.T, main, second *gateway) {
	access, _ := main.login("alice", "wonderland-1")
	there, _ := second.tokens(second.secondLogin("alice", "wonderland-1"))
	php(t, `wp_set_password( 'looking-glass-2', 2 );`)
	if got := fmt.Sprint(main.cart(access).Status, second.secondCart(there).Status); got != "401 401" {
		t.Errorf("here, there: %s", got)
	}
}

// The plugin asks who the customer is while it looks at a site of which bob is no member, and gives him a role there
// later, after a change that ends nothing.
func aLookAtAnotherSiteEndsNone(t *testing.T, main, _ *gateway) {
	php(t, `remove_user_from_blog( 3, 2 );`)
	access, refresh := main.login("bob", "builder-2-Strong")
	mustUse(t, "network-neighbour.php", `<?php
		add_action( 'plugins_loaded', function () { switch_to_blog( 2 ); get_current_user_id(); restore_current_blog(); } );
		add_action( 'rest_api_init', function () {
			wp_update_user( array( 'ID' => 3, 'display_name' => 'Bob' ) );
			add_user_to_blog( 2, 3, 'editor' );
		} );`)
	if got := fmt.Sprint(main.cart(access).Status, main.cart(access).Status, main.refresh(refresh).Status); got != "200 200 200" {
		t.Errorf("the cart twice, and a refresh: %s\n%s", got, main.logged())
	}
}
