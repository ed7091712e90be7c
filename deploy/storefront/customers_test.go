package storefront

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const (
	loginTarget = "/wp-json/cocart/v2/login"
	cartTarget  = "/wp-json/cocart/v2/cart"
)

func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func asJSON(t *testing.T, name, password string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"username": name, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func asForm(name, password string) string {
	return url.Values{"username": {name}, "password": {password}}.Encode()
}

// accessIn is the access token of a login, or "".
func accessIn(a answer) string {
	var got struct {
		Extras struct {
			Token string `json:"jwt_token"`
		}
	}
	if json.Unmarshal([]byte(a.body), &got) != nil || a.status != http.StatusOK {
		return ""
	}
	return got.Extras.Token
}

// put runs PHP in the shop; values reach it as JSON in $in.
func put(t *testing.T, code string, in any) string {
	t.Helper()
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := theShop.PHP(t.Context(), "$in = json_decode( base64_decode( '"+base64.StdEncoding.EncodeToString(text)+"' ), true );\n"+code)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// forgetCustomers puts the accounts back when the test ends.
func forgetCustomers(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := theShop.Reset(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// Reports: apps could not log in with an e-mail address, a blank or a symbol.
func TestCustomersWithOddNamesAndPasswordsLogIn(t *testing.T) {
	forgetCustomers(t)
	// Login name, e-mail address, password. CoCart takes a number for a billing phone, which the customer of that
	// name has, too.
	customers := [][3]string{
		{"jane doe", "jane.doe@shop.example", "simple-Password-1"},
		{"jose+shop@example.com", "jose+shop@example.com", "p:with:colons"},
		{"o-brien.2", "o'brien@shop.example", `quote"and'back\slash`},
		{"12345", "12345@shop.example", "percent%41 and &=+"},
		{"dash-_.name", "dash@shop.example", "<tags> & entities &amp;"},
		{"anna@firma.example", "anna@firma.example", "emoji \U0001F600 passphrase"},
		{"umlaut", "umlaut@xn--mller-kva.example", "密码 müller €"},
	}
	for _, c := range customers {
		put(t, `$id = wp_insert_user( array( 'user_login' => $in[0], 'user_email' => $in[1], 'user_pass' => wp_slash( $in[2] ), 'role' => 'customer' ) );
			if ( is_wp_error( $id ) ) { throw new Exception( $id->get_error_message() ); } wp_set_password( $in[2], $id ); update_user_meta( $id, 'billing_phone', preg_match( '/^\d+$/', $in[0] ) ? $in[0] : '' );`, c)
	}
	g := startGateway(t, "limits: {login: {address: 1000/15m}}")
	for _, c := range customers {
		for _, name := range []string{c[0], c[1]} {
			for form, r := range map[string]request{
				"JSON":  post("", loginTarget, jsonType, asJSON(t, name, c[2])),
				"form":  post("", loginTarget, formType, asForm(name, c[2])),
				"Basic": post("", loginTarget, "", "", basic(name, c[2])),
			} {
				if a := ask(t, g.address, r); accessIn(a) == "" {
					t.Errorf("%s with %q by %s: %d %s", name, c[2], form, a.status, a.body)
				}
			}
		}
	}
}

// A report: a static build of a site asks for all its pages with one password.
func TestManyRequestsWithOneRightPasswordAreAnswered(t *testing.T) {
	g := startGateway(t, "")
	r := get("cart", cartTarget, basic("alice", "wonderland-1"))
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if a, err := send(t.Context(), g.address, r); err != nil || !isAlices(a) {
				t.Errorf("at once: %v %d %s", err, a.status, a.body)
			}
		})
	}
	all.Wait()
	for range 20 {
		if a := ask(t, g.address, r); !isAlices(a) {
			t.Fatalf("one after the other: %d %s", a.status, a.body)
		}
	}
}

// A documented limit: tokens.max_sessions is 5, and the oldest sessions end.
func TestTheOldestOfEightSessionsEnd(t *testing.T) {
	for limit, ended := range map[string]int{"": 3, ", max_sessions: 8": 0} {
		g := startGateway(t, fmt.Sprintf("tokens: {keys: [{id: k1, algorithm: HS256, secret: %q}]%s}\n", signingSecret, limit))
		var tokens []string
		for range 8 {
			tokens = append(tokens, accessIn(ask(t, g.address, post("login", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1")))))
		}
		for i, token := range tokens {
			if a := ask(t, g.address, cart(token)); isAlices(a) != (i >= ended) {
				t.Errorf("%q: tablet %d: %d %s", limit, i+1, a.status, a.body)
			}
		}
	}
}

func TestWhileWordPressUpdatesItselfClientsAreAskedToComeBack(t *testing.T) {
	g := startGateway(t, "")
	token := accessIn(ask(t, g.address, post("login", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1"))))
	file := filepath.Join(theShop.Dir, "site", ".maintenance")
	if err := os.WriteFile(file, []byte("<?php $upgrading = time();"), 0o644); err != nil { //nolint:gosec // PHP reads it as another user
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(file); err != nil {
			t.Error(err)
		}
	})
	const from = "Origin: https://app.example.com"
	for name, r := range map[string]request{
		"login":     post("", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1"), from),
		"guest":     get("", cartTarget, from),
		"customer":  cart(token, from),
		"password":  get("", cartTarget, from, basic("alice", "wonderland-1")),
		"a page":    get("", "/"),
		"WordPress": get("", "/wp-json/wp/v2/posts"),
	} {
		a := ask(t, g.address, r)
		ours := strings.Contains(r.target, "cocart")
		if a.status != 503 || a.value("retry-after") == "" || ours && a.value("access-control-allow-origin") == "" {
			t.Errorf("%s: %d %v %s", name, a.status, a.lines, a.body)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, g.address, cart(token)); !isAlices(a) {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil { // for the clean-up
		t.Fatal(err)
	}
}

func TestIPv6ClientsAreSeenWithTheirAddress(t *testing.T) {
	g := startGateway(t, "listen: \"[::1]:0\"\n")
	for _, target := range []string{reported, "/wp-json/cocart/v2/?probe=report"} {
		if f := flat(ask(t, g.address, get("", target)), nil); f["server REMOTE_ADDR"] != "::1" {
			t.Errorf("%s: REMOTE_ADDR %q", target, f["server REMOTE_ADDR"])
		}
	}
	if a := ask(t, g.address, get("", cartTarget)); a.status != 200 {
		t.Errorf("cart: %d %s", a.status, a.body)
	}
}

// A service signs the address that it asks for, with its port, and WordPress makes
// the signature again from what PHP sees (Jetpack, WooPayments, PayPal).
func TestSignedAddressesAreThoseOfTheClient(t *testing.T) {
	const target = "/wp-json/jetpack/v4/verify?token=a&timestamp=1&nonce=b&probe=report"
	trusting := startGateway(t, "trusted_proxies: [127.0.0.1]\n")
	direct := startGateway(t, "")
	for name, row := range map[string]struct {
		g    *gateway
		host string
		head []string
		want string
	}{
		"http":                            {direct, "shop.example", nil, "http://shop.example"},
		"http on another port":            {direct, "shop.example:8080", nil, "http://shop.example:8080"},
		"behind TLS":                      {trusting, "shop.example", []string{"X-Forwarded-Proto: https"}, "https://shop.example"},
		"behind TLS, with the port":       {trusting, "shop.example", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 443"}, "https://shop.example"},
		"behind TLS on another port":      {trusting, "shop.example", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 8443"}, "https://shop.example:8443"},
		"the last proxy's word":           {trusting, "shop.example", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 1234, 443"}, "https://shop.example"},
		"no port at all":                  {trusting, "shop.example", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: x"}, "https://shop.example"},
		"a client that says so":           {direct, "shop.example", []string{"X-Forwarded-Proto: https", "X-Forwarded-Port: 8443"}, "http://shop.example"},
		"a client with the port of HTTPS": {direct, "shop.example:443", nil, "http://shop.example"},
	} {
		r := request{method: "GET", target: target, framing: noHost, head: append([]string{"Host: " + row.host}, row.head...)}
		f := flat(ask(t, row.g.address, r), nil)
		if got := f["wordpress signed_address"]; got != row.want+target {
			t.Errorf("%s: signed over %s, want %s%s", name, got, row.want, target)
		}
	}
}

// Clients send odd but clear forms of a JSON body, which CoCart reads.
func TestCoCartReadsTheSameBodiesThroughTheGateway(t *testing.T) {
	g := startGateway(t, "")
	const item = `{"id":"12","quantity":"1"}`
	large := `{"id":"12","quantity":"1","item_data":{"image":"` + strings.Repeat("QUJD", 200<<10) + `"}}`
	add := func(contentType, body string, head ...string) request {
		return post("", "/wp-json/cocart/v2/cart/add-item", contentType, body, head...)
	}
	for name, r := range map[string]request{
		"plain":                     add(jsonType, item),
		"twice in one line":         add("application/json, application/json", item),
		"twice in two lines":        add(jsonType, item, "Content-Type: application/json"),
		"two spellings":             add(jsonType, item, "Content-Type:  Application/JSON"),
		"charset":                   add(`application/json;charset="UTF-8"`, item),
		"chunked":                   add(jsonType, item).framed(chunked),
		"expecting":                 add(jsonType, item).framed(expecting),
		"800 KB expecting":          add(jsonType, large).framed(expecting),
		"form":                      add(formType, "id=12&quantity=1"),
		"no boundary, no body":      post("", "/wp-json/cocart/v2/cart/add-item?id=12&quantity=1", "multipart/form-data", ""),
		"GET with multipart":        get("", cartTarget, "Content-Type: multipart/form-data"),
		"GET with JSON and no body": get("", cartTarget, "Content-Type: application/json"),
		"login with no boundary":    post("", loginTarget, "multipart/form-data", "", basic("alice", "wonderland-1")),
		"login expecting":           post("", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1")).framed(expecting),
		"login chunked":             post("", loginTarget, formType, asForm("alice", "wonderland-1")).framed(chunked),
		"login, type twice":         post("", loginTarget, jsonType, asJSON(t, "alice", "wonderland-1"), "Content-Type: application/json"),
	} {
		past, through := ask(t, origin(), r), ask(t, g.address, r)
		if through.status != 200 || past.status != through.status {
			t.Errorf("%s: %d past the gateway, %d through it: %s", name, past.status, through.status, through.body)
		}
	}
}

func TestOriginsOfAppShellsAreAccepted(t *testing.T) {
	for _, origin := range []string{"capacitor://localhost", "ionic://localhost", "tauri://localhost", "chrome-extension://abcdefghijklmnopabcdefghijklmnop", "http://192.168.1.20:19006", "http://localhost:8100", "https://localhost"} {
		t.Run(origin, func(t *testing.T) {
			g := startGateway(t, fmt.Sprintf("cors: {origins: [%q], credentials: true}", origin))
			for name, r := range map[string]request{
				"cart":      get("", cartTarget, "Origin: "+origin),
				"preflight": get("", cartTarget, "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type").by("OPTIONS"),
			} {
				if a := ask(t, g.address, r); a.value("access-control-allow-origin") != origin || a.value("access-control-allow-credentials") != "true" {
					t.Errorf("%s: %d %v", name, a.status, a.lines)
				}
			}
			if a := ask(t, g.address, get("", cartTarget, "Origin: https://other.example")); a.value("access-control-allow-origin") != "" {
				t.Errorf("another origin may read: %v", a.lines)
			}
		})
	}
}
