package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// Alice is logged in on two devices when something happens to her account, past
// the gateway. The next use of either is refused, and she can log in at once.
func TestWhatHappensToAnAccountEndsItsSessions(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.Constants = map[string]any{"COCART_GATEWAY_END_ON_ROLE_CHANGE": true} })
	g := startGateway(t, "embedded", "")
	for name, event := range map[string]string{
		"e-mail":              `wp_update_user(array('ID' => 2, 'user_email' => 'alice@example.org'));`,
		"e-mail, and back":    `foreach (array('alice@example.org', 'alice@example.com') as $to) { wp_update_user(array('ID' => 2, 'user_email' => $to)); }`,
		"role, and back":      `$was = get_userdata(2)->roles[0]; (new WP_User(2))->set_role('subscriber'); (new WP_User(2))->set_role($was);`,
		"role":                `(new WP_User(2))->set_role('subscriber');`,
		"role, by SQL":        `global $wpdb; $wpdb->update($wpdb->usermeta, array('meta_value' => serialize(array('author' => true))), array('user_id' => 2, 'meta_key' => 'wp_capabilities')); wp_cache_flush();`,
		"logout of a browser": `wp_set_current_user(2); wp_logout();`,
		"logout everywhere":   `WP_Session_Tokens::get_instance(2)->destroy_all();`,
		"shop code":           `CoCartGateway\end_sessions(2);`,
	} {
		t.Run(name, func(t *testing.T) {
			afterwards(t)
			phone, phoneRefresh := g.login("alice", "wonderland-1")
			tablet, _ := g.login("alice", "wonderland-1")
			if r := g.cart(phone); r.Status != 200 {
				t.Fatalf("before: %d %s", r.Status, r.Body)
			}
			php(t, event)
			if got := fmt.Sprint(g.cart(phone).Status, g.cart(tablet).Status, g.refresh(phoneRefresh).Status); got != "401 401 401" {
				t.Errorf("afterwards: %s", got)
			}
			fresh, _ := g.login("alice", "wonderland-1")
			if r := g.cart(fresh); r.Status != 200 {
				t.Errorf("a fresh login: %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestWhatDoesNotConcernSessionsEndsNone(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.Constants = map[string]any{"COCART_GATEWAY_END_ON_LOGOUT": false} })
	afterwards(t)
	g := startGateway(t, "embedded", "")
	phone, _ := g.login("alice", "wonderland-1")
	for name, event := range map[string]string{
		"name":                           `wp_update_user(array('ID' => 2, 'first_name' => 'Al'));`,
		"role, where it does not count":  `(new WP_User(2))->set_role('subscriber');`,
		"logout, where it ends nothing":  `wp_set_current_user(2); wp_logout();`,
		"somebody else's password":       `wp_set_password('other-1', 3);`,
		"a wrong password":               `wp_check_password('wrong', get_userdata(2)->user_pass, 2);`,
		"a right password, nothing else": `wp_check_password('wonderland-1', get_userdata(2)->user_pass, 2);`,
	} {
		php(t, event)
		if r := g.cart(phone); r.Status != 200 {
			t.Fatalf("%s: %d %s", name, r.Status, r.Body)
		}
	}
}

// What passes the gateway is known there with the answer: validating a token asks
// nobody.
func TestAnEndThatPassesTheGatewayIsImmediate(t *testing.T) {
	reconfigure(t, func(c *shop.Config) { c.Constants = map[string]any{"COCART_GATEWAY_END_ON_ROLE_CHANGE": true} })
	mustUse(t, "neighbour.php", `<?php
		add_action('init', function () {
			$events = array(
				'logout' => function () { wp_set_current_user(2); wp_logout(); },
				'password' => function () { wp_set_password('wonderland-1', get_user_by('login', 'alice')->ID); },
				'profile' => function () { wp_update_user(array('ID' => 2, 'user_pass' => 'wonderland-1')); },
				'role' => function () { (new WP_User(2))->add_role('author'); },
				'everywhere' => function () { WP_Session_Tokens::get_instance(2)->destroy_all(); },
			);
			if (isset($_GET['event'])) { $events[$_GET['event']](); wp_redirect('/'); exit; }
		});`)
	afterwards(t)
	g := startGateway(t, "embedded", "")
	for _, event := range []string{"logout", "password", "profile", "role", "everywhere"} {
		access, _ := g.login("alice", "wonderland-1")
		if r := g.send("GET", "/?event="+event, ""); r.Status != 302 {
			t.Fatalf("%s: %d %s", event, r.Status, r.Body)
		}
		if r := g.post("/wp-json/cocart/jwt/validate-token", "", "Authorization: Bearer "+access); r.Status != 401 {
			t.Errorf("%s: %d %s", event, r.Status, r.Body)
		}
	}
}

func TestALogoutByTokenEndsOneSession(t *testing.T) {
	g := startGateway(t, "embedded", "")
	phone, _ := g.login("alice", "wonderland-1")
	tablet, _ := g.login("alice", "wonderland-1")
	if r := g.post("/wp-json/cocart/v2/logout", "", "Authorization: Bearer "+phone); r.Status != 200 {
		t.Fatalf("logout: %d %s", r.Status, r.Body)
	}
	if got := fmt.Sprint(g.cart(phone).Status, g.cart(tablet).Status); got != "401 200" {
		t.Errorf("the phone, the tablet: %s", got)
	}
}

// This WordPress renews MD5 while it checks a password.
func TestARenewedMD5EndsNothing(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	php(t, `global $wpdb; $wpdb->update($wpdb->users, array('user_pass' => md5('wonderland-1')), array('ID' => 2)); clean_user_cache(2);`)
	before := php(t, `echo CoCartGateway\fingerprint(get_userdata(2));`)
	access, _ := g.login("alice", "wonderland-1")
	if got := php(t, `echo substr(get_userdata(2)->user_pass, 0, 3), CoCartGateway\fingerprint(get_userdata(2));`); got != "$P$"+before {
		t.Errorf("hash and fingerprint %s, want $P$%s", got, before)
	}
	if got := fingerprintIn(t, access); got != before {
		t.Errorf("the token has %s, want %s", got, before)
	}
	php(t, `wp_set_password('other-1', 2);`)
	if r := g.cart(access); r.Status != 401 {
		t.Errorf("a new password: %d", r.Status)
	}
}

// newerWordPress hashes and renews as WordPress does since 6.8.
const newerWordPress = `<?php
	function wp_hash_password($password) { return password_hash($password, PASSWORD_BCRYPT, array('cost' => 4)); }
	function wp_check_password($password, $hash, $user_id = '') {
		require_once ABSPATH . WPINC . '/class-phpass.php';
		$fits = 0 === strpos($hash, '$P$') ? (new PasswordHash(8, true))->CheckPassword($password, $hash) : password_verify($password, $hash);
		return apply_filters('check_password', $fits, $password, $hash, $user_id);
	}
	function wp_set_password($password, $user_id) {
		global $wpdb;
		$before = get_userdata($user_id);
		$wpdb->update($wpdb->users, array('user_pass' => wp_hash_password($password)), array('ID' => $user_id));
		clean_user_cache($user_id);
		do_action('wp_set_password', $password, $user_id, $before);
	}
	add_filter('authenticate', function ($user, $name, $password) {
		if ($user instanceof WP_User && 0 === strpos($user->user_pass, '$P$')) { wp_set_password($password, $user->ID); }
		return $user;
	}, 20, 3);`

func TestAHashRenewedAtALoginEndsNothing(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	access, _ := g.login("alice", "wonderland-1")
	mustUse(t, "newer-wordpress.php", newerWordPress)
	form := url.Values{"log": {"alice"}, "pwd": {"wonderland-1"}, "testcookie": {"1"}}.Encode()
	r := g.send("POST", "/wp-login.php", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
	if hash := php(t, `echo get_userdata(2)->user_pass;`); r.Status != 302 || !strings.HasPrefix(hash, "$2y$04$") {
		t.Fatalf("login in a browser: %d, hash %.7s", r.Status, hash)
	}
	if r := g.cart(access); r.Status != 200 {
		t.Errorf("after the renewal: %d %s", r.Status, r.Body)
	}
	php(t, `wp_set_password('wonderland-1', 2);`)
	if r := g.cart(access); r.Status != 401 {
		t.Errorf("the same password, set anew: %d", r.Status)
	}
}

func fingerprintIn(t *testing.T, access string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ FP string }
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.FP
}
