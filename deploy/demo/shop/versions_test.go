package shop_test

import (
	"fmt"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

const loginPath = "/wp-json/cocart/v2/login"

func TestCredentialsByVersion(t *testing.T) {
	json := post(loginPath, `{"username":"alice","password":"wonderland-1"}`)
	phone := post(loginPath, "", basic("+15550100", "wonderland-1"))
	wrong := post(loginPath, "", basic("alice", "nope"))
	symbols := post(loginPath, "", basic("carol", "p<b>a%41 ss  ü\"\\"))
	plain := post("/?rest_route=/cocart/v2/login", "", basic("alice", "wonderland-1"))
	rows := []struct {
		name, version string
		request       request
		want          string
	}{
		{"JSON login before 4.7", "4.6", json, "401 cocart_rest_not_authorized"},
		{"JSON login from 4.7", "4.7", json, "200"},
		{"phone login before 4.1", "4.0", phone, "401 cocart_authentication_error"},
		{"phone login from 4.1", "4.1", phone, "200"},
		{"wrong password in 4.1", "4.1", wrong, "401 cocart_authentication_error"},
		{"wrong password in 4.9.7", "4.9.7", wrong, "401 cocart_authentication_error"},
		{"symbols in 3.12, which cleans what PHP made of Basic", "3.12", symbols, "401 cocart_authentication_error"},
		{"symbols from 4.0", "4.0", symbols, "200"},
		{"rest_route in 4.8, which does not see it", "4.8", plain, "401 cocart_rest_not_authorized"},
		{"rest_route from 4.9.6", "4.9.6", plain, "200"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			imitating(t, row.version)
			if got := row.request.send(t).refusal(); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

// Lockout plugins listen to WordPress's own login; from 4.2 on they hear nothing.
func TestFailedLoginsAreHeardUntil42(t *testing.T) {
	s := freshShop(t)
	listener := []byte(`<?php add_action( 'wp_login_failed', function () { header( 'X-Heard: yes' ); } );`)
	if err := s.MustUse("listener.php", listener); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"4.1": "yes", "4.2": ""} {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		if got := post(loginPath, "", basic("alice", "nope")).send(t).Header.Get("X-Heard"); got != want {
			t.Errorf("%s: heard %q, want %q", version, got, want)
		}
	}
	if err := s.MustUse("listener.php", nil); err != nil {
		t.Fatal(err)
	}
}

// Another plugin that answers at priority 12 is before CoCart until 4.7, and after it from 4.8 on.
func TestWhoAnswersFirstByVersion(t *testing.T) {
	s := freshShop(t)
	rival := []byte(`<?php add_filter( 'determine_current_user', function ( $id ) { return $id ? $id : 3; }, 12 );`)
	if err := s.MustUse("rival.php", rival); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"4.7": "3", "4.8": "2", "4.9.7": "2"} {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		if got := read[cart](t, get(cartPath, asAlice).send(t)).Key; got != want {
			t.Errorf("%s: the cart of user %s, want %s", version, got, want)
		}
	}
	if err := s.MustUse("rival.php", nil); err != nil {
		t.Fatal(err)
	}
}

// Until 4.9.7 a login cookie without a nonce is enough; then WordPress's own check sees it.
func TestACookieAloneByVersion(t *testing.T) {
	freshShop(t)
	cookie := php(t, `echo LOGGED_IN_COOKIE, '=', rawurlencode( wp_generate_auth_cookie( 2, time() + 3600, 'logged_in' ) );`)
	for version, want := range map[string]string{"4.7": "2 alice", "4.9.7": "0 "} {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		who := read[facts](t, get(whoamiPath, [2]string{"Cookie", cookie}).send(t))
		if got := fmt.Sprint(who.UserID, " ", who.Login); got != want {
			t.Errorf("%s: the request is by %q, want %q", version, got, want)
		}
	}
}

// Until 4.9.7 CoCart says of everybody that nothing is wrong, and whoever asks after it hears that; then only of those
// whom it let in.
func TestAGuestIsVouchedForUntil497(t *testing.T) {
	s := freshShop(t)
	listener := []byte(`<?php add_filter( 'rest_authentication_errors', function ( $r ) { header( 'X-Heard: ' . json_encode( $r ) ); return $r; }, 16 );`)
	if err := s.MustUse("listener.php", listener); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"3.12": "true", "4.7": "true", "4.8": "true", "4.9.7": "null"} {
		configure(t, func(c *shop.Config) { c.CoCart = version })
		if got := get(whoamiPath).send(t).Header.Get("X-Heard"); got != want {
			t.Errorf("%s: of a guest CoCart says %s, want %s", version, got, want)
		}
	}
	if err := s.MustUse("listener.php", nil); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsCountOnlyWhereWordPressSeesTLS(t *testing.T) {
	freshShop(t)
	configure(t, func(c *shop.Config) { c.Environment = "production" })
	login := post(loginPath, `{"username":"alice","password":"wonderland-1"}`, [2]string{"X-Forwarded-Proto", "https"})
	if got := login.send(t).refusal(); got != "401 cocart_rest_not_authorized" {
		t.Errorf("over HTTP: %s", got)
	}
	if err := theShop.MustUse("tls.php", []byte(`<?php $_SERVER['HTTPS'] = 'on';`)); err != nil {
		t.Fatal(err)
	}
	if got := login.send(t).refusal(); got != "200" {
		t.Errorf("over TLS: %s", got)
	}
	if err := theShop.MustUse("tls.php", nil); err != nil {
		t.Fatal(err)
	}
}

func TestTheSecondFactor(t *testing.T) {
	freshShop(t)
	php(t, `update_user_meta( 2, COCART_STANDIN_2FA, '424242' );`)
	const who = `"username":"alice","password":"wonderland-1"`
	rows := []struct{ name, body, want string }{
		{"no code", `{` + who + `}`, "401 cocart_2fa_required"},
		{"wrong code", `{` + who + `,"2fa_code":"1"}`, "401 cocart_2fa_invalid_code"},
		{"unknown provider", `{` + who + `,"2fa_code":"424242","2fa_provider":"pigeon"}`, "400 cocart_2fa_invalid_provider"},
		{"right code", `{` + who + `,"2fa_code":"424242"}`, "200"},
		{"right code and provider", `{` + who + `,"2fa_code":"424242","2fa_provider":"totp"}`, "200"},
		{"wrong password", `{"username":"alice","password":"x","2fa_code":"424242"}`, "401 cocart_authentication_error"},
	}
	for _, row := range rows {
		if got := post(loginPath, row.body).send(t).refusal(); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
	challenge := post(loginPath, `{`+who+`}`).send(t).Body
	if want := `"data":{"status":401,"available_providers":["email","totp"],"default_provider":"email","email_sent":true}}`; !strings.HasSuffix(challenge, want) {
		t.Errorf("challenge %s\nwant it to end with %s", challenge, want)
	}
	if got := post(loginPath, `{"username":"bob","password":"builder-2-Strong"}`).send(t).refusal(); got != "200" {
		t.Errorf("bob, who has no second factor: %s", got)
	}
}

// The hole that makes the gateway drop consumer keys and Bearer headers at login.
func TestTheSecondFactorIsSkippedByPretence(t *testing.T) {
	const body = `{"username":"alice","password":"wonderland-1"}`
	rows := []struct {
		name, version string
		request       request
		want          string
	}{
		{"consumer_key from 4.8", "4.8", post(loginPath+"?consumer_key=x", body), "200"},
		{"Bearer from 4.8", "4.8", post(loginPath, body, [2]string{"Authorization", "Bearer x"}), "200"},
		{"neither", "4.8", post(loginPath, body), "401 cocart_2fa_required"},
		{"consumer_key in 4.7", "4.7", post(loginPath+"?consumer_key=x", body), "401 cocart_2fa_required"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			imitating(t, row.version)
			php(t, `update_user_meta( 2, COCART_STANDIN_2FA, '424242' );`)
			if got := row.request.send(t).refusal(); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestAWhiteLabelNamespace(t *testing.T) {
	freshShop(t)
	configure(t, func(c *shop.Config) {
		c.CoCart, c.Constants = "4.9", map[string]any{"COCART_STANDIN_NAMESPACE": "mystore"}
	})
	if got := read[cart](t, get("/wp-json/mystore/v2/cart", asAlice).send(t)).Key; got != "2" {
		t.Errorf("cart key %q, want 2", got)
	}
	if got := get(cartPath).send(t).refusal(); got != "404 rest_no_route" {
		t.Errorf("the old namespace answers %s", got)
	}
}
