package shop_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/deploy/demo/shop/shoptest"
)

// watcher is a must-use plugin that says in headers what cannot be seen from outside.
const watcher = `<?php
$GLOBALS['watched'] = array();
add_filter( 'check_password', function ( $fits, $password, $hash, $id ) {
	$user = $id ? get_userdata( $id ) : false;
	if ( $user && ( $fits || $user->user_pass === $hash ) ) {
		$GLOBALS['watched'][] = $id . ':' . ( $fits ? 'right' : 'wrong' );
	}
	return $fits;
}, PHP_INT_MAX, 4 );
add_action( 'init', function () {
	if ( isset( $_GET['fill_carts'] ) ) {
		` + shoptest.FillCarts + `
		exit;
	}
} );
add_filter( 'rest_post_dispatch', function ( $response ) {
	header( 'X-Watched-Checks: ' . implode( ' ', array_unique( $GLOBALS['watched'] ) ) );
	header( 'X-Watched-User: ' . get_current_user_id() );
	return $response;
}, PHP_INT_MAX );
`

func TestTheStandInAnswersAsRecorded(t *testing.T) {
	rows := shoptest.Recordings(t, "testdata/credentials.jsonl")
	freshShop(t)
	php(t, shoptest.InstallCustomers)
	if err := theShop.MustUse("watcher.php", []byte(watcher)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theShop.MustUse("watcher.php", nil); freshShop(t) })
	for _, version := range shoptest.Versions {
		t.Run(version, func(t *testing.T) {
			configure(t, func(c *shop.Config) { c.CoCart = version })
			fillCarts(t)
			for _, row := range rows {
				want, known := row.By(version)
				if !known {
					continue
				}
				if strings.HasPrefix(row.Name, "cart key") {
					fillCarts(t)
				}
				if got := seen(t, row, want); got != worded(want) {
					t.Errorf("%s: got  %s\n%s want %s", row.Name, got, strings.Repeat(" ", len(row.Name)+4), worded(want))
				}
			}
		})
	}
}

// fillCarts puts a mug into carol's cart and empties the others.
func fillCarts(t *testing.T) {
	t.Helper()
	get("/?fill_carts=1").send(t)
}

func worded(a shoptest.Answer) string {
	return fmt.Sprintf("%d %q checked %v user %q cart %q items %v", a.Status, a.Code, a.Checked, a.User, a.Cart, a.Items)
}

// seen sends a row and words the answer as the recordings do. What they leave open is left open.
func seen(t *testing.T, row shoptest.Recording, want shoptest.Answer) string {
	t.Helper()
	a := request(row.Request).send(t)
	got := shoptest.Answer{Status: a.Status, Checked: want.Checked, Cart: want.Cart}
	if checks, there := a.Header["X-Watched-Checks"]; there {
		got.Checked, got.User = nil, shoptest.Customers[a.Header.Get("X-Watched-User")]
		for _, check := range strings.Fields(checks[0]) {
			id, result, _ := strings.Cut(check, ":")
			got.Checked = append(got.Checked, shoptest.Customers[id]+":"+result)
		}
	}
	var body struct {
		Code  string
		Key   string `json:"cart_key"`
		Body  struct{ Code string }
		Items json.RawMessage
	}
	_ = json.Unmarshal([]byte(a.Body), &body) // anything else has none of these
	got.Code = body.Code
	if body.Body.Code != "" {
		got.Code = body.Body.Code
	}
	if key := cmp.Or(a.Header.Get("CoCart-API-Cart-Key"), body.Key); want.Cart != "" && key != "" {
		got.Cart = owner(key)
	}
	if len(body.Items) > len("[]") {
		got.Items = []string{"Mug 14"}
	}
	if len(got.Checked) == 0 && len(want.Checked) == 0 {
		got.Checked = want.Checked
	}
	return worded(got)
}

func owner(key string) string {
	switch {
	case shoptest.Customers[key] != "":
		return shoptest.Customers[key]
	case freshKey.MatchString(key):
		return "new guest"
	}
	return key
}

var freshKey = regexp.MustCompile(`^(t_[0-9a-f]{30}|[0-9a-f]{30}|[0-9a-f]{32})$`)
