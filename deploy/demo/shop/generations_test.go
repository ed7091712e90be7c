package shop_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// each runs a check with every version, whose wanted result is given.
func each(t *testing.T, want map[string]string, got func() string) {
	t.Helper()
	freshShop(t)
	for version, want := range want {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		if got := got(); got != want {
			t.Errorf("%s: %q, want %q", version, got, want)
		}
	}
}

func TestWhatALoginAnswersByVersion(t *testing.T) {
	each(t, map[string]string{
		"3.0": "avatar_urls", "3.8.1": "avatar_urls extras", "4.9.7": "avatar_urls extras", "5.0": "extras",
	}, func() string { return optional(post(loginPath, "", asAlice).send(t).Body) })
	each(t, map[string]string{"5.0": "avatar_urls extras"}, func() string {
		return optional(post(loginPath+"?avatars=true", "", asAlice).send(t).Body)
	})
}

func optional(body string) string {
	var found []string
	for _, name := range keys(body) {
		if name == "avatar_urls" || name == "extras" {
			found = append(found, name)
		}
	}
	return strings.Join(found, " ")
}

// A plugin calls set_error() of the object that it is handed, if it is handed one.
func TestPluginsThatTellAnErrorByVersion(t *testing.T) {
	const plugin = `<?php add_filter( 'cocart_authenticate', function ( $id, $ssl, $auth = null ) {
		if ( $auth ) { $auth->set_error( new WP_Error( 'told', 'Told.', array( 'status' => 403 ) ) ); }
		return $id;
	}, 10, defined( 'COCART_STANDIN_VERSION' ) && '3.0' === COCART_STANDIN_VERSION ? 2 : 3 );`
	freshShop(t)
	if err := theShop.MustUse("told.php", []byte(plugin)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = theShop.MustUse("told.php", nil) }()
	each(t, map[string]string{
		"3.0": "200", "3.12": "403 told", "4.1": "500", "4.3.22": "500",
		"4.3.23": "403 told", "4.9.7": "403 told", "5.0": "500",
	}, func() string { return get(cartPath).send(t).refusal() })
}

// What brings a guest back to the cart.
func TestGuestCartsByVersion(t *testing.T) {
	each(t, map[string]string{
		"3.0": "cookie cart_key", "3.12": "cookie cart_key", "4.1": "cookie cart_key", "4.3": "cart_key CoCart-API-Cart-Key",
		"4.9.7": "cart_key CoCart-API-Cart-Key", "5.0": "cart_key CoCart-API-Cart-Key Cart-Key",
	}, func() string { return strings.Join(waysBack(t), " ") })
}

func waysBack(t *testing.T) []string {
	added := post(addPath, `{"id":"12"}`).send(t)
	key := read[cart](t, added).Key
	ways := map[string]request{
		"cart_key": get(cartPath + "?cart_key=" + key), "CoCart-API-Cart-Key": get(cartPath, [2]string{"CoCart-API-Cart-Key", key}),
		"Cart-Key": get(cartPath, [2]string{"Cart-Key", key}),
	}
	for _, c := range (&http.Response{Header: added.Header}).Cookies() {
		ways["cookie"] = get(cartPath, [2]string{"Cookie", c.Name + "=" + c.Value})
	}
	var found []string
	for _, name := range []string{"cookie", "cart_key", "CoCart-API-Cart-Key", "Cart-Key"} {
		if way, ok := ways[name]; ok && read[cart](t, way.send(t)).Count == 1 {
			found = append(found, name)
		}
	}
	return found
}

func TestCartHeadersByVersion(t *testing.T) {
	each(t, map[string]string{
		"4.9.7": "Cocart-Api-Cart-Expiration Cocart-Api-Cart-Expiring Cocart-Api-Cart-Key Cocart-Timestamp",
		"5.0":   "Cart-Expiration Cart-Expiring Cart-Key Timestamp",
	}, func() string {
		var names []string
		for name := range get(cartPath).send(t).Header {
			if strings.Contains(name, "Cart-") || strings.HasSuffix(name, "Timestamp") {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	})
}

// 5.0 hands anybody the cart of the customer whom a header names.
func TestACustomerNamedInAHeaderByVersion(t *testing.T) {
	each(t, map[string]string{"4.9.7": "a guest's", "5.0": "2"}, func() string {
		key := read[cart](t, get(cartPath, [2]string{"CoCart-API-Customer", "2"}).send(t)).Key
		if strings.HasPrefix(key, "t_") {
			return "a guest's"
		}
		return key
	})
}

// An answer at rest_authentication_errors before 10 stops what these versions do there.
func TestWhatAnEarlyAnswerStopsByVersion(t *testing.T) {
	freshShop(t)
	if err := theShop.MustUse("early.php", []byte(`<?php add_filter( 'rest_authentication_errors', '__return_true', 9 );`)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = theShop.MustUse("early.php", nil) }()
	each(t, map[string]string{"3.12": "200", "4.9.7": "200", "5.0": "500 cocart_cart_error"}, func() string {
		return get(cartPath, asAlice).send(t).refusal()
	})
}

func TestTheRateLimitOf5(t *testing.T) {
	freshShop(t)
	configure(t, func(c *shop.Config) {
		c.CoCart, c.Constants = "5.0", map[string]any{"COCART_STANDIN_RATE_LIMIT": 2}
	})
	php(t, `global $wpdb; $wpdb->query( "DELETE FROM $wpdb->options WHERE option_name LIKE '%cocart_standin_rate%'" );`)
	var got []string
	for range 3 {
		got = append(got, get(cartPath).send(t).refusal())
	}
	if fmt.Sprint(got) != "[200 200 400 rate_limit_exceeded]" {
		t.Error(got)
	}
}
