package shop_test

import (
	"net/http"
	"strings"
	"testing"
)

const storeCart = "/wp-json/wc/store/v1/cart"

// guestsCookie is the cookie of a guest who added a notebook in the Store API.
func guestsCookie(t *testing.T) string {
	t.Helper()
	nonce := [2]string{"Nonce", get(storeCart).send(t).Header.Get("Nonce")}
	added := post(storeCart+"/add-item", `{"id":14}`, nonce).send(t)
	for _, c := range (&http.Response{Header: added.Header}).Cookies() {
		return c.Name + "=" + c.Value
	}
	t.Fatalf("no cookie: %d %s", added.Status, added.Body)
	return ""
}

// As with WooCommerce 11.0.1 and CoCart 4.7.0, and with CoCart before 4.2.
func TestTheCartOfACookieReplacesTheCustomersByVersion(t *testing.T) {
	for version, name := range map[string]string{"3.0": "wp_cocart_session_", "3.12": "wp_cocart_session_", "4.1": "wp_cocart_session_", "4.7": "wp_woocommerce_session_"} {
		imitating(t, version)
		read[cart](t, post(addPath, `{"id":"12","quantity":"3"}`, asAlice).send(t))
		login := php(t, `wp_set_current_user( 2 ); $end = time() + 3600; $login = WP_Session_Tokens::get_instance( 2 )->create( $end );
			$_COOKIE[ LOGGED_IN_COOKIE ] = wp_generate_auth_cookie( 2, $end, 'logged_in', $login );
			echo LOGGED_IN_COOKIE, '=', rawurlencode( $_COOKIE[ LOGGED_IN_COOKIE ] ), ' ', wp_create_nonce( 'wp_rest' );`)
		cookie := guestsCookie(t)
		if !strings.HasPrefix(cookie, name) {
			t.Errorf("%s: a guest has the cookie %s", version, cookie)
		}
		logged, nonce, _ := strings.Cut(login, " ")
		get(storeCart, [2]string{"Cookie", cookie + "; " + logged}, [2]string{"X-WP-Nonce", nonce}).send(t)
		if alices := read[cart](t, get(cartPath, asAlice).send(t)); alices.Count != 1 {
			t.Errorf("%s: alice has %d items, want the guest's one", version, alices.Count)
		}
	}
}

// Seen with CoCart 3.12.0 and WooCommerce 9.9.5: on its own routes CoCart refuses a guest with the cookie of a customer.
func TestACustomersCookieOpensTheCartInTheStoreAPIUntil42(t *testing.T) {
	imitating(t, "3.12")
	added := post(addPath, `{"id":"12"}`, asAlice).send(t)
	cookie := [2]string{"Cookie", strings.Split(added.Header.Get("Set-Cookie"), ";")[0]}
	if count := read[storeCartOf](t, get(storeCart, cookie).send(t)).Count; count != 1 {
		t.Errorf("the Store API shows %d items, want alice's one", count)
	}
	if a := get(cartPath, cookie).send(t); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "cocart_must_authenticate_user") {
		t.Errorf("CoCart answers %d %s", a.Status, a.Body)
	}
}

type storeCartOf struct {
	Count int `json:"items_count"`
}

// The cookie of a customer who is not logged in has WooCommerce delete that customer's cart, also on a page.
func TestACustomersCookieWithoutALoginDeletesTheCart(t *testing.T) {
	freshShop(t)
	read[cart](t, post(addPath, `{"id":"12"}`, asAlice).send(t))
	cookie := php(t, `$ends = time() + 3600; echo 'wp_woocommerce_session_', COOKIEHASH, '=', rawurlencode( "2|$ends|$ends|" . hash_hmac( 'md5', "2|$ends", wp_hash( "2|$ends" ) ) );`)
	get("/", [2]string{"Cookie", cookie}).send(t)
	if alices := read[cart](t, get(cartPath, asAlice).send(t)); alices.Count != 0 {
		t.Errorf("alice has %d items left", alices.Count)
	}
}
