package e2e

import (
	"fmt"
	"testing"
)

// sdk is what of an SDK WordPress and CoCart get to see; gateway/SDKS.md has the
// rest of how each of them behaves.
type sdk struct {
	name, login, logout, logoutBody string
	cartHeader                      string // of a guest
	keepsOld                        bool   // never stores the refresh token that a refresh brings
}

var sdks = []sdk{
	{name: "Go", login: "/wp-json/cocart/v2/login", logout: "/wp-json/cocart/v2/logout", cartHeader: "CoCart-API-Cart-Key"},
	{name: "TypeScript", login: "/wp-json/cocart/v2/login", logout: "/wp-json/cocart/v2/logout", cartHeader: "Cart-Key"},
	{name: "PHP", login: "/wp-json/cocart/v2/login", logout: "/wp-json/cocart/v2/logout", logoutBody: "[]", cartHeader: "Cart-Key"},
	{name: "Flutter", login: "/wp-json/cocart/jwt/token", logout: "/wp-json/cocart/jwt/logout", cartHeader: "Cart-Key", keepsOld: true},
	{name: "Swift", login: "/wp-json/cocart/jwt/token", logout: "/wp-json/cocart/jwt/logout", cartHeader: "Cart-Key", keepsOld: true},
}

const (
	sdkAdd  = "/wp-json/cocart/v2/cart/add-item"
	sdkCart = "/wp-json/cocart/v2/cart"
	asJSON  = "Content-Type: application/json" // all of them say so of every request
)

// Each SDK's requests, in front of a real WordPress: a guest's cart, a login
// beside a stale token, two refreshes beside the spent one, a logout.
func TestEverySDKShopsInWordPress(t *testing.T) {
	for _, k := range sdks {
		t.Run(k.name, func(t *testing.T) {
			afterwards(t)
			g := startGateway(t, "embedded", k.settings())
			guest := owner(g.send("POST", sdkAdd, `{"id":"12","quantity":"1"}`, asJSON))
			guestCart := g.send("GET", sdkCart, "", asJSON)
			key := guestCart.Header.Get("Cart-Key")
			if guest != "guest" || key == "" {
				t.Fatalf("a guest adds an item to the cart of %s, and is told %q", guest, key)
			}
			// All of them put the key into the query as well, where each CoCart looks; the header Cart-Key is CoCart 5's.
			if got := g.send("GET", sdkCart+"?cart_key="+key, "", asJSON, k.cartHeader+": "+key); got.Header.Get("Cart-Key") != key {
				t.Errorf("the guest's cart is not found again by %s", k.cartHeader)
			}
			k.shops(t, g)
		})
	}
}

// settings are what the shop's operator has to do for an SDK. Without a grace each
// spent refresh token is judged by them.
func (k sdk) settings() string {
	if k.keepsOld {
		return "tokens: {lost_answer: always, refresh_grace: 0s, " + signingKeys + "}\n"
	}
	return ""
}

func (k sdk) shops(t *testing.T, g *gateway) {
	t.Helper()
	access, refresh := k.enters(g)
	for range 2 {
		renewed, next := g.pair(g.send("POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`, asJSON, "Authorization: Bearer "+access))
		if access = renewed; !k.keepsOld {
			refresh = next
		}
		if got := owner(g.cart(access)); got != "2" {
			t.Errorf("after a refresh the cart is %s's", got)
		}
	}
	bearer := "Authorization: Bearer " + access
	added := owner(g.send("POST", sdkAdd, `{"id":"12","quantity":"1"}`, asJSON, bearer))
	valid := g.send("POST", "/wp-json/cocart/jwt/validate-token", "", asJSON, bearer).Status
	left := g.send("POST", k.logout, k.logoutBody, asJSON, bearer).Status
	after := g.send("GET", sdkCart, "", asJSON, bearer).Status
	spent := g.refresh(refresh).Status
	if got, want := fmt.Sprint(added, " ", valid, left, after, spent), "2 200 200 401 401"; got != want {
		t.Errorf("whose cart; validate, logout, cart and refresh after it: %s, want %s", got, want)
	}
}

func (k sdk) enters(g *gateway) (access, refresh string) {
	g.t.Helper()
	r := g.send("POST", k.login, `{"username":"alice","password":"wonderland-1"}`, asJSON, "Authorization: Bearer a.stale.token")
	if k.keepsOld {
		return g.pair(r)
	}
	return g.tokens(r)
}
