package e2e

import (
	"strings"
	"sync"
	"testing"

	"cocart-gateway/deploy/demo/shop"
)

// What rest_authentication_errors comes to for a guest is WordPress's own
// business: true, after it has set aside whatever cookie there was. 5.0 takes
// that check away.
const (
	asGuest  = "user 0 0 0, cart guest, authentication true"
	asGuest5 = "user 0 0 0, cart guest, authentication <nil>"
	asAlice  = "user 2 2 2, cart 2, authentication true"
	refused  = "401 cocart_authentication_error"
)

// identity is a way to ask who one is, and what CoCart must think of it; with
// some versions, something else.
type identity struct {
	name   string
	ask    func(g *gateway) reply
	want   string
	except map[string]string
}

func (i identity) check(t *testing.T, g *gateway, version string) {
	t.Helper()
	want, ok := i.except[version]
	if !ok {
		want = i.want
	}
	if got := seen(t, i.ask(g)); got != want {
		t.Errorf("%s:\n got %s\nwant %s", i.name, got, want)
	}
}

// In all versions the customer is known from CoCart's first question on, and a
// guest never becomes somebody.
func TestWhoAsksByCoCartVersion(t *testing.T) {
	w := wallet{}
	rows := append(identities(t, w), otherWays(t, w)...)
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		for _, row := range rows {
			row.check(t, g, version)
		}
	})
}

// wallet holds a token for each who asks. They do not depend on CoCart's version,
// so one login serves all of them.
type wallet map[string]string

func (w wallet) as(who, password string, send func(g *gateway, bearer string) reply) func(*gateway) reply {
	return func(g *gateway) reply {
		if w[who] == "" {
			w[who], _ = g.login(who, password)
		}
		return send(g, "Authorization: Bearer "+w[who])
	}
}

func (w wallet) aliceGets(target string, headers ...string) func(*gateway) reply {
	return w.as("alice", "wonderland-1", func(g *gateway, bearer string) reply {
		return g.send("GET", target, "", append(headers, bearer)...)
	})
}

func anybodyGets(target string, headers ...string) func(*gateway) reply {
	return func(g *gateway) reply { return g.send("GET", target, "", headers...) }
}

// identities are those that other plugins are tested with, too.
func identities(t *testing.T, w wallet) []identity {
	cookie := "Cookie: " + php(t, bobsCookie)
	guest5 := map[string]string{"5.0": asGuest5}
	return []identity{
		{"a guest", anybodyGets(whoami), asGuest, guest5},
		{"a guest with a cookie of wp-admin", anybodyGets(whoami, cookie), asGuest, guest5},
		{"a name beside a cookie of wp-admin", anybodyGets(whoami+"?username=x", cookie), asGuest, guest5},
		{"a customer", w.aliceGets(whoami), asAlice, nil},
		{"a customer with a cookie of wp-admin", w.aliceGets(whoami, cookie), asAlice, nil},
		{"a password in a Basic header", anybodyGets(whoami, basicHeader("alice", "wonderland-1")), asAlice, nil},
		{"a wrong password in a Basic header", anybodyGets(whoami, basicHeader("alice", "nope")), refused, nil},
	}
}

