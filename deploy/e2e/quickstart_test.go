package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/shop"
	"cocart-gateway/tokens/tokenstest"
)

const aliceLogin = `{"username": "alice", "password": "wonderland-1"}`

// The README's quick start, as a client does it.
func TestLoginShopRefreshLogout(t *testing.T) {
	afterwards(t)
	g := startGateway(t, realRedis(t), "")

	r := g.post("/wp-json/cocart/v2/login", aliceLogin)
	access, refresh := g.tokens(r)
	bare := send(t, theShop.URL, "POST", "/wp-json/cocart/v2/login", aliceLogin)
	if bare.Status != http.StatusForbidden || !strings.Contains(bare.Body, "cocart_gateway_required") {
		t.Errorf("past the gateway: %d %s", bare.Status, bare.Body)
	}
	if got := keysOf(t, r.Body); got != "user_id first_name last_name display_name role avatar_urls email extras dev_note" {
		t.Errorf("login answers %s", got)
	}

	guest := g.send("GET", "/wp-json/cocart/v2/cart", "")
	if !regexp.MustCompile(`"cart_key":"t_[0-9a-f]{30}"`).MatchString(guest.Body) {
		t.Errorf("guest: %d %s", guest.Status, guest.Body)
	}
	r = g.cart(access)
	if r.Status != 200 || !strings.Contains(r.Body, `"cart_key":"2"`) || r.Header.Get("CoCart-API-Cart-Key") != "2" {
		t.Errorf("cart: %d %s %v", r.Status, r.Body, r.Header)
	}
	if !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
		t.Errorf("a customer's cart is cacheable: %v", r.Header)
	}
	if r = g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"`+firstProduct(t, g)+`","quantity":"2"}`, "Authorization: Bearer "+access); r.Status != 200 {
		t.Errorf("add-item: %d %s", r.Status, r.Body)
	}

	second, successor := g.pair(g.refresh(refresh))
	if r = g.cart(second); r.Status != 200 || !strings.Contains(r.Body, `"item_count":2`) {
		t.Errorf("cart after refresh: %d %s", r.Status, r.Body)
	}
	if r = g.post("/wp-json/cocart/jwt/validate-token", "", "Authorization: Bearer "+second); r.Status != 200 || r.Body != `{"message":"Token is valid.","data":{"status":200}}` {
		t.Errorf("validate: %d %s", r.Status, r.Body)
	}

	if r = g.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+second); r.Status != 200 || r.Body != "true" {
		t.Errorf("logout: %d %s", r.Status, r.Body)
	}
	if got := [3]int{g.cart(second).Status, g.refresh(successor).Status, g.cart(access).Status}; got != [3]int{401, 401, 401} {
		t.Errorf("after logout: %v", got)
	}
	if leaked := fmt.Sprint(r.Header, guest.Header); strings.Contains(strings.ToLower(leaked), "cocart-gateway") {
		t.Errorf("our headers reached the client: %s", leaked)
	}
}

func TestLoginTakesAnyPasswordInAnyForm(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	const symbols = `p<b>a%41 ss  ü"\` // of carol, whom CoCart alone lets in by Basic only
	for name, who := range map[string][2]string{
		"name": {"alice", "wonderland-1"}, "upper case": {"ALICE", "wonderland-1"}, "e-mail": {"alice@example.com", "wonderland-1"},
		"phone": {"+15550100", "wonderland-1"}, "blanks around": {" alice ", " wonderland-1 "}, "symbols": {"carol", symbols},
	} {
		asJSON, err := json.Marshal(map[string]string{"username": who[0], "password": who[1]})
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{"username": {who[0]}, "password": {who[1]}}.Encode()
		var multi strings.Builder
		w := multipart.NewWriter(&multi)
		_ = w.WriteField("username", who[0])
		_ = w.WriteField("password", who[1])
		_ = w.Close()
		for way, r := range map[string]func() reply{
			"JSON": func() reply { return g.post("/wp-json/cocart/v2/login", string(asJSON)) },
			"form": func() reply {
				return g.send("POST", "/wp-json/cocart/v2/login", form, "Content-Type: application/x-www-form-urlencoded")
			},
			"multi": func() reply {
				return g.send("POST", "/wp-json/cocart/v2/login", multi.String(), "Content-Type: "+w.FormDataContentType())
			},
			"query": func() reply { return g.send("POST", "/wp-json/cocart/v2/login?"+form, "") },
			"Basic": func() reply {
				return g.send("POST", "/wp-json/cocart/v2/login", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(who[0]+":"+who[1])))
			},
		} {
			if got := r(); got.Status != 200 || !strings.Contains(got.Body, "jwt_refresh") {
				t.Errorf("%s by %s: %d %s", name, way, got.Status, got.Body)
			}
		}
	}
}

