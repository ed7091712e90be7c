package browser

import (
	"context"
	"flag"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/admin/history"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

var shots = flag.String("shots", "", "write pictures of the console to this `folder`")

const adminToken = "an administration token of the tests, 32 bytes"

// desk is an admin listener with sessions, lockouts and a past.
type desk struct {
	*tab
	address     string
	authorities []*tokens.Authority // of each shop
	reloads     atomic.Int32
	changed     atomic.Bool // the file differs from what is in force
}

// openDesk opens a browser for the console of shops with these names, each with a Redis and a WordPress of its own; a single
// shop has no name.
func openDesk(t *testing.T, names ...string) *desk {
	t.Helper()
	d := &desk{tab: openTab(t)}
	d.changed.Store(true)
	if len(names) == 0 {
		handler, authority := d.shop(nil)
		d.serve(handler)
		d.authorities = []*tokens.Authority{authority}
		return d
	}
	var shops []admin.Shop
	for _, name := range names {
		handler, authority := d.shop(names)
		shops, d.authorities = append(shops, admin.Shop{Name: name, Handler: handler}), append(d.authorities, authority)
	}
	d.serve(admin.NewShops(shops))
	return d
}

func (d *desk) serve(handler http.Handler) {
	server := httptest.NewServer(handler)
	d.t.Cleanup(server.Close)
	d.address = server.URL + "/"
}

// shop is the admin listener of one shop; names are those of all shops.
func (d *desk) shop(names []string) (*admin.Handler, *tokens.Authority) {
	t := d.t
	t.Helper()
	wordpress, store, registry := upstreamtest.Start(t), miniredis.RunT(t), prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), MaxRetries: -1, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	key, err := keys.NewHMAC("k1", "HS256", []byte("the signing secret of the tests, 32 bytes and more"))
	d.must(err)
	authority, err := tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: []keys.Key{key}, MaxSessions: -1, Log: log}, client, registry)
	d.must(err)
	d.must(authority.CatchUp(t.Context()))
	origin, err := url.Parse(wordpress.URL)
	d.must(err)
	site, err := url.Parse(upstreamtest.SiteURL)
	d.must(err)
	up, err := upstream.New(upstream.Config{URL: origin, SiteURL: site, Secrets: []string{upstreamtest.Secret}}, registry, log)
	d.must(err)
	t.Cleanup(up.Close)
	limit := attempts.Limit{N: 1, Per: 15 * time.Minute}
	guard, err := attempts.New(attempts.Config{Account: limit, Address: limit, Secret: []byte("a key of the tests, 32 bytes and more"), Log: log}, wprequest.NameKey, client)
	d.must(err)
	d.lockOut(guard)
	return admin.New(admin.Config{Token: adminToken, Lockouts: guard, History: past(), Log: log, Doctor: report, Shops: names,
		Configuration: admin.Configuration{
			Show:    func() ([]byte, error) { return []byte(configuration), nil },
			Changes: d.changes,
			Reload:  func() (admin.Reloaded, []string) { d.reloads.Add(1); defer d.changed.Store(false); return d.changes() },
		},
		Program: admin.Program{Version: "0.1.0", Revision: "2f9c1e7a", Started: time.Now().Add(-52 * time.Hour), Keys: signingKeys, Certificates: certificates},
	}, authority, up, registry), authority
}

func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) changes() (would admin.Reloaded, problems []string) {
	would = admin.Reloaded{Changed: []string{}, RestartNeeded: []string{}}
	if d.changed.Load() {
		would = admin.Reloaded{Changed: []string{"limits.login.account", "tokens.access_ttl"}, RestartNeeded: []string{"redis.address"}}
	}
	return would, nil
}

// lockOut locks user 17 out, and the address that tried.
func (d *desk) lockOut(guard *attempts.Guard) {
	d.t.Helper()
	a, err := guard.Begin(d.t.Context(), attempts.Try{Names: []string{"mallory"}, Client: netip.MustParseAddr("192.0.2.66")})
	d.must(err)
	_, err = a.Refused(d.t.Context(), 17)
	d.must(err)
}

// login begins n sessions of a user, of the first shop.
func (d *desk) login(n int, user int64, name, address, agent string) {
	d.t.Helper()
	for range n {
		_, err := d.authorities[0].Issue(d.t.Context(), tokens.Identity{UserID: user, Login: name, Fingerprint: "fp"}, tokens.Client{Address: address, Device: agent})
		d.must(err)
	}
}