func otherWays(t *testing.T, w wallet) []identity {
	admin, err := theShop.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	asAdmin := strings.ReplaceAll(asAlice, "2", "1")
	withoutCart := strings.ReplaceAll(asAlice, "cart 2", "cart none")
	cookie := "Cookie: " + php(t, bobsCookie)
	return []identity{
		{"an administrator", w.as("admin", admin, func(g *gateway, bearer string) reply {
			return g.send("GET", whoami, "", bearer)
		}), asAdmin, nil},
		{"a customer with the password of another in the query", w.aliceGets(whoami + "?username=bob&password=builder-2-Strong"), asAlice, nil},
		{"a token of another plugin", anybodyGets(whoami, "Authorization: Bearer ey.of.others"), refused, nil},
		{"rest_route", w.aliceGets("/?rest_route=/cocart/v2/test/whoami"), asAlice, nil},
		{"rest_route, a guest with a cookie", anybodyGets("/?rest_route=/cocart/v2/test/whoami", cookie), asGuest, map[string]string{"5.0": asGuest5}},
		{"index.php", w.aliceGets("/index.php/wp-json/cocart/v2/test/whoami"), asAlice, nil},
		// Before 4.9 CoCart does not see that a batch is for it, and loads no cart.
		{"a batch", w.as("alice", "wonderland-1", func(g *gateway, bearer string) reply {
			return g.post("/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/cocart/v2/test/whoami"}]}`, bearer)
		}), withoutCart, map[string]string{"4.9.7": asAlice, "5.0": asAlice}},
	}
}

// A shop can demand a permission of whoever is not logged in.
func TestPermissionsByCoCartVersion(t *testing.T) {
	mustUse(t, "closed.php", `<?php add_filter( 'cocart_api_permission_check_get', '__return_true' );`)
	const closed = "401 cocart_rest_permission_error"
	rows := []identity{
		{"a guest", anybodyGets(whoami), closed, nil},
		{"a guest with a cookie", anybodyGets(whoami, "Cookie: "+php(t, bobsCookie)), closed, nil},
		{"a customer", wallet{}.aliceGets(whoami), asAlice, nil},
	}
	versions(t, "", func(t *testing.T, g *gateway, version string) {
		for _, row := range rows {
			row.check(t, g, version)
		}
	})
}

const asksEarly = `<?php wp_cookie_constants(); require_once ABSPATH . WPINC . '/pluggable.php'; wp_get_current_user();`

// Plugins that have a say in who asks change nothing of it, and neither do those
// that ask too early themselves; those keep CoCart from judging a Basic header in
// time, with or without a gateway, but not from judging a login.
func TestOtherPluginsByCoCartVersion(t *testing.T) {
	for name, plugin := range map[string][2]string{
		"asks when it is loaded, before us": {"a-first.php", asksEarly},
		"asks when it is loaded, after us":  {"z-last.php", asksEarly},
		"hands out tokens of its own":       {"z-other-jwt.php", otherJWT},
	} {
		t.Run(name, func(t *testing.T) {
			mustUse(t, plugin[0], plugin[1])
			rows := identities(t, wallet{})
			if plugin[1] == asksEarly {
				rows = rows[:5]
			}
			versions(t, "", func(t *testing.T, g *gateway, version string) {
				for _, row := range rows {
					row.check(t, g, version)
				}
				// As bob: alice has sessions that must last.
				if got := opened(g, g.post(loginPath, `{"username":"bob","password":"builder-2-Strong"}`)); got != "3 opened" {
					t.Errorf("login: %s", got)
				}
			})
		})
	}
}

// Where another plugin asked too early who this is, CoCart 4.3 and later may answer a
// wrong password as it answers a guest. Here it is refused and counted all the same,
// or it could be told from the right one as often as one likes.
func TestAWrongPasswordBesideAPluginThatAsksEarly(t *testing.T) {
	mustUse(t, "a-first.php", asksEarly)
	afterwards(t)
	for _, version := range cocartVersions {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) { c.CoCart = version })
			g := startGateway(t, "embedded", threeAttempts)
			const right = "builder-2-Strong"
			statuses(t, "200", g.basic("bob", right))
			statuses(t, "401 401 401", together( // each takes its time
				func() reply { return g.basic("bob", "x") }, func() reply { return g.try("bob", "y") }, func() reply { return g.query("bob", "z") })...)
			statuses(t, "429 429", g.basic("bob", right), g.try("bob", right))
		})
	}
}

func together(requests ...func() reply) []reply {
	answers := make([]reply, len(requests))
	var all sync.WaitGroup
	for i, request := range requests {
		all.Go(func() { answers[i] = request() })
	}
	all.Wait()
	return answers
}

// otherJWT believes any Bearer to be carol's, at the hooks such plugins use, and
// calls anything else that it meets there an error.
const otherJWT = `<?php
	function other_jwt( $user_id ) {
		return isset( $_SERVER['HTTP_AUTHORIZATION'] ) && 0 === stripos( $_SERVER['HTTP_AUTHORIZATION'], 'bearer' ) ? 4 : $user_id;
	}
	add_filter( 'determine_current_user', 'other_jwt', 10 );
	add_filter( 'determine_current_user', 'other_jwt', 99 );
	add_filter( 'cocart_authenticate', 'other_jwt', 10 );
	add_filter( 'rest_authentication_errors', function ( $result ) {
		return 4 === get_current_user_id() ? new WP_Error( 'other_jwt', 'Not here.', array( 'status' => 403 ) ) : $result;
	}, 30 );`
