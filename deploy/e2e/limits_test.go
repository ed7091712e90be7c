package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/deploy/demo/shop"
)

// threeAttempts lets nobody pass a lock by a good record: these tests come from one address.
const threeAttempts = "limits: {login: {account: 3/15m, account_network: off, newcomer: {account: off}}, second_factor: 2/15m}\n"

// try puts credentials to the login.
func (g *gateway) try(username, password string) reply {
	g.t.Helper()
	text, err := json.Marshal(map[string]string{"username": username, "password": password})
	if err != nil {
		g.t.Fatal(err)
	}
	return g.post("/wp-json/cocart/v2/login", string(text))
}

func (g *gateway) basic(username, password string) reply {
	g.t.Helper()
	return g.send("GET", whoami, "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(username+":"+password)))
}

func (g *gateway) query(username, password string) reply {
	g.t.Helper()
	return g.send("GET", "/wp-json/cocart/v2/cart?"+url.Values{"username": {username}, "password": {password}}.Encode(), "")
}

func statuses(t *testing.T, want string, replies ...reply) {
	t.Helper()
	var got []string
	for _, r := range replies {
		got = append(got, fmt.Sprint(r.Status))
	}
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got %s, want %s; the last said %s", text, want, replies[len(replies)-1].Body)
	}
}

func TestNamesOfOneAccountShareOneCounter(t *testing.T) {
	for _, version := range []string{"4.7", "4.9"} {
		t.Run("CoCart "+version, func(t *testing.T) {
			reconfigure(t, func(c *shop.Config) { c.CoCart = version })
			g := startGateway(t, realRedis(t), threeAttempts)
			statuses(t, "401 401 401", g.try("alice", "x"), g.try("alice@example.com", "y"), g.try("+15550100", "z"))
			// Each name looks as an unknown one does, which is refused three times before it is 429.
			statuses(t, "401 401 401", g.try("alice", "wonderland-1"), g.basic("alice@example.com", "wonderland-1"), g.query("+15550100", "wonderland-1"))
			statuses(t, "401", g.try("Alice@Example.com", "wonderland-1"))
			r := g.try("alice@Example.com", "wonderland-1") // the same request would be answered from memory
			for _, header := range []string{"Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
				if r.Header.Get(header) == "" {
					t.Errorf("the 429 has no %s: %v", header, r.Header)
				}
			}
			if r.Status != http.StatusTooManyRequests || codeOf(r.Body) != "rate_limit_exceeded" {
				t.Errorf("%d %s", r.Status, r.Body)
			}
			g.login("bob", "builder-2-Strong") // from the same address
		})
	}
}

func TestLockoutIsNotBypassedOnAnotherRoute(t *testing.T) {
	g := startGateway(t, "embedded", threeAttempts)
	statuses(t, "401 401 401", g.query("alice", "x"), g.basic("alice", "y"), g.query("alice", "z"))
	statuses(t, "429 429 429 429", g.query("alice", "wonderland-1"), g.basic("alice", "wonderland-1"), g.try("alice", "wonderland-1"),
		g.send("GET", "/?rest_route=/cocart/v2/cart&+username=alice&%20password=wonderland-1", ""))
	statuses(t, "200", g.send("GET", "/wp-json/cocart/v2/cart", "")) // a guest
}

func TestNoSpellingOfANameBuysMoreGuesses(t *testing.T) {
	allAtOnce(t, map[string]func(i int) string{
		"case":               func(i int) string { return []string{"alice", "ALICE", "Alice", "aLICE", "alicE"}[i] },
		"blanks":             func(i int) string { return strings.Repeat(" ", i) + "alice\t" },
		"accents":            func(i int) string { return []string{"álice", "àlice", "alicé", "a\u0301lice", "ālice"}[i] },
		"what is taken away": func(i int) string { return []string{"<b>alice", "alice%41", "al<i>ice", "&amp;alice", "alice"}[i] },
		"e-mail, case, width": func(i int) string {
			return []string{"alice", "alice@example.com", "ALICE@example.COM", " alice@Example.com", "+15550100"}[i]
		},
	}, func(t *testing.T, name string, spelling func(i int) string) {
		g := startGateway(t, "embedded", threeAttempts)
		for i := range 3 {
			statuses(t, "401", g.try(spelling(i), "wrong"))
		}
		for i := range 5 {
			if r := g.try(spelling(i), "wonderland-1"); r.Status != 429 && (r.Status != 401 || !strings.HasPrefix(name, "e-mail")) {
				t.Errorf("%q: %d %s", spelling(i), r.Status, r.Body)
			}
		}
	})
}

