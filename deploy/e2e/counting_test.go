package e2e

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var attemptLine = regexp.MustCompile(`(?m)^cocart_gateway_attempts_total\{kind="[a-z]+",result="(refused|unknown)"\} (\d+)`)

// guesses is how many wrong passwords, and how many unknown names, were counted.
func (g *gateway) guesses() (refused, unknown int) {
	g.t.Helper()
	_, text := g.ask(g.t.Context(), g.admin+"/metrics")
	for _, line := range attemptLine.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(line[2])
		if line[1] == "refused" {
			refused += n
		} else {
			unknown += n
		}
	}
	return refused, unknown
}

const call = `<?xml version="1.0"?><methodCall><methodName>wp.getUsersBlogs</methodName><params><param><value>%s</value></param><param><value>%s</value></param></params></methodCall>`

// multicall puts guesses at one account into one request of XML-RPC.
func multicall(name string, n int) string {
	one := "<value><struct><member><name>methodName</name><value>wp.getUsersBlogs</value></member><member><name>params</name><value><array><data>" +
		"<value><array><data><value>" + name + "</value><value>guess%d</value></data></array></value></data></array></value></member></struct></value>"
	var calls strings.Builder
	for i := range n {
		fmt.Fprintf(&calls, one, i)
	}
	return `<?xml version="1.0"?><methodCall><methodName>system.multicall</methodName><params><param><value><array><data>` + calls.String() + `</data></array></value></param></params></methodCall>`
}

// Whatever the request and whatever the form of its answer, WordPress checks a
// password and it is counted once.
func TestEveryPasswordThatWordPressChecksIsCountedOnce(t *testing.T) {
	basic := func(name string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":guess"))
	}
	form := "Content-Type: application/x-www-form-urlencoded"
	at := func(method, target string) func(*gateway, string) reply {
		return func(g *gateway, name string) reply { return g.send(method, target, "", basic(name)) }
	}
	allAtOnce(t, map[string]func(g *gateway, name string) reply{
		"the cart":                  at("GET", "/wp-json/cocart/v2/cart"),
		"HEAD":                      at("HEAD", "/wp-json/cocart/v2/cart"),
		"OPTIONS":                   at("OPTIONS", "/wp-json/cocart/v2/cart"),
		"a bad JSONP callback":      at("GET", "/wp-json/cocart/v2/cart?_jsonp=a()"),
		"another one":               at("GET", "/wp-json/cocart/v2/cart?%20_jsonp=a-b"),
		"a JSONP callback":          at("GET", "/wp-json/cocart/v2/cart?_jsonp=cb"),
		"an envelope":               at("GET", "/wp-json/cocart/v2/cart?_envelope"),
		"fields":                    at("GET", "/wp-json/cocart/v2/cart?_fields=items"),
		"another method":            at("POST", "/wp-json/cocart/v2/cart?_method=GET"),
		"a route that is not there": at("GET", "/wp-json/cocart/v2/nothing"),
		"the login":                 func(g *gateway, name string) reply { return g.try(name, "guess") },
		"the login, some fields": func(g *gateway, name string) reply {
			return g.post("/wp-json/cocart/v2/login?_fields=message", `{"username":"`+name+`","password":"guess"}`)
		},
		"a form": func(g *gateway, name string) reply {
			return g.send("POST", "/wp-json/cocart/v2/cart/add-item", url.Values{"username": {name}, "password": {"guess"}}.Encode(), form)
		},
		"a query": func(g *gateway, name string) reply { return g.query(name, "guess") },
		"wp-login.php": func(g *gateway, name string) reply {
			return g.send("POST", "/wp-login.php", url.Values{"log": {name}, "pwd": {"guess"}}.Encode(), form)
		},
		"wp-login.php, interim": func(g *gateway, name string) reply {
			return g.send("POST", "/wp-login.php?interim-login=1", url.Values{"log": {name}, "pwd": {"guess"}}.Encode(), form)
		},
		"xmlrpc.php": func(g *gateway, name string) reply {
			return g.send("POST", "/xmlrpc.php", fmt.Sprintf(call, name, "guess"), "Content-Type: text/xml")
		},
		"xmlrpc.php, many": func(g *gateway, name string) reply { // WordPress checks no further one after the first (auth_failed)
			return g.send("POST", "/xmlrpc.php", multicall(name, 20), "Content-Type: text/xml")
		},
	}, func(t *testing.T, _ string, send func(*gateway, string) reply) {
		g := startGateway(t, "embedded", "limits: {login: {account: 1000/15m, address: 1000/15m}}\n")
		for _, name := range []string{"alice", "alice@example.com", "nobody", "nobody@example.com"} {
			refused, unknown := g.guesses()
			r := send(g, name)
			nowRefused, nowUnknown := g.guesses()
			want := [2]int{1, 0}
			if strings.HasPrefix(name, "nobody") {
				want = [2]int{0, 1}
			}
			if got := [2]int{nowRefused - refused, nowUnknown - unknown}; got != want {
				t.Errorf("%s: wrong passwords and unknown names counted: %v, want %v; %d %s", name, got, want, r.Status, r.Body)
			}
		}
	})
}

func TestALockIsAlsoOfTheWebsite(t *testing.T) {
	g := startGateway(t, "embedded", threeAttempts)
	logIn := func() reply {
		return g.send("POST", "/wp-login.php", "log=alice&pwd=wonderland-1", "Content-Type: application/x-www-form-urlencoded", "Cookie: wordpress_test_cookie=WP+Cookie+check")
	}
	if r := logIn(); r.Status != 302 || r.Header.Get("Set-Cookie") == "" {
		t.Fatalf("before: %d %v", r.Status, r.Header)
	}
	statuses(t, "401 401 401", g.try("alice", "x"), g.try("alice", "y"), g.try("alice", "z"))
	if r := logIn(); r.Status != 429 || r.Header.Get("Set-Cookie") != "" || !strings.Contains(r.Body, "Too many") {
		t.Errorf("wp-login.php: %d %v %s", r.Status, r.Header, r.Body)
	}
	if r := g.send("POST", "/xmlrpc.php", fmt.Sprintf(call, "alice@example.com", "wonderland-1"), "Content-Type: text/xml"); r.Status != 200 || !strings.Contains(r.Body, "<int>403</int>") || strings.Contains(r.Body, "blogid") {
		t.Errorf("xmlrpc.php: %d %s", r.Status, r.Body)
	}
	statuses(t, "200 200", g.send("GET", "/", ""), g.send("GET", "/wp-login.php", ""))
}
