package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

const whoami = "/wp-json/cocart/v2/test/whoami"

// facts are what a request looks like inside WordPress.
type facts struct {
	UserID     int    `json:"user_id"`
	EarlyUser  *int   `json:"user_at_rest_api_init"`
	RemoteAddr string `json:"remote_addr"`
	TLS        bool   `json:"is_ssl"`
	URI        string `json:"request_uri"`
	Server     map[string]string
	Cookies    []string
}

func factsOf(t *testing.T, r reply) facts {
	t.Helper()
	var f facts
	if err := json.Unmarshal([]byte(r.Body), &f); err != nil || r.Status != 200 {
		t.Fatalf("%d %s", r.Status, r.Body)
	}
	return f
}

func TestWordPressKnowsTheCustomerFromItsFirstHook(t *testing.T) {
	for _, version := range []string{"4.7", "4.9"} {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) { c.CoCart = version })
			g := startGateway(t, "embedded", "")
			access, _ := g.login("alice", "wonderland-1")
			cookie := "Cookie: " + php(t, bobsCookie)
			for name, headers := range map[string][]string{
				"alone": nil, "with the cookie of another user": {cookie}, "with a nonce as well": {cookie, "X-WP-Nonce: 0123456789"},
			} {
				f := factsOf(t, g.send("GET", whoami, "", append(headers, "Authorization: Bearer "+access)...))
				if f.UserID != 2 || f.EarlyUser == nil || *f.EarlyUser != 2 || f.RemoteAddr != "203.0.113.7" || !f.TLS {
					t.Errorf("%s: %+v", name, f)
				}
				for key, value := range f.Server {
					if strings.Contains(value, access) || strings.Contains(key, "GATEWAY") {
						t.Errorf("%s is left in $_SERVER", key)
					}
				}
			}
			if f := factsOf(t, g.send("GET", whoami, "", cookie)); f.UserID != 0 {
				t.Errorf("a leftover cookie logged a guest in: %+v", f)
			}
		})
	}
}

func TestOtherAuthenticationPluginsDoNotInterfere(t *testing.T) {
	mustUse(t, "other-jwt.php", `<?php
		add_filter('determine_current_user', function () { return 1; }, 20);
		add_filter('determine_current_user', function () { return 1; }, 9999);
		add_filter('rest_authentication_errors', function ($r) { return new WP_Error('other_plugin', 'No.', array('status' => 403)); }, 98);
		add_action('plugins_loaded', function () { wp_get_current_user(); }, 0);`)
	g := startGateway(t, "embedded", "")
	r := g.post("/wp-json/cocart/v2/login", aliceLogin)
	if r.Status == 200 && !strings.Contains(r.Body, `"user_id":"2"`) {
		t.Fatalf("logged in as somebody else: %s", r.Body)
	}
	if f := g.send("GET", whoami, ""); strings.Contains(f.Body, `"user_id":1`) {
		t.Errorf("a guest became the administrator: %s", f.Body)
	}
}

func TestForgedAssertionsGainNothing(t *testing.T) {
	g := startGateway(t, "embedded", "")
	for _, header := range []string{"X-CoCart-Gateway", "X_CoCart_Gateway", "x-cocart_gateway", "X.CoCart.Gateway"} {
		if f := factsOf(t, g.send("GET", whoami, "", header+": "+aliceAssertion)); f.UserID != 0 {
			t.Errorf("through the gateway with %s: %+v", header, f)
		}
		r := send(t, theShop.URL, "GET", whoami, "", header+": "+aliceAssertion)
		if r.Status != 403 || (codeOf(r.Body) != "cocart_gateway_bad_assertion" && codeOf(r.Body) != "cocart_gateway_required") {
			t.Errorf("past the gateway with %s: %d %s", header, r.Status, r.Body)
		}
	}
}

// aliceAssertion claims to be alice, with a signature that nobody made.
const aliceAssertion = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAwMDAwMDAwIiwidHlwIjoiY29jYXJ0LWFzc2VydGlvbitqd3QifQ.eyJpc3MiOiJjb2NhcnQtZ2F0ZXdheSIsImtpbmQiOiJjdXN0b21lciIsInN1YiI6IjIifQ.AAAA"