// allAtOnce runs a subtest for each row, all at the same time. The rows wait most of their time, for a refusal takes a second.
// Each needs a gateway of its own.
func allAtOnce[R any](t *testing.T, rows map[string]R, test func(t *testing.T, name string, row R)) {
	t.Helper()
	var all sync.WaitGroup
	for name, row := range rows {
		all.Go(func() { t.Run(name, func(t *testing.T) { test(t, name, row) }) })
	}
	all.Wait()
}

func TestARefusalDoesNotTellWhoIsACustomer(t *testing.T) {
	g := startGateway(t, "embedded", "")
	took := map[string]time.Duration{}
	bodies := map[string]bool{}
	for name, who := range map[string]func() reply{
		"known": func() reply { return g.try("alice", "x") }, "unknown": func() reply { return g.try("nobody", "x") },
		"known, Basic": func() reply { return g.basic("alice", "x") }, "unknown, query": func() reply { return g.query("nobody@example.com", "x") },
	} {
		began := time.Now()
		r := who()
		took[name] = time.Since(began)
		bodies[fmt.Sprint(r.Status, r.Body)] = true
	}
	if len(bodies) != 1 {
		t.Errorf("different answers: %v", bodies)
	}
	t.Logf("time of a refusal: %v", took)
}

func TestWrongSecondFactorsAreLimited(t *testing.T) {
	afterwards(t)
	reconfigure(t, func(c *shop.Config) { c.CoCart = "4.9" })
	g := startGateway(t, "embedded", threeAttempts)
	php(t, secondFactorForAlice)
	code := func(c string) reply {
		return g.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1","2fa_code":"`+c+`","2fa_provider":"email"}`)
	}
	statuses(t, "401 401 401 401", g.try("alice", "wonderland-1"), g.try("alice", "wonderland-1"), g.try("alice", "wonderland-1"), g.try("alice", "wonderland-1"))
	statuses(t, "401 401 429 429", code("1"), code("2"), code("3"), code("123456"))
	if r := g.try("alice", "wonderland-1"); codeOf(r.Body) != "cocart_2fa_required" {
		t.Errorf("none of it was a wrong password: %d %s", r.Status, r.Body)
	}
}

func TestReplicasShareLockoutsAndTheOperatorEndsThem(t *testing.T) {
	redis := realRedis(t)
	one, two := startGateway(t, redis, threeAttempts), startGateway(t, redis, threeAttempts)
	access, _ := one.login("alice", "wonderland-1")
	statuses(t, "401 401 401 401 429", one.try("alice", "a"), two.try("alice@example.com", "b"), one.try("alice", "c"), two.try("alice", "d"), one.try("alice", "wonderland-1"))
	statuses(t, "200", two.cart(access)) // a session goes on

	config := filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf("upstream: {url: %s, secret: %q}\nsite: {url: %s}\ntokens: {keys: [{id: k1, algorithm: HS256, secret: %q}]}\nredis: {address: %q}\n%s",
		theShop.URL, gatewaySecret, siteURL, signingSecret, redis, threeAttempts)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lockouts := func(args ...string) string {
		out, err := exec.Command(binary, append([]string{"lockouts"}, append(args, "--config", config)...)...).CombinedOutput()
		if err != nil {
			t.Errorf("lockouts %v: %v %s", args, err, out)
		}
		return string(out)
	}
	if out := lockouts("list"); !strings.Contains(out, "account  user:2") {
		t.Errorf("list: %s", out)
	}
	lockouts("clear", "--user", "2")
	if out := lockouts("list"); strings.Contains(out, "user:2") {
		t.Errorf("list afterwards: %s", out)
	}
	two.login("alice", "wonderland-1")
}
