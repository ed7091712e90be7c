package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// mall is a gateway for two shops, toys.example and books.example, with a WordPress each and one Redis.
type mall struct {
	*rig
	toys, books *upstreamtest.WordPress
	redis       *tokenstest.Server
}

// openMall starts the gateway; more are settings at the top of the file, and in shops those of each shop.
func openMall(t *testing.T, more settings, shops ...string) *mall {
	t.Helper()
	m := &mall{redis: tokenstest.Redis(t), toys: upstreamtest.Start(t), books: upstreamtest.Start(t)}
	m.toys.Site, m.toys.Secret = "https://toys.example", "the secret of the toys, of 32 bytes and more"
	m.books.Site, m.books.Secret = "https://books.example", "the secret of the books, of 32 bytes and more"
	all := settings{"upstream.url": "", "upstream.secret": "", "site.url": "", "tokens.keys": "", "redis.address": m.redis.Addr(), "redis.timeout": "1m",
		"shops": m.list(shops...)}
	for key, value := range more {
		all[key] = value
	}
	m.rig = start(t, all)
	m.awaitReady()
	return m
}

// list is the value of shops; more are further blocks of the toys, then of the books.
func (m *mall) list(more ...string) string {
	more = append(more, "", "")
	return `[{name: toys, site: {url: "https://toys.example", hosts: [www.toys.example, "*.toys.example"]}, upstream: {url: "` + m.toys.URL + `", secret: "` + m.toys.Secret + `"}, tokens: {keys: [` + firstKey + `]}` + more[0] + `},
 {name: books, site: {url: "https://books.example"}, upstream: {url: "` + m.books.URL + `", secret: "` + m.books.Secret + `"}, tokens: {keys: [` + secondKey + `]}` + more[1] + `}]`
}

// at sends a request to a host.
func (m *mall) at(host, method, target, body string, headers ...string) answer {
	m.Helper()
	return m.do(method, target, body, append(headers, "Host: "+host)...)
}

const loginRoute, refreshRoute = "/wp-json/cocart/v2/login", "/wp-json/cocart/jwt/refresh-token"

// loggedIn logs Alice in at a host.
func (m *mall) loggedIn(host string) (access, refresh string) {
	m.Helper()
	a := m.at(host, "POST", loginRoute, `{"username":"alice","password":"wonderland-1"}`)
	access, refresh = quoted1(a.body, "jwt_token"), quoted1(a.body, "jwt_refresh")
	if a.status != http.StatusOK || access == "" {
		m.Fatalf("login at %s: %d %s", host, a.status, a.body)
	}
	return access, refresh
}