func TestATokenForCoCartIsNoneForTheRestOfWordPress(t *testing.T) {
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	const form = "Content-Type: application/x-www-form-urlencoded"
	for name, r := range map[string]reply{
		"another route":      g.send("GET", "/wp-json/demo/v1/whoami", "", "Authorization: Bearer "+access),
		"in the query":       g.send("GET", "/wp-json/demo/v1/whoami?x=wp-json/cocart/", "", "Authorization: Bearer "+access),
		"rest_route":         g.send("GET", "/wp-json/cocart/v2/cart?rest_route=/demo/v1/whoami", "", "Authorization: Bearer "+access),
		"PHP's rest.route":   g.send("GET", "/wp-json/cocart/v2/cart?rest.route=/demo/v1/whoami", "", "Authorization: Bearer "+access),
		"rest_route in body": g.send("POST", "/wp-json/cocart/v2/cart", "rest_route=/demo/v1/whoami", form, "X-HTTP-Method-Override: GET", "Authorization: Bearer "+access),
		"a page":             g.send("GET", "/?demo_whoami=1&x=/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access),
		"admin-ajax":         g.send("GET", "/wp-admin/admin-ajax.php?action=x&rest_route=/cocart/v2/cart", "", "Authorization: Bearer "+access),
	} {
		if strings.Contains(r.Body, `"user_id":2`) || strings.Contains(r.Body, `"login":"alice"`) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

func TestCredentialsOnOtherRoutesAreCoCartsToJudge(t *testing.T) {
	g := startGateway(t, "embedded", "")
	if f := factsOf(t, g.send("GET", whoami, "", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x")); f.UserID != 2 {
		t.Errorf("Basic: %+v", f)
	}
	if f := factsOf(t, g.send("GET", whoami+"?username=alice&password=wonderland-1", "")); f.UserID != 2 {
		t.Errorf("query: %+v", f)
	}
	if r := g.send("GET", whoami, "", "Authorization: Basic YWxpY2U6d3Jvbmc="); r.Status != 401 {
		t.Errorf("wrong: %d %s", r.Status, r.Body)
	}
}

func TestGuestCartsWork(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	r := g.post("/wp-json/cocart/v2/cart/add-item", `{"id":"`+firstProduct(t, g)+`","quantity":"1"}`)
	key := r.Header.Get("CoCart-API-Cart-Key")
	if r.Status != 200 || !strings.HasPrefix(key, "t_") {
		t.Fatalf("add-item: %d %s %v", r.Status, r.Body, r.Header)
	}
	for name, r := range map[string]reply{
		"query":  g.send("GET", "/wp-json/cocart/v2/cart?cart_key="+key, ""),
		"header": g.send("GET", "/wp-json/cocart/v2/cart", "", "CoCart-API-Cart-Key: "+key),
	} {
		if r.Status != 200 || !strings.Contains(r.Body, `"item_count":1`) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	access, _ := g.login("alice", "wonderland-1")
	merged := g.send("GET", "/wp-json/cocart/v2/cart?cart_key="+key, "", "Authorization: Bearer "+access)
	if !strings.Contains(merged.Body, `"cart_key":"2"`) || !strings.Contains(merged.Body, `"item_count":1`) {
		t.Errorf("merged: %d %s", merged.Status, merged.Body)
	}
}

func TestANewPasswordEndsEverySession(t *testing.T) {
	g := startGateway(t, realRedis(t), "")
	for name, change := range map[string]string{
		"wp_set_password": `wp_set_password('looking-glass-2', 2);`,
		"profile":         `wp_update_user(array('ID' => 2, 'user_pass' => 'looking-glass-2'));`,
		"reset":           `reset_password(get_userdata(2), 'looking-glass-2');`,
		"SQL":             `global $wpdb; $wpdb->update($wpdb->users, array('user_pass' => wp_hash_password('looking-glass-2')), array('ID' => 2)); clean_user_cache(2);`,
	} {
		t.Run(name, func(t *testing.T) {
			afterwards(t)
			access, refresh := g.login("alice", "wonderland-1")
			idle, idleRefresh := g.login("alice", "wonderland-1")
			php(t, change)
			if r := g.cart(access); r.Status != 401 || codeOf(r.Body) != "cocart_authentication_error" || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("first use: %d %s %v", r.Status, r.Body, r.Header)
			}
			got := fmt.Sprint(g.cart(idle).Status, g.refresh(refresh).Status, g.refresh(idleRefresh).Status)
			if got != "401 401 401" {
				t.Errorf("the others: %s", got)
			}
			fresh, _ := g.login("alice", "looking-glass-2")
			if r := g.cart(fresh); r.Status != 200 {
				t.Errorf("fresh login: %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestADeletedCustomerIsGone(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, refresh := g.login("bob", "builder-2-Strong")
	php(t, `require_once ABSPATH . 'wp-admin/includes/user.php'; wp_delete_user(get_user_by('login', 'bob')->ID);`)
	if got := fmt.Sprint(g.cart(access).Status, g.refresh(refresh).Status); got != "401 401" {
		t.Errorf("afterwards: %s", got)
	}
}

const bobsCookie = `$id = get_user_by('login', 'bob')->ID; $e = time() + 3600;
	echo LOGGED_IN_COOKIE, '=', rawurlencode(wp_generate_auth_cookie($id, $e, 'logged_in')), '; ', SECURE_AUTH_COOKIE, '=', rawurlencode(wp_generate_auth_cookie($id, $e, 'secure_auth'));`

func reconfigure(t *testing.T, change func(*shop.Config)) {
	t.Helper()
	var before shop.Config
	if err := theShop.Configure(func(c *shop.Config) { before = *c; change(c) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theShop.Configure(func(c *shop.Config) { *c = before }); err != nil {
			t.Error(err)
		}
	})
}

func mustUse(t *testing.T, name, source string) {
	t.Helper()
	if err := theShop.MustUse(name, []byte(source)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := theShop.MustUse(name, nil); err != nil {
			t.Error(err)
		}
	})
}