func TestWrongCredentialsAreWordPresssAnswer(t *testing.T) {
	g := startGateway(t, "embedded", "")
	for body, want := range map[string]string{
		`{"username":"alice","password":"wrong"}`: "401 cocart_authentication_error",
		`{"username":"nobody","password":"x"}`:    "401 cocart_authentication_error",
		`{"username":"alice"}`:                    "401 cocart_rest_not_authorized",
		``:                                        "401 cocart_rest_not_authorized",
		`{"username":`:                            "400 rest_invalid_json",
	} {
		r := g.post("/wp-json/cocart/v2/login", body)
		if got := fmt.Sprint(r.Status, " ", codeOf(r.Body)); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	// Over plain HTTP CoCart takes no password, and the gateway does not pretend TLS.
	r := send(t, g.url, "POST", "/wp-json/cocart/v2/login", aliceLogin, "Content-Type: application/json")
	if got := fmt.Sprint(r.Status, " ", codeOf(r.Body)); got != "401 cocart_rest_not_authorized" {
		t.Errorf("over http: %s", got)
	}
}

func TestSecondFactorCannotBeSkipped(t *testing.T) {
	afterwards(t)
	reconfigure(t, func(c *shop.Config) { c.CoCart = "4.9" }) // 4.8 brought it
	g := startGateway(t, "embedded", "")
	access, _ := g.login("bob", "builder-2-Strong")
	php(t, secondFactorForAlice)
	for name, headers := range map[string][]string{
		"plain": nil, "a bearer that is garbage": {"Authorization: Bearer x"}, "one like a JWT": {"Authorization: Bearer a.b.c"}, "bob's": {"Authorization: Bearer " + access},
	} {
		r := g.post("/wp-json/cocart/v2/login?consumer_key=ck_1", aliceLogin, headers...)
		if r.Status != 401 || codeOf(r.Body) != "cocart_2fa_required" || !strings.Contains(r.Body, "available_providers") {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	g.tokens(g.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1","2fa_code":"123456","2fa_provider":"email"}`))
}

func TestFiftyParallelRefreshesConverge(t *testing.T) {
	g := startGateway(t, realRedis(t), "")
	_, refresh := g.login("alice", "wonderland-1")
	successors := make(chan string, 50)
	var tabs sync.WaitGroup
	for range 50 {
		tabs.Go(func() {
			_, next := g.pair(g.refresh(refresh))
			successors <- next
		})
	}
	tabs.Wait()
	close(successors)
	first := <-successors
	for next := range successors {
		if next != first {
			t.Fatal("two tabs got different successors")
		}
	}
	g.pair(g.refresh(first))
}

func TestSpentRefreshTokenEndsTheSession(t *testing.T) {
	g := startGateway(t, realRedis(t), "tokens: {"+signingKeys+", refresh_grace: 2s, reuse_by_same_client: end}\n")
	_, first := g.login("alice", "wonderland-1")
	_, second := g.pair(g.refresh(first))
	access, third := g.pair(g.refresh(second))
	awaitGrace(t)
	if r := g.refresh(first); r.Status != 401 || codeOf(r.Body) != "cocart_authentication_error" {
		t.Errorf("spent: %d %s", r.Status, r.Body)
	}
	if got := [2]int{g.refresh(third).Status, g.cart(access).Status}; got != [2]int{401, 401} {
		t.Errorf("the rest of the session: %v", got)
	}
}

func TestSessionsSurviveARestartOfTheGateway(t *testing.T) {
	redis := realRedis(t)
	g := startGateway(t, redis, "")
	access, refresh := g.login("alice", "wonderland-1")
	ended, _ := g.login("alice", "wonderland-1")
	g.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+ended)
	g.stop()
	g = startGateway(t, redis, "")
	if got := [2]int{g.cart(access).Status, g.cart(ended).Status}; got != [2]int{200, 401} {
		t.Errorf("after the restart: %v", got)
	}
	g.pair(g.refresh(refresh))
}

func TestAnotherReplicaHearsOfALogout(t *testing.T) {
	redis := realRedis(t)
	one, two := startGateway(t, redis, ""), startGateway(t, redis, "")
	access, _ := one.login("alice", "wonderland-1")
	if got := two.cart(access).Status; got != 200 {
		t.Fatalf("before: %d", got)
	}
	one.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+access)
	tokenstest.Eventually(t, "the other replica heard of it", func() bool { return two.cart(access).Status == 401 })
}

// awaitGrace lets the grace for parallel tabs pass; the process under test has
// no other clock than the machine's.
func awaitGrace(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(2100 * time.Millisecond):
	case <-t.Context().Done():
	}
}

const secondFactorForAlice = `update_user_meta(get_user_by('login', 'alice')->ID, '_cocart_standin_2fa', '123456');`

func codeOf(body string) string {
	var answer struct{ Code string }
	_ = json.Unmarshal([]byte(body), &answer) // "" then
	return answer.Code
}

func keysOf(t *testing.T, body string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(body))
	_, _ = dec.Token() // the brace; what is not an object fails below
	var keys []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprint(key))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(keys, " ")
}

func firstProduct(t *testing.T, g *gateway) string {
	t.Helper()
	r := g.send("GET", "/wp-json/cocart/v2/products", "")
	found := regexp.MustCompile(`"id":"?(\d+)`).FindStringSubmatch(r.Body)
	if found == nil {
		t.Fatalf("no product in %d %s", r.Status, r.Body)
	}
	return found[1]
}