// quoted1 is the first value of a name in a text of JSON.
func quoted1(text, name string) string {
	_, rest, _ := strings.Cut(text, `"`+name+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func (m *mall) statusIs(a answer, want int, what string) {
	m.Helper()
	if a.status != want {
		m.Errorf("%s: %d %s, want %d", what, a.status, a.body, want)
	}
}

func TestATokenOfOneShopIsNoneOfAnother(t *testing.T) {
	m := openMall(t, nil)
	access, refresh := m.loggedIn("toys.example")
	if len(m.books.Seen()) > 0 && slices.ContainsFunc(m.books.Seen(), func(s upstreamtest.Seen) bool { return strings.Contains(s.Target, "login") }) {
		t.Error("the login at the toys reached the books")
	}
	m.statusIs(m.at("toys.example", "GET", cart, "", "Authorization: Bearer "+access), 200, "at its own shop")
	for _, host := range []string{"WWW.toys.example:443", "a.toys.example"} {
		m.statusIs(m.at(host, "GET", cart, "", "Authorization: Bearer "+access), 200, "at "+host)
	}
	m.statusIs(m.at("books.example", "GET", cart, "", "Authorization: Bearer "+access), 401, "at the other shop")
	m.statusIs(m.at("books.example", "POST", refreshRoute, `{"refresh_token":"`+refresh+`"}`), 401, "its refresh token at the other shop")
	m.statusIs(m.at("toys.example", "POST", refreshRoute, `{"refresh_token":"`+refresh+`"}`), 200, "and at its own, afterwards")
}

func TestALogoutAndAFullLimitConcernOneShopOnly(t *testing.T) {
	m := openMall(t, settings{"limits.login.account": "3/15m", "limits.login.account_network": "3/15m"})
	toys, _ := m.loggedIn("toys.example")
	books, _ := m.loggedIn("books.example")
	m.statusIs(m.administer("DELETE", "/sessions?user_id=2&shop=toys"), 200, "ending Alice's sessions at the toys")
	tokenstest.Eventually(t, "the session at the toys is over", func() bool {
		return m.at("toys.example", "GET", cart, "", "Authorization: Bearer "+toys).status == 401
	})
	m.statusIs(m.at("books.example", "GET", cart, "", "Authorization: Bearer "+books), 200, "the session at the books")
	for _, guess := range []string{"one", "two", "three"} { // the same one again would be answered from memory
		m.at("toys.example", "POST", loginRoute, `{"username":"alice","password":"`+guess+`"}`)
	}
	right := `{"username":"alice","password":"not it either"}`
	m.statusIs(m.at("toys.example", "POST", loginRoute, right), 429, "a locked account")
	m.statusIs(m.at("books.example", "POST", loginRoute, right), 401, "the same name at the other shop")
}

func TestEveryKeyInRedisIsBelowThePrefixOfItsShop(t *testing.T) {
	m := openMall(t, nil, `, redis: {prefix: "before:"}`)
	m.loggedIn("toys.example")
	m.loggedIn("books.example")
	m.at("books.example", "POST", loginRoute, `{"username":"alice","password":"not it"}`)
	m.administer("DELETE", "/sessions?user_id=2&shop=toys")
	keys, err := m.redis.Client().Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, key := range keys {
		switch {
		case strings.HasPrefix(key, "before:"):
			counted["toys"]++
		case strings.HasPrefix(key, "cocart:books:"):
			counted["books"]++
		default:
			t.Errorf("the key %s belongs to no shop", key)
		}
	}
	if counted["toys"] < 3 || counted["books"] < 3 {
		t.Errorf("too few keys: %v of %v", counted, keys)
	}
}

// As in the choice of the shop by Host, the name that fits best decides. A reload gives the books two such names.
func TestAForwardedHostOfAnotherShopIsRefusedBelowAWildcard(t *testing.T) {
	m := openMall(t, settings{"reload": "signal"})
	forwarded := func(at, host string) answer { return m.at(at, "GET", "/", "", "X-Forwarded-Host: "+host) }
	m.statusIs(forwarded("toys.example", "tea.toys.example"), 200, "a host of the wildcard")
	m.write(settings{"shops": strings.Replace(m.list(), `url: "https://books.example"`, `url: "https://books.example", hosts: [tea.toys.example, "*.tea.toys.example"]`, 1)})
	m.reload()
	for _, row := range []struct {
		at, host string
		want     int
	}{
		{"toys.example", "a.toys.example", 200},
		{"toys.example", "TEA.toys.example:443", http.StatusMisdirectedRequest},
		{"toys.example", "a.tea.toys.example", http.StatusMisdirectedRequest},
		{"tea.toys.example", "a.tea.toys.example", 200},
		{"tea.toys.example", "a.toys.example", http.StatusMisdirectedRequest},
	} {
		m.statusIs(forwarded(row.at, row.host), row.want, row.host+" at "+row.at)
	}
}

func TestAnUnknownHostIsRefusedByAllShops(t *testing.T) {
	m := openMall(t, nil)
	for _, host := range []string{"evil.example", "toys.example.evil.example", "toys.example@evil.example", "a.books.example", "127.0.0.1"} {
		a := m.at(host, "GET", "/", "")
		m.statusIs(a, http.StatusMisdirectedRequest, host)
		if !strings.Contains(a.body, "cocart_gateway_unknown_host") || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %s, id %q", host, a.body, a.header.Get("X-Request-Id"))
		}
	}
	m.statusIs(m.at("books.example", "GET", "/", "", "X-Forwarded-Host: toys.example"), http.StatusMisdirectedRequest, "the host of another shop behind a proxy")
	log := m.logged()
	if n := strings.Count(log, "code=cocart_gateway_unknown_host"); n < 6 {
		t.Errorf("%d lines of the log, want 6 or more:\n%s", n, log)
	}
	metrics := m.administer("GET", "/metrics").body
	for _, want := range []string{`cocart_gateway_http_requests_total{code="421",method="GET",route="site",shop=""} 5`,
		`cocart_gateway_security_events_total{event="unknown_host",shop=""} 5`, `cocart_gateway_security_events_total{event="unknown_host",shop="books"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestMetricsAndLogNameTheShop(t *testing.T) {
	m := openMall(t, nil)
	m.at("toys.example", "POST", loginRoute, `{"username":"alice","password":"wonderland-1"}`)
	metrics := m.administer("GET", "/metrics").body
	for _, want := range []string{`cocart_gateway_logins_total{result="accepted",shop="toys"} 1`, `cocart_gateway_logins_total{result="accepted",shop="books"} 0`,
		`cocart_gateway_dependency_up{dependency="wordpress",shop="toys"} 1`, `cocart_gateway_dependency_up{dependency="redis",shop="books"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, "cocart_gateway_redis_command_duration") && strings.Contains(line, "shop=") {
			t.Errorf("the connection to Redis is shared: %s", line)
		}
	}
	tokenstest.Eventually(t, "the log names the shop", func() bool {
		for line := range strings.Lines(m.logged()) {
			if strings.Contains(line, "route=login") && strings.Contains(line, " shop=toys ") {
				return true
			}
		}
		return false
	})
}

func TestASingleShopHasNoLabel(t *testing.T) {
	r := start(t, nil)
	if metrics := r.administer("GET", "/metrics").body; strings.Contains(metrics, "shop=") {
		t.Error("the metrics of a single shop have a label shop")
	}
	r.login()
	if log := r.logged(); strings.Contains(log, " shop=") {
		t.Errorf("the log of a single shop has a field shop:\n%s", log)
	}
	if got := r.administer("GET", "/shops"); strings.TrimSpace(got.body) != `{"shops":[]}` {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestAReloadChangesAllShopsOrNone(t *testing.T) {
	m := openMall(t, nil)
	toys, _ := m.loggedIn("toys.example")
	m.write(settings{"shops": m.list(", site2: {}", ", compat: {invalid_token_status: 403}")})
	if a := m.administer("POST", "/reload"); a.status != 422 || !strings.Contains(a.body, "shops[0].site2") {
		t.Errorf("a mistake in one shop: %d %s", a.status, a.body)
	}
	m.statusIs(m.at("books.example", "GET", cart, "", "Authorization: Bearer bad"), 401, "after a mistake in the other shop")
	m.write(settings{"shops": m.list("", ", compat: {invalid_token_status: 403}")})
	if a := m.reload(); strings.TrimSpace(a.body) != `{"changed":["shops[books].compat.invalid_token_status"],"restart_needed":[]}` {
		t.Error(a.body)
	}
	m.statusIs(m.at("books.example", "GET", cart, "", "Authorization: Bearer bad"), 403, "at the changed shop")
	m.statusIs(m.at("toys.example", "GET", cart, "", "Authorization: Bearer bad"), 401, "at the other one")
	m.statusIs(m.at("toys.example", "GET", cart, "", "Authorization: Bearer "+toys), 200, "a session of before")

	tea := strings.TrimSuffix(m.list(), "]") + `, {name: tea, site: {url: "https://tea.example"}, upstream: {url: "http://127.0.0.1:1", secret: "the secret of the tea, of 32 bytes and more"},
 tokens: {keys: [{id: k3, algorithm: HS256, secret: "a third signing key of these tests, 32 bytes"}]}}]`
	m.write(settings{"shops": tea})
	if a := m.reload(); !strings.Contains(a.body, `"restart_needed":["shops[tea]"]`) {
		t.Error(a.body)
	}
	m.statusIs(m.at("tea.example", "GET", "/", ""), http.StatusMisdirectedRequest, "a shop before the restart")
	m.statusIs(m.at("toys.example", "GET", "/", ""), 200, "the other shops")
}

func TestTheAdministrationNamesAShop(t *testing.T) {
	m := openMall(t, nil)
	m.loggedIn("toys.example")
	for _, path := range []string{"/sessions", "/status", "/lockouts", "/history", "/sessions?shop=tea"} {
		if a := m.administer("GET", path); a.status != 400 || !strings.Contains(a.body, "toys, books") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if a := m.send("http://"+m.admin, "GET", path, ""); a.status != 401 || strings.Contains(a.body, "toys") {
			t.Errorf("%s without the token: %d %s", path, a.status, a.body)
		}
	}
	for path, want := range map[string]string{"/sessions?shop=toys": `"login":"alice"`, "/status?shop=books": `"version"`, "/history?shop=toys": `"series"`,
		"/shops": `{"shops":["toys","books"]}`, "/config": "name: books", "/config?shop=toys": "name: toys", "/config/changes": `"changed":[]`,
		"/lockouts?shop=books": `"lockouts":[]`, "/": "<!doctype html>"} {
		if a := m.administer("GET", path); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.body, want)
		}
	}
	if a := m.administer("GET", "/sessions?shop=books"); strings.Contains(a.body, "alice") {
		t.Errorf("a session of the toys among those of the books: %s", a.body)
	}
	if a := m.administer("GET", "/sessions?shop=toys&colour=red"); a.status != 400 || !strings.Contains(a.body, "colour") {
		t.Errorf("an unknown parameter: %d %s", a.status, a.body)
	}
}

func TestReadinessSaysWhichShopIsNot(t *testing.T) {
	m := openMall(t, nil)
	m.books.Close()
	tokenstest.Eventually(t, "the gateway is not ready", func() bool { return m.administer("GET", "/readyz").status == 503 })
	a := m.administer("GET", "/readyz")
	if !strings.Contains(a.body, `"books":{"ready":false,"redis":"ok","wordpress":"unavailable"`) || !strings.Contains(a.body, `"toys":{"ready":true,`) {
		t.Error(a.body)
	}
	m.statusIs(m.administer("GET", "/servez"), 200, "the probe of load balancers")
	m.statusIs(m.at("toys.example", "GET", "/", ""), 200, "the other shop")
}

// command runs a command with the configuration of the gateway.
func (m *mall) command(args ...string) said {
	m.Helper()
	d := &desk{T: m.T, config: m.path, clock: tokenstest.NewClock(), stdin: strings.NewReader("")}
	d.clock.Set(now())
	return d.run(args...)
}

func TestCommandsNameAShop(t *testing.T) {
	m := openMall(t, nil)
	m.loggedIn("toys.example")
	for _, row := range []struct {
		args         []string
		code         int
		has, lacking string
	}{
		{[]string{"sessions", "list", "--shop", "toys"}, 0, "alice", ""},
		{[]string{"sessions", "list", "--shop", "books"}, 0, "LOGIN", "alice"},
		{[]string{"sessions", "list"}, 1, "--shop: the configuration is for several shops: name one of toys, books", ""},
		{[]string{"sessions", "list", "--shop", "tea"}, 1, "there is no shop tea; the shops are toys, books", ""},
		{[]string{"keys", "list", "--shop", "books"}, 0, "k2", "k1"},
		{[]string{"lockouts", "list", "--shop", "books"}, 0, "counter", ""},
		{[]string{"lockouts", "clear", "--all"}, 1, "toys, books", ""},
		{[]string{"wordpress", "config", "--shop", "books"}, 0, m.books.Secret, m.toys.Secret},
		{[]string{"wordpress", "config"}, 1, "toys, books", m.toys.Secret},
		{[]string{"config", "check"}, 0, "name: books", m.books.Secret},
		{[]string{"healthcheck", "--ready"}, 0, `"books":{"ready":true`, ""},
	} {
		got := m.command(row.args...)
		text := got.stdout + got.stderr
		if got.code != row.code || !strings.Contains(text, row.has) || row.lacking != "" && strings.Contains(text, row.lacking) {
			t.Errorf("%s: exit %d\n%s\nwant exit %d with %s", strings.Join(row.args, " "), got.code, text, row.code, row.has)
		}
	}
	if got := (&desk{T: t, config: configFile(t, "127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1"), clock: tokenstest.NewClock()}).run("keys", "list", "--shop", "toys"); got.code != 1 || !strings.Contains(got.stderr, "single shop") {
		t.Errorf("--shop for a single shop: %d %s", got.code, got.stderr)
	}
}

func TestAKeyIsRotatedForOneShop(t *testing.T) {
	m := openMall(t, nil)
	before, _ := m.loggedIn("books.example")
	if got := m.command("keys", "rotate", "--shop", "books", "--id", "next"); got.code != 0 || !strings.Contains(got.stdout, "key-books-next.pem") {
		t.Fatalf("%d %s%s", got.code, got.stdout, got.stderr)
	}
	if a := m.reload(); !strings.Contains(a.body, `"changed":["shops[books].tokens.keys"]`) {
		t.Error(a.body)
	}
	m.statusIs(m.at("books.example", "GET", cart, "", "Authorization: Bearer "+before), 200, "a token of the old key")
	if got := m.command("keys", "list", "--shop", "toys"); strings.Contains(got.stdout, "next") || strings.Contains(got.stdout, "retire") {
		t.Errorf("the keys of the toys: %s", got.stdout)
	}
}

// The plugin is missing in both shops, which is the same sentence.
func TestTheDoctorReportsTheSameProblemOfEachShop(t *testing.T) {
	m := openMall(t, nil)
	m.toys.NoPlugin, m.books.NoPlugin = true, true
	var report struct {
		Checks []struct{ ID, Status, Shop string }
	}
	if err := json.Unmarshal([]byte(m.command("doctor", "--json").stdout), &report); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, c := range report.Checks {
		got[c.Shop+" "+c.ID+" "+c.Status]++
	}
	for _, want := range []string{"wordpress.plugin problem", "tokens.access_ttl ok", "redis.data ok"} {
		if got["toys "+want] != 1 || got["books "+want] != 1 {
			t.Errorf("%s is reported %d times for the toys and %d times for the books", want, got["toys "+want], got["books "+want])
		}
	}
	if got["toys listeners.admin ok"] != 1 || got["books listeners.admin ok"] != 0 {
		t.Errorf("the shared listener: %v", got)
	}
}

func TestTheDoctorExaminesEachShop(t *testing.T) {
	m := openMall(t, nil)
	m.books.NoPlugin = true
	got := m.command("doctor", "--json")
	for _, shop := range []string{"toys", "books"} {
		if !strings.Contains(got.stdout, `"shop": "`+shop+`"`) {
			t.Errorf("nothing about %s: %s", shop, got.stdout)
		}
	}
	if n := strings.Count(got.stdout, `"redis.reachable"`); n != 1 {
		t.Errorf("the shared Redis is reported %d times", n)
	}
	text := m.command("doctor").stdout
	if !strings.HasPrefix(text, "Shop toys\n=========\n") || !strings.Contains(text, "\nShop books\n==========\n") {
		t.Errorf("%s", text)
	}
	one := m.command("doctor", "--shop", "books").stdout
	if strings.Contains(one, "toys") || !strings.Contains(one, "WordPress") {
		t.Errorf("%s", one)
	}
	if a := m.send("http://"+m.admin, "POST", "/doctor?shop=books", "", "Authorization: Bearer "+adminToken); a.status != 200 || strings.Contains(a.body, "toys") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
