package e2e

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// CoCart 4.7 hands bob alice's cart for her number.
func TestNobodyGetsTheCartOfAnotherCustomer(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	alice, _ := g.login("alice", "wonderland-1")
	r := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"`+firstProduct(t, g)+`","quantity":"1"}`, "Authorization: Bearer "+alice)
	if r.Status != 200 || r.Header.Get("CoCart-API-Cart-Key") != "2" {
		t.Fatalf("add-item: %d %s", r.Status, r.Body)
	}
	bob, _ := g.login("bob", "builder-2-Strong")
	for name, headers := range map[string][]string{
		"?cart_key=2": {"Authorization: Bearer " + bob}, "?cart.key=2": {"Authorization: Bearer " + bob}, "?cart_key=%EF%BC%92": {"Authorization: Bearer " + bob},
		"?x=1": {"Authorization: Bearer " + bob, "CoCart-API-Cart-Key: 2"}, "?x=2": {"Authorization: Bearer " + bob, "Cart-Key: 2"}, "?cart_key=02": nil,
	} {
		if r := g.send("GET", "/wp-json/cocart/v2/cart"+name, "", headers...); r.Status != 403 || strings.Contains(r.Body, `"item_count":1`) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	if r := g.cart(bob); r.Status != 200 || strings.Contains(r.Body, `"item_count":1`) {
		t.Errorf("bob's own: %d %s", r.Status, r.Body)
	}
	if r := g.send("GET", "/wp-json/cocart/v2/cart?cart_key=2", "", "Authorization: Bearer "+alice); r.Status != 200 || !strings.Contains(r.Body, `"cart_key":"2"`) { // the plugin takes the number away, which CoCart would refuse
		t.Errorf("alice's own: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/cocart/v2/login?cart_key=2", aliceLogin, "Cart-Key: 2"); r.Status != 200 {
		t.Errorf("a login with an old cart key: %d %s", r.Status, r.Body)
	}
}

func TestABatchIsWhatIsInIt(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.CoCart = "4.9.7" })
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	const whoamis = `{"requests":[{"method":"POST","path":"/cocart/v2/test/whoami"},{"method":"POST","path":"/cocart/v2/test/whoami?x=1"}]}`
	r := g.post("/wp-json/batch/v1", whoamis, "Authorization: Bearer "+access)
	if r.Status != http.StatusMultiStatus || strings.Count(r.Body, `"user_id":2`) != 2 {
		t.Errorf("alice's: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/batch/v1", whoamis); r.Status != http.StatusMultiStatus || strings.Count(r.Body, `"user_id":0`) != 2 {
		t.Errorf("a guest's: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/batch/v1", whoamis, "Authorization: Bearer a.b.c"); r.Status != 401 {
		t.Errorf("with a bad token: %d %s", r.Status, r.Body)
	}
	const theirs = `{"requests":[{"method":"POST","path":"/demo/v1/whoami"}]}`
	if r := g.post("/wp-json/batch/v1", theirs, "Authorization: Bearer "+access); r.Status != http.StatusMultiStatus || !strings.Contains(r.Body, `"user_id":0`) {
		t.Errorf("of others: %d %s", r.Status, r.Body)
	}
	mixed := strings.Replace(whoamis, "/cocart/v2/test/whoami?x=1", "/demo/v1/whoami", 1)
	if r := g.post("/wp-json/batch/v1", mixed, "Authorization: Bearer "+access); r.Status != 400 || codeOf(r.Body) != "cocart_gateway_mixed_batch" {
		t.Errorf("mixed: %d %s", r.Status, r.Body)
	}
}

// What the gateway's look at a form does not reach, the plugin refuses.
func TestCoCartDispatchedForSomethingElseIsRefused(t *testing.T) {
	g := startGateway(t, "embedded", "")
	body := "a=" + strings.Repeat("x", 100<<10) + "&rest_route=/cocart/v2/test/whoami"
	r := g.send("POST", "/any-page/", body, "Content-Type: application/x-www-form-urlencoded")
	if r.Status != 403 || codeOf(r.Body) != "cocart_gateway_bad_assertion" {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}