// past is half an hour of a shop with a rush of customers, an attack, and a slow WordPress.
func past() *history.History {
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cocart_gateway_http_requests_total"}, []string{"route", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cocart_gateway_http_request_duration_seconds", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5}}, []string{"route"})
	wordpress := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cocart_gateway_upstream_request_duration_seconds", Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5}}, []string{"call"})
	commands := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "cocart_gateway_redis_command_duration_seconds", Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005}}, []string{"command"})
	inFlight := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cocart_gateway_upstream_in_flight"}, []string{"node"})
	queued := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "cocart_gateway_upstream_queued"}, []string{"queue"})
	started := prometheus.NewCounter(prometheus.CounterOpts{Name: "cocart_gateway_sessions_started_total"})
	refreshes := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cocart_gateway_refreshes_total"}, []string{"verdict"})
	logins := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cocart_gateway_logins_total"}, []string{"result"})
	registry.MustRegister(requests, seconds, wordpress, commands, inFlight, queued, started, refreshes, logins)
	h := history.New(registry)
	begin := time.Now().Add(-history.Length * history.Interval)
	for i := range history.Length {
		x := float64(i)
		rush := 1.3 + math.Sin(x/57) + .15*math.Sin(x/3)
		slow := math.Exp(-(x - 230) * (x - 230) / (30 * 30))
		attack := math.Exp(-(x - 120) * (x - 120) / (12 * 12))
		requests.WithLabelValues("cocart", "200").Add(60 * rush)
		requests.WithLabelValues("site", "200").Add(120 * (rush + .4))
		requests.WithLabelValues("refresh", "200").Add(8 * rush)
		requests.WithLabelValues("login", "401").Add(3 + 30*attack)
		requests.WithLabelValues("login", "429").Add(90 * attack)
		requests.WithLabelValues("site", "503").Add(20 * slow)
		for n := range 20 {
			answer := (.01 + .004*float64(n)) * (1 + 8*slow)
			seconds.WithLabelValues("cocart").Observe(answer)
			wordpress.WithLabelValues("forward").Observe(answer * .9)
			commands.WithLabelValues("evalsha").Observe(.0002 + .00004*float64(n))
		}
		inFlight.WithLabelValues("a").Set(4 + 3*rush + 30*slow)
		queued.WithLabelValues("cocart").Set(math.Floor(25 * slow))
		started.Add(2 * rush)
		refreshes.WithLabelValues("rotated").Add(8 * rush)
		logins.WithLabelValues("refused").Add(1 + 30*attack)
		h.Take(begin.Add(time.Duration(i) * history.Interval))
	}
	return h
}

func signingKeys() []admin.Key {
	return []admin.Key{{ID: "2027-01", Algorithm: "EdDSA", Use: "signs"}, {ID: "2026-07", Algorithm: "EdDSA", Use: "verifies", RetireAt: time.Now().Add(9 * 24 * time.Hour)}}
}

func certificates() []admin.Certificate {
	return []admin.Certificate{{Names: []string{"shop.example", "www.shop.example"}, Expires: time.Now().Add((61*24 + 12) * time.Hour)}, {Names: []string{"old.example"}, Expires: time.Now().Add(5 * 24 * time.Hour)}}
}

const configuration = "listen: 0.0.0.0:8080\nadmin:\n  listen: 127.0.0.1:9090\n  token: '[redacted]'\nupstream:\n  url: http://127.0.0.1:8000\n  secret: '[redacted]'\nsite:\n  url: https://shop.example\n"

func report(context.Context) any {
	check := func(id, status, found, advice string) map[string]string {
		group, _, _ := strings.Cut(id, ".")
		return map[string]string{"id": id, "group": group, "status": status, "found": found, "advice": advice}
	}
	return map[string]any{"ok": false, "checks": []map[string]string{
		check("configuration.file", "ok", "/etc/cocart-gateway/config.yaml is valid.", ""),
		check("tokens.access_ttl", "warning", "Access tokens are valid for 20d; a stolen one stays usable until it expires.", "If your apps refresh tokens by themselves, as CoCart's SDKs do, write tokens.access_ttl: 15m."),
		check("redis.reachable", "problem", "Redis at 127.0.0.1:6379 cannot be reached: connection refused.", "Start it, or correct redis.address and redis.tls."),
		check("redis.version", "unchecked", "Not checked: Redis did not answer.", ""),
	}}
}

const firefox, phone = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0", "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36"

