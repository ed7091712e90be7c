package shop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// cart is what tests look at in a cart.
type cart struct {
	Key   string `json:"cart_key"`
	Count int    `json:"item_count"`
	Items []struct {
		ID       int
		Name     string
		Quantity struct{ Value int }
	}
	Notices any
}

const (
	cartPath = "/wp-json/cocart/v2/cart"
	addPath  = "/wp-json/cocart/v2/cart/add-item"
)

func TestAGuestFindsTheCartByItsKey(t *testing.T) {
	freshShop(t)
	added := read[cart](t, post(addPath, `{"id":"12","quantity":"3"}`).send(t))
	if added.Count != 3 || added.Items[0].Name != "Plain Mug" || fmt.Sprint(added.Notices) != "map[success:[“Plain Mug” has been added to your cart.]]" {
		t.Fatalf("after adding: %+v", added)
	}
	rows := map[string]request{
		"by query":             get(cartPath + "?cart_key=" + added.Key),
		"by header":            get(cartPath, [2]string{"CoCart-API-Cart-Key", added.Key}),
		"without REST address": get("/?rest_route=/cocart/v2/cart&cart_key=" + added.Key),
	}
	for name, r := range rows {
		if found := read[cart](t, r.send(t)); found.Key != added.Key || found.Count != 3 {
			t.Errorf("%s: cart %s with %d items, want %s with 3", name, found.Key, found.Count, added.Key)
		}
	}
	if other := read[cart](t, get(cartPath).send(t)); other.Key == added.Key || other.Count != 0 {
		t.Errorf("another guest sees %+v", other)
	}
}

func TestACustomersCartIsKept(t *testing.T) {
	freshShop(t)
	read[cart](t, post(addPath, `{"id":"12"}`, asAlice).send(t))
	read[cart](t, post(addPath, `{"id":"14","quantity":"2"}`, asAlice).send(t))
	if found := read[cart](t, get(cartPath, asAlice).send(t)); found.Key != "2" || found.Count != 3 {
		t.Errorf("alice's cart: %+v", found)
	}
	old := get("/wp-json/cocart/v1/get-cart", asAlice).send(t)
	if want := `{"c20ad4d76fe97759aa27a0c99bff6710":{"key":"c20ad4d76fe97759aa27a0c99bff6710","product_id":12,`; !strings.HasPrefix(old.Body, want) {
		t.Errorf("version 1 answers %.200s", old.Body)
	}
}

func TestAnUnknownProductIsRefused(t *testing.T) {
	freshShop(t)
	rows := map[string]string{`{"id":"99"}`: "404 cocart_invalid_product_id", `{"id":"12","quantity":"0"}`: "400 cocart_quantity_invalid_amount"}
	for body, want := range rows {
		if got := post(addPath, body).send(t).refusal(); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// A login must not touch the guest's cart; the customer's next request with its key moves it.
func TestAGuestsCartMovesToTheCustomer(t *testing.T) {
	freshShop(t)
	key := read[cart](t, post(addPath, `{"id":"12","quantity":"3"}`).send(t)).Key
	read[map[string]any](t, post("/wp-json/cocart/v2/login?cart_key="+key, "", asAlice).send(t))
	if guest := read[cart](t, get(cartPath+"?cart_key="+key).send(t)); guest.Count != 3 {
		t.Fatalf("after the login the guest's cart has %d items, want 3", guest.Count)
	}
	if moved := read[cart](t, get(cartPath+"?cart_key="+key, asAlice).send(t)); moved.Key != "2" || moved.Count != 3 {
		t.Errorf("alice's cart: %+v", moved)
	}
	if guest := read[cart](t, get(cartPath+"?cart_key="+key).send(t)); guest.Count != 0 {
		t.Errorf("the guest's cart still has %d items", guest.Count)
	}
}

// Recorded with CoCart 4.7.0: a key that was used before empties the customer's cart.
func TestAGuestsCartReplacesTheCustomersIn47(t *testing.T) {
	for version, want := range map[string][2]int{"4.6.1": {4, 4}, "4.7": {3, 0}} {
		imitating(t, version)
		key := read[cart](t, post(addPath, `{"id":"12","quantity":"3"}`).send(t)).Key
		read[cart](t, post(addPath, `{"id":"14"}`, asAlice).send(t))
		for i, times := range []string{"once", "twice"} {
			if moved := read[cart](t, get(cartPath+"?cart_key="+key, asAlice).send(t)); moved.Count != want[i] {
				t.Errorf("%s, the key sent %s: alice has %d items, want %d", version, times, moved.Count, want[i])
			}
		}
	}
}

func TestACustomerReadsAnothersCartUntil495(t *testing.T) {
	for version, want := range map[string]int{"4.7": 3, "4.9.4": 3, "4.9.5": 0, "4.9.7": 0} {
		imitating(t, version)
		read[cart](t, post(addPath, `{"id":"12","quantity":"3"}`, asAlice).send(t))
		if bobs := read[cart](t, get(cartPath+"?cart_key=2", asBob).send(t)); bobs.Key != "3" || bobs.Count != want {
			t.Errorf("%s: bob sees %d items, want %d", version, bobs.Count, want)
		}
		if alices := read[cart](t, get(cartPath, asAlice).send(t)); alices.Count != 3 {
			t.Errorf("%s: alice has %d items left, want 3", version, alices.Count)
		}
	}
}

func TestTheAdministratorListsSessions(t *testing.T) {
	s := freshShop(t)
	password, err := s.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	read[cart](t, post(addPath, `{"id":"12"}`, asAlice).send(t))
	type session struct {
		Key  string `json:"cart_key"`
		Name string `json:"customers_name"`
	}
	got := read[[]session](t, get("/wp-json/cocart/v2/sessions", basic("admin", password)).send(t))
	if want := []session{{"2", "Alice Liddell"}}; !slices.Equal(got, want) {
		t.Errorf("sessions %v, want %v", got, want)
	}
}

func TestTheIndexHidesCoCart(t *testing.T) {
	index := read[struct {
		Namespaces map[string]string
		Routes     map[string]json.RawMessage
	}](t, get("/wp-json/").send(t))
	for _, name := range index.Namespaces {
		if strings.HasPrefix(name, "cocart") {
			t.Errorf("the index shows the namespace %s", name)
		}
	}
	if index.Routes["/cocart/v2/cart"] != nil || index.Routes["/wp/v2/posts"] == nil {
		t.Error("the index shall show WordPress's routes and not CoCart's")
	}
}

func TestABatchReachesTheCartFrom49(t *testing.T) {
	batch := post("/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/cocart/v2/cart/add-item","body":{"id":"12"}}]}`)
	for version, want := range map[string]int{"4.7": http.StatusInternalServerError, "4.9": http.StatusOK} {
		imitating(t, version)
		a := batch.send(t)
		var answers struct{ Responses []struct{ Status int } }
		if err := json.Unmarshal([]byte(a.Body), &answers); err != nil || a.Status != http.StatusMultiStatus {
			t.Fatalf("%s: %d %s", version, a.Status, a.Body)
		}
		if got := answers.Responses[0].Status; got != want {
			t.Errorf("%s: the item is answered with %d, want %d", version, got, want)
		}
	}
}
