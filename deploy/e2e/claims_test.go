package e2e

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// The callback is one for cocart_jwt_auth_token_user_data, under our hook's name.
const membershipInTokens = `<?php
add_filter( 'cocart_gateway_token_claims', function ( $data, $user ) {
	return array_merge( $data, array( 'id' => 1, 'membership' => array( 'level' => 'gold' ), 'role' => $user->roles[0] ) );
}, 10, 2 );`

// An app finds the shop's own claims where CoCart JWT Authentication had them, and
// they make nobody somebody else.
func TestClaimsOfTheShopAreWhereThePluginHadThem(t *testing.T) {
	afterwards(t)
	if err := theShop.MustUse("z.php", []byte(membershipInTokens)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theShop.MustUse("z.php", nil) })
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("alice", "wonderland-1")
	renewed, _ := g.pair(g.refresh(refresh))
	for when, token := range map[string]string{"login": access, "refresh": renewed} {
		user := userIn(t, token)
		if want := map[string]any{"level": "gold"}; !reflect.DeepEqual(user["membership"], want) || user["role"] != "customer" || user["id"] != 2.0 {
			t.Errorf("after the %s data.user is %v", when, user)
		}
		if got := owner(g.send("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+token)); got != "2" {
			t.Errorf("the token of the %s gets the cart of %s", when, got)
		}
	}
}

// userIn is data.user of an access token.
func userIn(t *testing.T, token string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var says struct{ Data struct{ User map[string]any } }
	if err := json.Unmarshal(raw, &says); err != nil {
		t.Fatal(err)
	}
	return says.Data.User
}
