package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

const loginPath = "/wp-json/cocart/v2/login"

// Each form of a login opens a session in each version that knows it. Names in
// a JSON body work in all of them, because the gateway sends them as Basic, too.
func TestLoginsByCoCartVersion(t *testing.T) {
	form := url.Values{"username": {"alice"}, "password": {"wonderland-1"}}.Encode()
	const formType = "Content-Type: application/x-www-form-urlencoded"
	post := func(target, body string, headers ...string) func(*gateway) reply {
		return func(g *gateway) reply { return g.send("POST", target, body, headers...) }
	}
	const inJSON = "Content-Type: application/json"
	rows := []struct {
		name  string
		log   func(*gateway) reply
		want  string
		since string // before that, it is refused, as without us
	}{
		{"JSON", post(loginPath, aliceLogin, inJSON), "2 opened", ""},
		{"a form", post(loginPath, form, formType), "2 opened", ""},
		{"the query", post(loginPath+"?"+form, ""), "2 opened", ""},
		{"Basic", post(loginPath, "", basicHeader("alice", "wonderland-1")), "2 opened", ""},
		{"an e-mail address", post(loginPath, `{"username":"alice@example.com","password":"wonderland-1"}`, inJSON), "2 opened", ""},
		{"a name with an accent, which WordPress drops", post(loginPath, `{"username":"Àlice","password":"wonderland-1"}`, inJSON), "2 opened", ""},
		{"a phone number", post(loginPath, `{"username":"+15550100","password":"wonderland-1"}`, inJSON), "2 opened", "4.1"},
		{"a password with symbols, in JSON", post(loginPath, carolLogin(t), inJSON), "4 opened", "4.1"},
		{"rest_route", post("/?rest_route=/cocart/v2/login", aliceLogin, inJSON), "2 opened", ""},
		{"rest_route and Basic", post("/?rest_route=/cocart/v2/login", "", basicHeader("alice", "wonderland-1")), "2 opened", ""},
		{"with the token of another session", post(loginPath, aliceLogin, inJSON, "Authorization: Bearer ey.stale.token"), "2 opened", ""},
		{"with the cookie of another user", post(loginPath, aliceLogin, inJSON, "Cookie: "+php(t, bobsCookie)), "2 opened", ""},
		{"a wrong password", post(loginPath, `{"username":"alice","password":"nope"}`, inJSON), "401 cocart_authentication_error", ""},
		{"nobody", post(loginPath, `{"username":"mallory","password":"nope"}`, inJSON), "401 cocart_authentication_error", ""},
		{"no password", post(loginPath, "{}", inJSON), "401 cocart_rest_not_authorized", ""},
		{"a cookie alone", post(loginPath, "{}", inJSON, "Cookie: "+php(t, bobsCookie)), "401 cocart_rest_not_authorized", ""},
	}
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		for _, row := range rows {
			want := row.want
			if row.since != "" && slices.Index(cocartVersions, version) < slices.Index(cocartVersions, row.since) {
				want = "401 cocart_authentication_error"
			}
			if got := opened(g, row.log(g)); got != want {
				t.Errorf("%s: %s, want %s", row.name, got, want)
			}
		}
	})
}

// On other routes CoCart sees a password beside rest_route from 4.9.6 on. Before
// that nothing looks at it, as without us: the cart has been loaded before WordPress
// looks for application passwords, so the request is a guest's. Once a site had an application
// password WordPress compares this one with them, and refuses it (application_passwords
// are in use: wp_authenticate_application_password), so the shop of this test never had one.
func TestPasswordsByRestRouteByCoCartVersion(t *testing.T) {
	php(t, `delete_network_option( null, 'using_application_passwords' );`)
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		customer := slices.Index(cocartVersions, version) >= slices.Index(cocartVersions, "4.9.7")
		got := readCart(t, g.send("GET", "/?rest_route=/cocart/v2/cart", "", basicHeader("alice", "wonderland-1"))).Key
		if customer && got != "2" || !customer && len(got) < 30 {
			t.Errorf("the cart is of %s, a customer: %t", got, customer)
		}
	})
}

