package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// cartOf is what a client reads of a cart.
type cartOf struct {
	Key   string `json:"cart_key"`
	Count int    `json:"item_count"`
}

func readCart(t *testing.T, r reply) cartOf {
	t.Helper()
	var c cartOf
	if err := json.Unmarshal([]byte(r.Body), &c); err != nil || r.Status != 200 {
		t.Fatalf("no cart: %d %s", r.Status, r.Body)
	}
	return c
}

// A guest finds the cart again in each way the version has, the cookie of old
// ones included, and a customer who names it takes it over.
func TestGuestCartsByCoCartVersion(t *testing.T) {
	ways := map[string]string{"3.0": "cookie cart_key", "3.12": "cookie cart_key", "4.1": "cookie cart_key", "5.0": "cart_key CoCart-API-Cart-Key Cart-Key"}
	const recent = "cart_key CoCart-API-Cart-Key"
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		afterwards(t)
		added := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"12","quantity":"1"}`)
		want, old := ways[version]
		if !old {
			want = recent
		}
		if got := strings.Join(waysBack(t, g, added), " "); got != want {
			t.Errorf("ways back to the cart: %s, want %s", got, want)
		}
		if version == "3.0" {
			return // It has no parameter to name a cart by.
		}
		access, _ := g.login("alice", "wonderland-1")
		merged := readCart(t, g.send("GET", "/wp-json/cocart/v2/cart?cart_key="+readCart(t, added).Key, "", "Authorization: Bearer "+access))
		if version == "3.12" || version == "4.3" { // These go on with the cart that was named.
			merged.Key = "2"
		}
		if merged != (cartOf{"2", 1}) {
			t.Errorf("taken over: %+v", merged)
		}
	})
}

func waysBack(t *testing.T, g *gateway, added reply) []string {
	key := readCart(t, added).Key
	const cart = "/wp-json/cocart/v2/cart"
	ways := map[string]reply{
		"cart_key":            g.send("GET", cart+"?cart_key="+key, ""),
		"CoCart-API-Cart-Key": g.send("GET", cart, "", "CoCart-API-Cart-Key: "+key),
		"Cart-Key":            g.send("GET", cart, "", "Cart-Key: "+key),
	}
	for _, c := range (&http.Response{Header: added.Header}).Cookies() {
		ways["cookie"] = g.send("GET", cart, "", "Cookie: "+c.Name+"="+c.Value)
	}
	var found []string
	for name, answer := range ways {
		if readCart(t, answer).Count == 1 {
			found = append(found, name)
		}
	}
	order := []string{"cookie", "cart_key", "CoCart-API-Cart-Key", "Cart-Key"}
	slices.SortFunc(found, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	return found
}

// Nobody gets at the cart of a customer, by whatever the version would take for
// a reason.
func TestCartsOfOthersByCoCartVersion(t *testing.T) {
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		afterwards(t)
		alice, _ := g.login("alice", "wonderland-1")
		bob, _ := g.login("bob", "builder-2-Strong")
		if r := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"12","quantity":"1"}`, "Authorization: Bearer "+alice); r.Status != 200 {
			t.Fatal(r.Status, r.Body)
		}
		const cart = "/wp-json/cocart/v2/cart"
		for name, headers := range map[string][]string{
			"a guest, CoCart-API-Customer":         {"CoCart-API-Customer: 2"},
			"bob, CoCart-API-Customer":             {"CoCart-API-Customer: 2", "Authorization: Bearer " + bob},
			"nobody by Basic, CoCart-API-Customer": {"CoCart-API-Customer: 2", "Authorization: Basic"},
			"bob by password, CoCart-API-Customer": {"CoCart-API-Customer: 2", basicHeader("bob", "builder-2-Strong")},
			"a guest, CoCart-API-Cart-Key":         {"CoCart-API-Cart-Key: 2"},
			"bob, Cart-Key":                        {"Cart-Key: 2", "Authorization: Bearer " + bob},
			"bob by password, Cart-Key":            {"Cart-Key: 2", basicHeader("bob", "builder-2-Strong")},
			"bob by password, CoCart-API-Cart-Key": {"CoCart-API-Cart-Key: 2", basicHeader("bob", "builder-2-Strong")},
			"half a password, Cart-Key":            {"Cart-Key: 2", "Authorization: Basic"},
		} {
			if r := g.send("GET", cart, "", headers...); strings.Contains(r.Body, `"cart_key":"2"`) || strings.Contains(r.Body, `"item_count":1`) {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
		for name, r := range map[string]reply{
			"a guest, cart_key":                    g.send("GET", cart+"?cart_key=2", ""),
			"half a password, CoCart-API-Customer": g.send("GET", cart+"?username=x", "", "CoCart-API-Customer: 2"),
			"an API key, CoCart-API-Customer":      g.send("GET", cart+"?consumer_key=1", "", "CoCart-API-Customer: 2"),
			"bob, cart_key":                        g.send("GET", cart+"?cart_key=2", "", "Authorization: Bearer "+bob),
			"bob by password, cart_key":            g.send("GET", cart+"?cart_key=2", "", basicHeader("bob", "builder-2-Strong")),
		} {
			if strings.Contains(r.Body, `"item_count":1`) {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
		// The SDK names one's own cart beside the password when it moves a guest's cart.
		if own := readCart(t, g.send("GET", cart+"?cart_key=2", "", basicHeader("alice", "wonderland-1"))); own != (cartOf{"2", 1}) {
			t.Errorf("one's own beside the password: %+v", own)
		}
	})
}

// The client finds the key of its cart under the name it knows.
func TestCartHeadersByCoCartVersion(t *testing.T) {
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		want := "CoCart-API-Cart-Key"
		if version == "5.0" {
			want = "Cart-Key"
		}
		r := g.send("GET", "/wp-json/cocart/v2/cart", "")
		if key := readCart(t, r).Key; r.Header.Get(want) != key {
			t.Errorf("%s: %q, want %s", want, r.Header.Get(want), key)
		}
	})
}