// shoot writes a picture, if pictures are wanted, for each width and scheme.
func (d *desk) shoot(name string) {
	d.t.Helper()
	if *shots == "" {
		return
	}
	for look, width := range map[string]int{"light": 1280, "dark": 1280, "phone": 390} {
		scheme := map[string]string{"dark": "dark"}[look]
		d.look(width, scheme)
		d.must(os.WriteFile(filepath.Join(*shots, name+"-"+look+".png"), d.picture(), 0o600))
	}
	d.look(1280, "light")
}

// enter logs in with a token, by keyboard.
func (d *desk) enter(token string) {
	d.t.Helper()
	d.until(`document.activeElement.id === "token"`)
	d.write(token)
	d.press("Enter")
}

// panel goes to a panel and waits for its contents.
func (d *desk) panel(name string) {
	d.t.Helper()
	d.evaluate(`location.hash = "/` + name + `"`)
	d.until(`document.documentElement.dataset.ready === "` + name + `"`)
}

// end checks that the browser had nothing to complain about, violations of the policy among it.
func (d *desk) end() {
	d.t.Helper()
	if all := d.complaints(); len(all) > 0 {
		d.t.Errorf("the browser says: %s", strings.Join(all, "\n"))
	}
}

func TestTheConsoleOpensWithTheTokenAlone(t *testing.T) {
	d := openDesk(t)
	d.open(d.address)
	d.shoot("login")
	d.enter("a wrong token")
	d.until(`document.getElementById("login-error").textContent.includes("wrong")`)
	if got := d.evaluate(`document.getElementById("console").hidden && sessionStorage.length === 0`); got != true {
		t.Errorf("with a wrong token the console is open")
	}
	d.enter(adminToken)
	d.until(`document.documentElement.dataset.ready === "overview"`)
	d.open(d.address) // again, in the same tab
	d.until(`document.documentElement.dataset.ready === "overview"`)
	if got := d.evaluate(`[localStorage.length, document.cookie, location.search, document.getElementById("token").value].join("|")`); got != "0|||" {
		t.Errorf("the token may have been left behind: %v", got)
	}
	d.evaluate(`document.getElementById("leave").click()`)
	d.until(`!document.getElementById("login").hidden && sessionStorage.length === 0`)
	d.end()
}

func TestTheConsoleShowsEveryPanel(t *testing.T) {
	d := openDesk(t)
	d.login(3, 2, "alice", "192.0.2.7", phone)
	d.login(30, 12, "bob", "2001:db8::12", firefox)
	d.login(1, 13, `<img src=x onerror="document.title='run'">`, "198.51.100.9", `<script>document.title = "run"</script>`)
	d.open(d.address)
	d.enter(adminToken)
	for _, p := range []struct{ name, holds string }{
		{"overview", `document.querySelectorAll(".state-card.good").length === 4 && document.querySelectorAll(".plot path").length >= 14 && document.getElementById("state").textContent === "all is well"`},
		{"overview", `document.getElementById("keys").innerText.includes("2026-07") && document.getElementById("certificates").innerText.includes("in 61 days") && document.querySelectorAll("#certificates td.bad").length === 1`},
		{"sessions", `document.querySelectorAll("#session-list tbody tr").length === 25 && document.getElementById("count").textContent.startsWith("34 live sessions")`},
		{"lockouts", `document.querySelectorAll("#lockout-list tbody tr").length === 2 && document.getElementById("lockout-list").innerText.includes("user 17")`},
		{"configuration", `document.getElementById("changes").innerText.includes("redis.address") && document.getElementById("in-force").textContent.includes("[redacted]")`},
		{"doctor", `document.getElementById("report").childElementCount === 0`},
	} {
		d.panel(p.name)
		d.until(p.holds)
		d.look(390, "light")
		if got := d.evaluate(`document.documentElement.scrollWidth`); got != 390.0 {
			t.Errorf("%s is %v wide on a phone", p.name, got)
		}
		d.look(1280, "light")
		d.shoot(p.name)
	}
	d.evaluate(`document.getElementById("examine").click()`)
	d.until(`document.getElementById("report").innerText.includes("1 problem, 1 warning.") && document.querySelectorAll("#report li.problem").length === 1`)
	d.shoot("doctor")
	if got := d.evaluate(`document.title`); strings.Contains(got.(string), "run") {
		t.Error("text of a client ran as a script")
	}
	d.end()
}