func carolLogin(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"username": "carol", "password": "p<b>a%41 ss  ü\"\\"})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// opened is who logged in, if the tokens work, or the refusal.
func opened(g *gateway, r reply) string {
	g.t.Helper()
	if r.Status != 200 {
		return fmt.Sprint(r.Status, " ", codeOf(r.Body))
	}
	access, refresh := g.tokens(r)
	i := seen(g.t, g.send("GET", whoami, "", "Authorization: Bearer "+access))
	user, _, _ := strings.Cut(strings.TrimPrefix(i, "user "), " ")
	if r := g.refresh(refresh); r.Status != 200 {
		return fmt.Sprint(user, ", but the refresh token is refused: ", r.Status)
	}
	return user + " opened"
}

// The tokens are added to whatever the version answers.
func TestLoginAnswersByCoCartVersion(t *testing.T) {
	const rest = "dev_note display_name email extras first_name last_name role user_id"
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		var members map[string]any
		r := g.post(loginPath, aliceLogin)
		if err := json.Unmarshal([]byte(r.Body), &members); err != nil {
			t.Fatal(r.Status, r.Body)
		}
		want := "avatar_urls " + rest
		if version == "5.0" {
			want = rest
		}
		if got := strings.Join(slices.Sorted(maps.Keys(members)), " "); got != want {
			t.Errorf("members %s, want %s", got, want)
		}
		if r.Header.Get("X-CoCart-Gateway-Login") != "" {
			t.Error("the client sees what the plugin tells the gateway")
		}
	})
}

// Logging out ends that session, in both versions of the route, and no other.
func TestLogoutByCoCartVersion(t *testing.T) {
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		for _, route := range []string{"/wp-json/cocart/v1/logout", "/wp-json/cocart/v2/logout"} {
			access, refresh := g.login("alice", "wonderland-1")
			other, _ := g.login("alice", "wonderland-1")
			r := g.post(route, "", "Authorization: Bearer "+access)
			got := fmt.Sprint(r.Status, g.cart(access).Status, g.refresh(refresh).Status, g.cart(other).Status)
			if got != "200 401 401 200" {
				t.Errorf("%s: logout, its token, its refresh token, another session: %s", route, got)
			}
		}
	})
}

// A new password ends the sessions, whoever compares passwords.
func TestANewPasswordByCoCartVersion(t *testing.T) {
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		afterwards(t)
		access, refresh := g.login("bob", "builder-2-Strong")
		before := g.cart(access).Status
		php(t, `wp_set_password( 'another-3-Strong', 3 );`)
		if got := fmt.Sprint(before, g.cart(access).Status, g.refresh(refresh).Status); got != "200 401 401" {
			t.Errorf("before, after, refresh: %s", got)
		}
		if fresh, _ := g.login("bob", "another-3-Strong"); g.cart(fresh).Status != 200 {
			t.Error("a fresh login does not work")
		}
	})
}

// 5.0 counts requests by address: each client has its own count, and not all of
// them that of the gateway.
func TestTheRateLimitOfCoCart5CountsEachClient(t *testing.T) {
	afterwards(t)
	g := startGateway(t, "embedded", "")
	php(t, `global $wpdb; $wpdb->query( "DELETE FROM $wpdb->options WHERE option_name LIKE '%cocart_standin_rate%'" );`)
	reconfigure(t, func(c *shop.Config) {
		c.CoCart, c.Constants = "5.0", map[string]any{"COCART_STANDIN_RATE_LIMIT": 2}
	})
	ask := func(address string) string {
		r := send(t, g.url, "GET", whoami, "", "X-Forwarded-Proto: https", "X-Forwarded-For: "+address)
		return strings.TrimSpace(fmt.Sprint(r.Status, " ", codeOf(r.Body)))
	}
	var got []string
	for _, address := range []string{"203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"} {
		got = append(got, ask(address))
	}
	if want := "200, 200, 400 rate_limit_exceeded, 200"; strings.Join(got, ", ") != want {
		t.Errorf("%q, want %s", got, want)
	}
}
