package e2e

import "testing"

// Where guests are turned away nobody shops as one, by whatever CoCart would answer
// as it answers a guest.
func TestGuestsAreTurnedAwayByCoCartVersion(t *testing.T) {
	const noGuests = "401 cocart_rest_not_authorized"
	cookie, nonce := browser(t)
	key := "?consumer_key=1&consumer_secret=2"
	w := wallet{}
	rows := []identity{
		{"nothing", anybodyGets(whoami), noGuests, nil},
		{"a name", anybodyGets(whoami + "?username=x"), noGuests, nil},
		{"a password", anybodyGets(whoami + "?password=x"), noGuests, nil},
		{"Basic and nothing", anybodyGets(whoami, "Authorization: Basic"), noGuests, nil},
		{"an API key", anybodyGets(whoami + "?consumer_key=1"), noGuests, nil},
		{"an API key and a secret that are none", anybodyGets(whoami + key), noGuests, nil},
		{"the same by rest_route", anybodyGets("/?rest_route=/cocart/v2/test/whoami&" + key[1:]), noGuests, nil},
		// Without the cookie the nonce is nobody's, and WordPress refuses that first, if CoCart lets it.
		{"the same with a cookie and its nonce", anybodyGets(whoami+key, cookie, nonce), noGuests, map[string]string{"4.9.7": "403 rest_cookie_invalid_nonce"}},
		{"the same in a batch", func(g *gateway) reply {
			return g.post("/wp-json/batch/v1"+key, `{"requests":[{"method":"POST","path":"/cocart/v2/test/whoami"}]}`)
		}, noGuests, nil},
		{"a cookie with its nonce", anybodyGets(whoami, cookie, nonce), noGuests, nil},
		{"OPTIONS for a GET", func(g *gateway) reply { return g.send("OPTIONS", whoami+"?_method=GET", "") }, noGuests, nil},
		{"a wrong password", anybodyGets(whoami, basicHeader("alice", "nope")), refused, nil},
		{"a right password", anybodyGets(whoami, basicHeader("alice", "wonderland-1")), asAlice, nil},
		{"a token", w.aliceGets(whoami), asAlice, nil},
	}
	const manyAttempts = "limits: {login: {account: 1000/1m, address: 1000/1m}}\n" // a key that is none counts as a wrong password
	versions(t, "site: {url: "+siteURL+", guests: deny}\n"+manyAttempts, func(t *testing.T, g *gateway, version string) {
		for _, row := range rows {
			row.check(t, g, version)
		}
	})
}
