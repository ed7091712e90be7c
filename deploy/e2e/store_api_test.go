package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
)

// A customer has one cart, whether an app asks CoCart or WooCommerce's Store API, and whatever Cart-Token the app still has.
func TestCoCartAndTheStoreAPIShowTheSameCart(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "site: {url: "+siteURL+", protect: [wc/store]}\n")
	bearer := func(name, password string) string {
		access, _ := g.login(name, password)
		return "Authorization: Bearer " + access
	}
	alice, bob := bearer("alice", "wonderland-1"), bearer("bob", "builder-2-Strong")
	const store, mug = "/wp-json/wc/store/v1/cart", `{"id":12,"quantity":1}`
	token := func(who string) string {
		return "Cart-Token: " + g.send("GET", store, "", who).Header.Get("Cart-Token")
	}
	alices, bobs := token(alice), token(bob)

	for step, row := range []struct {
		what    string
		headers []string
		status  int
		items   int // in the cart of alice, after it
	}{
		{"without a nonce", nil, 401, 1},
		{"with a nonce", []string{"Nonce: " + g.send("GET", store, "", alice).Header.Get("Nonce")}, 201, 2},
		{"with her Cart-Token", []string{alices}, 201, 3},
		{"with her Cart-Token, its signature wrong", []string{alices + "x"}, 401, 3},
		{"with the Cart-Token of bob", []string{bobs}, 401, 3},
	} {
		if step == 0 {
			g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"12"}`, alice)
		}
		if r := g.post(store+"/add-item", mug, append(row.headers, alice)...); r.Status != row.status {
			t.Errorf("%s: %d %s", row.what, r.Status, r.Body)
		}
		if got := readCart(t, g.send("GET", "/wp-json/cocart/v2/cart", "", alice)); got != (cartOf{"2", row.items}) {
			t.Errorf("%s: CoCart shows %+v, want %d items", row.what, got, row.items)
		}
		for _, held := range [][]string{{alice}, {alice, alices}, {alice, bobs}} {
			if got := itemsInStore(t, g.send("GET", store, "", held...)); got != row.items {
				t.Errorf("%s: the Store API shows %d items, want %d", row.what, got, row.items)
			}
		}
	}

	inside := fmt.Sprintf(`{"requests":[{"method":"POST","path":"/wc/store/v1/cart/add-item","headers":{"Cart-Token":%q},"body":%s}]}`, alices[len("Cart-Token: "):], mug)
	if r := g.post("/wp-json/wc/store/v1/batch", inside, alice); r.Status != 207 {
		t.Errorf("batch: %d %s", r.Status, r.Body)
	}
	if got := readCart(t, g.send("GET", "/wp-json/cocart/v2/cart", "", alice)); got != (cartOf{"2", 4}) {
		t.Errorf("after the batch CoCart shows %+v", got)
	}
}

func itemsInStore(t *testing.T, r reply) int {
	t.Helper()
	var cart struct {
		Count int `json:"items_count"`
	}
	if err := json.Unmarshal([]byte(r.Body), &cart); err != nil || r.Status != 200 {
		t.Fatalf("no cart: %d %s", r.Status, r.Body)
	}
	return cart.Count
}