// Every object has the members of Object.prototype.
func TestAFragmentThatNamesNoPanelShowsTheOverview(t *testing.T) {
	d := openDesk(t)
	d.open(d.address + "#/toString")
	d.enter(adminToken)
	d.until(`document.documentElement.dataset.ready === "overview"`)
	d.panel("sessions")
	for _, name := range []string{"constructor", "__proto__", "tea"} {
		d.evaluate(`delete document.documentElement.dataset.ready; location.hash = "/` + name + `"`)
		d.until(`document.documentElement.dataset.ready === "overview" && !document.getElementById("overview").hidden`)
	}
	d.end()
}

// Behind a proxy others may have sent wrong tokens from the same address.
func TestTheConsoleAsksForTheTokenWhenItWasChanged(t *testing.T) {
	d := openDesk(t)
	d.open(d.address)
	d.enter(adminToken)
	d.until(`document.documentElement.dataset.ready === "overview"`)
	d.evaluate(`sessionStorage.setItem("cocart-gateway admin token", "that of before"); (async () => {
		for (let i = 0; i < 11; i++) await fetch("status", { headers: { Authorization: "Bearer wrong" } });
		location.hash = "/sessions";
	})()`)
	d.until(`!document.getElementById("login").hidden && document.getElementById("login-error").textContent.includes("wrong")`)
	d.enter(adminToken)
	d.until(`document.documentElement.dataset.ready === "sessions"`)
}

func TestTheConsoleShowsOneOfSeveralShops(t *testing.T) {
	d := openDesk(t, "toys", "tea")
	d.login(3, 2, "alice", "192.0.2.7", phone)
	d.open(d.address)
	d.enter(adminToken)
	shown := func(shop, count string) {
		t.Helper()
		d.panel("sessions")
		d.until(`document.getElementById("shop").value === "` + shop + `" && document.getElementById("count").textContent === "` + count + `"`)
	}
	d.until(`document.documentElement.dataset.ready === "overview" && !document.getElementById("shop").hidden`)
	shown("toys", "3 live sessions")
	for _, name := range []string{"overview", "lockouts", "configuration"} {
		d.panel(name)
		if got := d.evaluate(`document.getElementById("message").hidden`); got != true {
			t.Errorf("%s: %v", name, d.evaluate(`document.getElementById("message").textContent`))
		}
	}
	d.look(390, "light")
	if got := d.evaluate(`document.documentElement.scrollWidth`); got != 390.0 {
		t.Errorf("it is %v wide on a phone", got)
	}
	d.look(1280, "light")
	d.shoot("shops")
	d.evaluate(`(() => { const shop = document.getElementById("shop"); shop.value = "tea"; shop.dispatchEvent(new Event("change")); })()`)
	d.open(d.address) // the page loads itself anew, and a wait in it would end with it
	shown("tea", "No live session.")
	d.end()
}

func TestTheConsoleFindsAndEndsSessions(t *testing.T) {
	d := openDesk(t)
	d.login(3, 2, "alice", "192.0.2.7", phone)
	d.login(2, 12, "bob", "198.51.100.12", firefox)
	d.open(d.address + "#/sessions")
	d.enter(adminToken)
	d.until(`document.getElementById("count").textContent === "5 live sessions"`)
	find := func(text, count string) {
		t.Helper()
		d.evaluate(`(() => { const find = document.getElementById("find"); find.value = ""; find.focus(); })()`)
		d.write(text)
		d.press("Enter")
		d.until(`document.getElementById("count").textContent === "` + count + `"`)
	}
	find("12", "2 live sessions")
	find("alice@example.com", "3 live sessions")
	find("alice", "3 live sessions")
	find("192.0.2.0/24", "3 live sessions")
	find("7", "No live session.")
	find("alice", "3 live sessions")
	d.evaluate(`document.querySelector("#session-list tbody button").click()`)
	d.until(`document.getElementById("ask").open && document.activeElement.textContent === "Cancel"`)
	d.shoot("ask")
	d.press("Escape")
	d.until(`!document.getElementById("ask").open && document.getElementById("count").textContent === "3 live sessions"`)
	d.evaluate(`document.querySelector("#session-list tbody button").click()`)
	d.press("Tab")
	d.press("Enter")
	d.until(`document.getElementById("count").textContent === "2 live sessions" && document.getElementById("message").textContent === "The session of alice ended."`)
	d.evaluate(`document.getElementById("end-user").click()`)
	d.press("Tab")
	d.press("Enter")
	d.until(`document.getElementById("message").textContent === "2 sessions of alice ended."`)
	d.end()
}
