package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const (
	storeCart = "/wp-json/wc/store/v1/cart"
	cartRoute = "/wp-json/cocart/v2/cart"
)

// browserOfAGuest is the cookie of a browser in which a guest has a notebook in the cart: WooCommerce's, or CoCart's before 4.2.
func browserOfAGuest(t *testing.T, g *gateway) string {
	t.Helper()
	nonce := "Nonce: " + g.send("GET", storeCart, "").Header.Get("Nonce")
	cookies := cartCookies(g.post(storeCart+"/add-item", `{"id":14,"quantity":1}`, nonce))
	if len(cookies) != 1 {
		t.Fatalf("a guest's first item sets %q", cookies)
	}
	return "Cookie: " + cookies[0]
}

func cartCookies(r reply) (found []string) {
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if strings.HasPrefix(c.Name, "wp_woocommerce_session_") || strings.HasPrefix(c.Name, "wp_cocart_session_") {
			found = append(found, c.Name+"="+c.Value)
		}
	}
	return found
}

// A browser that has a guest's cart and a token beside it shows the customer's cart, and leaves the guest's as it is.
func TestTheCookieOfACartDoesNotCountBesideATokenByCoCartVersion(t *testing.T) {
	versions(t, "site: {url: "+siteURL+", protect: [wc/store]}\n", func(t *testing.T, g *gateway, _ string) {
		afterwards(t)
		access, _ := g.login("alice", "wonderland-1")
		alice := "Authorization: Bearer " + access
		g.post(addItem, `{"id":"12","quantity":"3"}`, alice)
		guest := browserOfAGuest(t, g)
		nonce := "Nonce: " + g.send("GET", storeCart, "", alice).Header.Get("Nonce")
		for _, row := range []struct {
			what  string
			reply reply
			items func(*testing.T, reply) int
			want  int
		}{
			{"CoCart", g.send("GET", cartRoute, "", alice, guest), itemsInCoCart, 3},
			{"the Store API", g.send("GET", storeCart, "", alice, guest), itemsInStore, 3},
			{"CoCart, adding", g.post(addItem, mug, alice, guest), itemsInCoCart, 4},
			{"the Store API, adding", added(g.post(storeCart+"/add-item", `{"id":12,"quantity":1}`, alice, guest, nonce)), itemsInStore, 5},
			{"CoCart without the cookie", g.send("GET", cartRoute, "", alice), itemsInCoCart, 5},
			{"the guest", g.send("GET", storeCart, "", guest), itemsInStore, 1},
		} {
			if got := row.items(t, row.reply); got != row.want {
				t.Errorf("%s: %d items, want %d", row.what, got, row.want)
			}
			if set := cartCookies(row.reply); set != nil {
				t.Errorf("%s: the answer sets %q", row.what, set)
			}
		}
	})
}

// added is the answer to an item that was added, as one that only reads.
func added(r reply) reply {
	if r.Status == http.StatusCreated {
		r.Status = http.StatusOK
	}
	return r
}

func itemsInCoCart(t *testing.T, r reply) int { return readCart(t, r).Count }

// The customer shops by token in a browser, and then the same browser opens a page of the shop without a login.
func TestAPageOfTheShopLeavesTheCartOfATokenAlone(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "site: {url: "+siteURL+", protect: [wc/store]}\n")
	access, _ := g.login("alice", "wonderland-1")
	alice := "Authorization: Bearer " + access
	nonce := "Nonce: " + g.send("GET", storeCart, "", alice).Header.Get("Nonce")
	bought := g.post(storeCart+"/add-item", `{"id":12,"quantity":3}`, alice, nonce)
	g.send("GET", "/", "", "Cookie: "+strings.Join(cartCookies(bought), "; "))
	if got := itemsInCoCart(t, g.send("GET", cartRoute, "", alice)); got != 3 {
		t.Errorf("the customer has %d items left, want 3", got)
	}
}

// WooCommerce deletes the cart of a customer whose cookie comes without the login. A login ends with the browser, with the logout of an
// app in it, or after two days, and that cookie lasts for a week.
func TestTheCartOfAnAppOutlivesTheLoginOfABrowser(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	alice := "Authorization: Bearer " + access
	g.post(addItem, `{"id":"12","quantity":"3"}`, alice)
	cookie := "Cookie: " + php(t, `$ends = time() + 3600; echo 'wp_woocommerce_session_', COOKIEHASH, '=', rawurlencode("2|$ends|$ends|" . hash_hmac('md5', "2|$ends", wp_hash("2|$ends")));`)
	for what, cookies := range map[string]string{"the customer's": "; " + g.browserOf("alice", "wonderland-1"), "no": "", "another customer's": "; " + g.browserOf("bob", "builder-2-Strong")} {
		for _, target := range []string{"/", storeCart} {
			r := g.send("GET", target, "", cookie+cookies)
			if got := itemsInCoCart(t, g.send("GET", cartRoute, "", alice)); r.Status != 200 || got != 3 {
				t.Errorf("after %s with %s login: %d, and the customer has %d items left, want 3", target, what, r.Status, got)
			}
		}
	}
}
