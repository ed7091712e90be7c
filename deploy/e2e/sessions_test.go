package e2e

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// example returns the PHP file below a heading of HOOKS.md.
func example(t *testing.T, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../wordpress/HOOKS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "### "+heading+"\n")
	_, rest, began := strings.Cut(rest, "```php\n")
	code, _, ended := strings.Cut(rest, "```\n")
	if !found || !began || !ended {
		t.Fatalf("HOOKS.md has no example %q", heading)
	}
	return code
}

// provider is an OpenID provider with one key. It counts what it is asked.
type provider struct {
	*httptest.Server
	t     *testing.T
	key   *rsa.PrivateKey
	kid   string
	asked atomic.Int32
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, kid: "of the provider"}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		answer := map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys"}
		if r.URL.Path == "/keys" {
			answer = map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": p.kid, "alg": "RS256", "use": "sig",
				"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// token signs an ID token for alice, with other claims and another header in place of the usual ones.
func (p *provider) token(claims, header map[string]any) string {
	p.t.Helper()
	now := time.Now().Unix()
	all := map[string]any{"iss": p.URL, "aud": "the app", "sub": "alice at the provider", "exp": now + 600, "iat": now,
		"email": "alice@example.com", "email_verified": true, "jti": rand.Text()}
	head := map[string]any{"alg": "RS256", "typ": "JWT", "kid": p.kid}
	for name, value := range claims {
		all[name] = value
	}
	for name, value := range header {
		head[name] = value
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			p.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(head) + "." + part(all)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAnIDTokenOfAnOpenIDProviderBeginsASession(t *testing.T) {
	afterwards(t)
	p := startProvider(t)
	mustUse(t, "shop-openid.php", strings.Replace(example(t, "An ID token of an OpenID provider"), "<?php\n",
		fmt.Sprintf(`<?php
define('SHOP_OPENID_ISSUER', '%s'); define('SHOP_OPENID_CLIENT', 'the app'); define('WP_ACCESSIBLE_HOSTS', '127.0.0.1');
add_action('http_api_debug', function ($answer) { is_wp_error($answer) && update_option('http_failed', $answer->get_error_message()); });
`, p.URL), 1))
	g := startGateway(t, "embedded", "")
	signIn := func(token string) reply { return g.post("/wp-json/shop/v1/openid", `{"id_token":"`+token+`"}`) }
	token := p.token(nil, nil)
	r := signIn(token)
	if r.Status != 200 {
		t.Logf("the provider was asked %d times; what failed in WordPress: %q", p.asked.Load(), php(t, `echo get_option('http_failed', 'nothing');`))
	}
	access, refresh := g.tokens(r)
	if got := g.send("GET", whoami, "", "Authorization: Bearer "+access); got.Status != 200 || !strings.Contains(got.Body, "alice") {
		t.Errorf("the session: %d %s", got.Status, got.Body)
	}
	g.pair(g.refresh(refresh))
	if !regexp.MustCompile(`"origin":"mu-plugins/shop-openid.php:\d+"`).MatchString(g.logged()) {
		t.Errorf("the log does not say who began it: %s", g.logged())
	}
	g.tokens(signIn(p.token(map[string]any{"email": "other@example.org"}, nil))) // by its sub now
	g.tokens(signIn(p.token(map[string]any{"sub": "new", "email": "new@example.org"}, nil)))
	stranger := startProvider(t)
	for name, bad := range map[string]string{
		"the same once more": token, "no token": "a.b.c", "nothing": "",
		"signed by another provider": stranger.token(map[string]any{"iss": p.URL}, nil),
		"of another issuer":          p.token(map[string]any{"iss": "https://other.example"}, nil),
		"for another app":            p.token(map[string]any{"aud": "another app"}, nil),
		"expired":                    p.token(map[string]any{"exp": time.Now().Unix() - 1}, nil),
		"without a signature":        strings.Join(append(strings.Split(p.token(nil, map[string]any{"alg": "none"}), ".")[:2], ""), "."),
		"of another algorithm":       p.token(nil, map[string]any{"alg": "HS256"}),
		"of an unknown key":          p.token(nil, map[string]any{"kid": "other"}),
		"of an unverified address":   p.token(map[string]any{"sub": "x", "email_verified": false}, nil),
	} {
		if r := signIn(bad); r.Status != 401 || strings.Contains(r.Body, "jwt_") {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	asked := p.asked.Load()
	p.kid = "of today"
	if r := signIn(p.token(nil, nil)); r.Status != 401 || p.asked.Load() != asked {
		t.Errorf("a new key within a minute: %d, and the provider was asked %d times more", r.Status, p.asked.Load()-asked)
	}
	php(t, `$name = 'shop_openid_keys_' . md5('`+p.URL+`'); $kept = get_transient($name); $kept['asked'] -= 60; set_transient($name, $kept);`)
	g.tokens(signIn(p.token(nil, nil)))
}

func TestAMailedCodeBeginsASession(t *testing.T) {
	afterwards(t)
	mustUse(t, "shop-code.php", example(t, "A mailed one-time code"))
	mustUse(t, "mail.php", `<?php function wp_mail($to, $subject, $message) { update_option('mailed', "$to $message"); return true; }`)
	g := startGateway(t, "embedded", "")
	mailed := func() string {
		g.post("/wp-json/shop/v1/code", `{"email":"alice@example.com"}`)
		return regexp.MustCompile(`\d{8}`).FindString(php(t, `echo get_option('mailed');`))
	}
	try := func(email, code string) reply {
		return g.post("/wp-json/shop/v1/code/login", `{"email":"`+email+`","code":"`+code+`"}`)
	}
	code := mailed()
	for _, r := range []reply{try("alice@example.com", "wrong"), try("bob@example.com", code), try("unknown@example.com", code)} {
		if r.Status != 401 || strings.Contains(r.Body, "jwt_") {
			t.Errorf("a wrong code: %d %s", r.Status, r.Body)
		}
	}
	access, _ := g.tokens(try("alice@example.com", code))
	if r := g.cart(access); r.Status != 200 {
		t.Errorf("the session: %d %s", r.Status, r.Body)
	}
	if r := try("alice@example.com", code); r.Status != 401 {
		t.Errorf("the code again: %d", r.Status)
	}
	code = mailed()
	for range 5 {
		try("alice@example.com", "wrong")
	}
	if r := try("alice@example.com", code); r.Status != 401 {
		t.Errorf("after five wrong codes: %d", r.Status)
	}
	if known, unknown := g.post("/wp-json/shop/v1/code", `{"email":"bob@example.com"}`).Body, g.post("/wp-json/shop/v1/code", `{"email":"unknown@example.com"}`).Body; known != unknown {
		t.Errorf("the answers tell who is a customer: %s, %s", known, unknown)
	}
	if r := g.post("/wp-json/cocart/v2/login", aliceLogin); r.Status != 200 {
		t.Errorf("wrong codes counted as wrong passwords: %d %s", r.Status, r.Body)
	}
}

// registration is what WooCommerce's function does with an address that is free, and with one that is not.
const registration = `<?php function wc_create_new_customer($email, $name = '', $password = '') {
	if (email_exists($email)) { return new WP_Error('registration-error-email-exists', 'An account is already registered.'); }
	return wp_insert_user(array('user_login' => $email, 'user_email' => $email, 'user_pass' => $password, 'role' => 'subscriber'));
}`

func TestARegistrationBeginsASession(t *testing.T) {
	afterwards(t)
	mustUse(t, "shop-register.php", example(t, "Registration"))
	mustUse(t, "woocommerce.php", registration)
	g := startGateway(t, "embedded", "")
	const newcomer = `{"email":"dora@example.com","password":"a long password"}`
	r := g.post("/wp-json/shop/v1/register", newcomer)
	access, _ := g.tokens(r)
	if got := g.send("GET", whoami, "", "Authorization: Bearer "+access); r.Status != 201 || !strings.Contains(got.Body, "dora@example.com") {
		t.Errorf("registered: %d %s, then %s", r.Status, r.Body, got.Body)
	}
	g.login("dora@example.com", "a long password")
	if r := g.post("/wp-json/shop/v1/register", newcomer); r.Status != 400 || strings.Contains(r.Body, "jwt_") {
		t.Errorf("registered twice: %d %s", r.Status, r.Body)
	}
}

// asking is a plugin that begins a session in each way that a test asks for.
const asking = `<?php
	add_action('rest_api_init', function () {
		foreach (array('shop/v1', 'cocart/v2') as $namespace) {
			register_rest_route($namespace, '/begin', array('methods' => 'GET,POST', 'permission_callback' => '__return_true', 'callback' => function ($request) {
				$first = isset($request['first']) ? CoCartGateway\begin_session((int) $request['first']) : null;
				isset($request['new_password']) && wp_set_password('hunter-22', 2);
				$begun = CoCartGateway\begin_session((int) ($request['user'] ?? 2));
				isset($request['gone']) && wp_delete_user(2);
				isset($request['end']) && CoCartGateway\end_sessions(2);
				return is_wp_error($begun) ? $begun : array('first' => is_wp_error($first) ? $first->get_error_message() : $first);
			}));
		}
	});
	add_action('init', function () {
		if (isset($_GET['page'])) { wp_send_json(array('begun' => CoCartGateway\begin_session(2))); }
	});
	require_once ABSPATH . 'wp-admin/includes/user.php';
	add_filter('cocart_gateway_allow_customer', function ($allowed, $user, $context) {
		return $allowed && !('session' === $context['kind'] && 3 === $user->ID && 0 === strpos($context['origin'], 'mu-plugins/asking.php:'));
	}, 10, 3);`

func TestWhereASessionBeginsAndWhereNot(t *testing.T) {
	afterwards(t)
	mustUse(t, "asking.php", asking)
	g := startGateway(t, "embedded", "")
	for _, target := range []string{"/wp-json/shop/v1/begin", "/?rest_route=/shop/v1/begin", "/wp-json/cocart/v2/begin", "/wp-json/shop/v1/begin?first=2", "/wp-json/shop/v1/begin?new_password=1", "/wp-json/shop/v1/begin?end=1"} {
		access, _ := g.tokens(g.post(target, `{}`))
		if r := g.cart(access); r.Status != 200 {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
	}
	for target, want := range map[string]string{
		"/wp-json/shop/v1/begin?user=99":        "there is no such user on this site",
		"/wp-json/shop/v1/begin?user=3":         "this account cannot be used here",
		"/wp-json/shop/v1/begin?_envelope=1":    "an answer in _envelope or _jsonp cannot carry the tokens",
		"/?page=1":                              "this is not the callback of a REST route",
		"/wp-json/shop/v1/begin?first=1&user=2": "a session of another user begins with this answer",
	} {
		if r := g.post(target, `{}`); strings.Contains(r.Body, "jwt_") || !strings.Contains(r.Body, want) {
			t.Errorf("%s: %d %s", target, r.Status, r.Body)
		}
	}
	if r := send(t, theShop.URL, "POST", "/wp-json/shop/v1/begin", `{}`); !strings.Contains(r.Body, "the request did not come through cocart-gateway") {
		t.Errorf("past the gateway: %d %s", r.Status, r.Body)
	}
	if r := g.post("/wp-json/shop/v1/begin?gone=1", `{}`); r.Status != 200 || strings.Contains(r.Body, "jwt_") {
		t.Errorf("a user who was deleted: %d %s", r.Status, r.Body)
	}
}

// passwords changes alice's account in each way that WordPress has.
const passwords = `<?php
	add_action('rest_api_init', function () {
		register_rest_route('cocart/v2', '/change', array('methods' => 'POST', 'permission_callback' => 'is_user_logged_in', 'callback' => function ($request) {
			$id = get_current_user_id();
			$ways = array(
				'set'     => function () use ($id) { wp_set_password('hunter-21', $id); },
				'update'  => function () use ($id) { wp_update_user(array('ID' => $id, 'user_pass' => 'hunter-22')); },
				'reset'   => function () use ($id) { reset_password(get_userdata($id), 'hunter-23'); },
				'email'   => function () use ($id) { wp_update_user(array('ID' => $id, 'user_email' => 'alice@example.org')); },
				'rest'    => function () use ($id) { $r = new WP_REST_Request('POST', '/wp/v2/users/me'); $r->set_param('password', 'hunter-24'); rest_do_request($r); },
				'ended'   => function () use ($id) { wp_set_password('hunter-25', $id); CoCartGateway\end_sessions($id); },
				'other'   => function () use ($id) { wp_set_password('hunter-26', 3); },
			);
			$ways[$request['way']]();
			return array('changed' => true);
		}));
	});`

func TestTheSessionThatChangesThePasswordGoesOnInWordPress(t *testing.T) {
	mustUse(t, "passwords.php", passwords)
	afterwards(t)
	g := startGateway(t, "embedded", "")
	for way, goesOn := range map[string]bool{"set": true, "update": true, "reset": true, "email": true, "rest": true, "ended": false} {
		t.Run(way, func(t *testing.T) {
			afterwards(t)
			phone, phoneRefresh := g.login("alice", "wonderland-1")
			tablet, tabletRefresh := g.login("alice", "wonderland-1")
			r := g.post("/wp-json/cocart/v2/change", `{"way":"`+way+`"}`, "Authorization: Bearer "+phone)
			if r.Status != 200 || strings.Contains(r.Body, "jwt_token") != goesOn {
				t.Fatalf("got %d %s", r.Status, r.Body)
			}
			if got := fmt.Sprint(g.cart(phone).Status, g.cart(tablet).Status, g.refresh(tabletRefresh).Status); got != "401 401 401" {
				t.Errorf("the old access token, the other device, its refresh: %s", got)
			}
			if !goesOn {
				if got := g.refresh(phoneRefresh).Status; got != 401 {
					t.Errorf("a refresh: %d", got)
				}
				return
			}
			access, refresh := g.tokens(r)
			next, _ := g.pair(g.refresh(refresh))
			if got := fmt.Sprint(g.cart(access).Status, g.cart(next).Status); got != "200 200" {
				t.Errorf("the new access token, and after a refresh: %s", got)
			}
		})
	}
	phone, _ := g.login("alice", "wonderland-1")
	if r := g.post("/wp-json/cocart/v2/change", `{"way":"other"}`, "Authorization: Bearer "+phone); strings.Contains(r.Body, "jwt_token") || g.cart(phone).Status != 200 {
		t.Errorf("another customer's password: %d %s", r.Status, r.Body)
	}
}
