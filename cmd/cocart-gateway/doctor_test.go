package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// practice is a shop for a doctor to look at, and the configuration of its gateway.
type practice struct {
	*upstreamtest.Desk
	listen, admin, upstream, site, redis, more string
	accessTTL, proxies                         string
	mode                                       os.FileMode
}

// openPractice is a shop in which all is well. It has no Redis; that is no complaint where none was given.
func openPractice(t *testing.T) *practice {
	t.Helper()
	d := upstreamtest.OpenDesk(t)
	return &practice{Desk: d, listen: freeAddress(t), admin: freeAddress(t), upstream: d.URL, site: upstreamtest.SiteURL,
		redis: noRedis, accessTTL: "10d", proxies: "[127.0.0.1]", mode: 0o600}
}

const noRedis = "{address: embedded}"

func (p *practice) write(t *testing.T) string {
	t.Helper()
	redis := p.redis
	if redis != noRedis { // which may take its time, on a machine that has much to do
		redis = strings.Replace(redis, "{", "{timeout: 1m, ", 1)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf(`
listen: %q
admin: {listen: %q}
upstream: {url: %s, secret: %q}
site: {url: %q}
tokens: {access_ttl: %s, keys: [{id: main, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
redis: %s
trusted_proxies: %s
%s`, p.listen, p.admin, p.upstream, upstreamtest.Secret, p.site, p.accessTTL, redis, p.proxies, p.more)
	if err := os.WriteFile(path, []byte(text), p.mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// look runs doctor --json and returns what is not well, one text each; but not that Redis is slow, as it is on a busy
// machine.
func (p *practice) look(t *testing.T) (code int, complaints []string) {
	t.Helper()
	path := p.write(t)
	out := newOutput()
	code = run(t.Context(), []string{"doctor", "--json", "--config", path}, noEnv, out, out)
	var answer report
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if answer.OK != (code == exitOK) {
		t.Errorf("ok is %t, the exit code %d", answer.OK, code)
	}
	names := strings.NewReplacer(path, "FILE", p.upstream, "UPSTREAM", p.listen, "LISTEN", p.admin, "ADMIN")
	for _, c := range answer.Checks {
		if c.Status != statusOK && c.ID != "redis.latency" && (p.redis != noRedis || c.Group != "redis" && c.ID != "configuration.warning-redis.address") {
			complaints = append(complaints, names.Replace(strings.TrimSuffix(fmt.Sprintf("%s %s: %s → %s", c.Status, c.ID, c.Found, c.Advice), " → ")))
		}
	}
	return code, complaints
}

// expect quotes every complaint but those that something was not checked, of which it names the reasons.
func (p *practice) expect(t *testing.T, code int, want ...string) {
	t.Helper()
	got, complaints := p.look(t)
	complaints = slices.DeleteFunc(complaints, func(c string) bool { return strings.HasPrefix(c, "unchecked ") })
	if got != code || !slices.Equal(complaints, want) {
		t.Errorf("exit %d, want %d\ngot\n%s\nwant\n%s", got, code, strings.Join(complaints, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheDoctorFindsAHealthyShopWellOnRealRedis(t *testing.T) {
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", tokenstest.Redis(t, "--appendonly", "yes").Addr())
	p.expect(t, exitOK)
	path := p.write(t)
	tokenstest.Eventually(t, "all is well, and Redis was quick once", func() bool {
		out := newOutput()
		run(t.Context(), []string{"doctor", "--config", path}, noEnv, out, out)
		return strings.HasSuffix(out.String(), "\n\nAll is well.\n")
	})
}

// A configuration that leaves every key at its default, except those without a sensible one, gets no warning.
func TestAMinimalConfigurationHasNoWarning(t *testing.T) {
	const everyFile = "upstream: {url: %s, secret: %q}\ntokens: {keys: [{id: main, algorithm: HS256, secret: \"a signing key of these tests, 32 bytes\"}]}\n"
	d := upstreamtest.OpenDesk(t)
	redis := tokenstest.Redis(t, "--appendonly", "yes").Addr()
	for name, more := range map[string]string{
		"a first try on one machine": "site: {url: http://localhost:8080}\n",
		"a shop behind a proxy":      fmt.Sprintf("site: {url: %s}\nredis: {address: %q, timeout: 1m}\ntrusted_proxies: [127.0.0.1]\n", upstreamtest.SiteURL, redis),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, fmt.Appendf(nil, everyFile+more, d.URL, upstreamtest.Secret), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := check(path); got.code != exitOK || got.stderr != "" {
				t.Errorf("config check: exit %d, %s", got.code, got.stderr)
			}
			out := newOutput()
			run(t.Context(), []string{"doctor", "--config", path}, noEnv, out, out)
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "  warning ") && !strings.Contains(line, "It answers in ") {
					t.Errorf("doctor: %s", line)
				}
			}
		})
	}
}

// Each row is a shop in which one thing is wrong, and all that the doctor complains of.
func TestTheDoctorSaysWhatIsWrongWithTheShop(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*practice)
		code  int
		want  string
	}{
		"the plugin is missing": {func(p *practice) { p.NoPlugin = true }, 1,
			"problem wordpress.plugin: The must-use plugin is not there: nobody can log in, and every customer is a guest. → Install it: cd …/wp-content/mu-plugins && cocart-gateway wordpress plugin > cocart-gateway.php.new && chmod 644 cocart-gateway.php.new && mv cocart-gateway.php.new cocart-gateway.php"},
		"the plugin is too old to answer": {func(p *practice) { p.OldPlugin = true; p.Facts["plugin"] = "0.9.0" }, 1,
			"problem wordpress.plugin: The must-use plugin is too old to answer: version 0.9.0, and this gateway comes with 1.2.0. → If the file is new already, reload PHP, whose opcache has the old one. Else write it anew: cd …/wp-content/mu-plugins && cocart-gateway wordpress plugin > cocart-gateway.php.new && chmod 644 cocart-gateway.php.new && mv cocart-gateway.php.new cocart-gateway.php"},
		"the plugin is older": {fact("plugin", "0.10.2"), 1,
			"problem wordpress.plugin: The must-use plugin is version 0.10.2, older than 1.2.0, which belongs to this gateway. → If the file is new already, reload PHP, whose opcache has the old one. Else write it anew: cd …/wp-content/mu-plugins && cocart-gateway wordpress plugin > cocart-gateway.php.new && chmod 644 cocart-gateway.php.new && mv cocart-gateway.php.new cocart-gateway.php"},
		"the plugin is newer": {fact("plugin", "1.10.0"), 0,
			"warning wordpress.plugin: The must-use plugin is version 1.10.0, newer than 1.2.0, which belongs to this gateway. → Upgrade the gateway, too, or put the older plugin back."},
		"the plugin is in the wrong folder": {fact("late", true), 1,
			"problem wordpress.late: It is loaded as an ordinary plugin, after others that may log somebody in. → Move cocart-gateway.php to wp-content/mu-plugins, not into a folder below it."},
		"a backup of the plugin beside it": {fact("copies", []string{"mu-plugins/cocart-gateway_old.php"}), 0,
			`warning wordpress.copies: WordPress loads more than one copy of it. The first is in force; not in force: ["mu-plugins/cocart-gateway_old.php"]. → Leave wp-content/mu-plugins/cocart-gateway.php; keep backups under a name that does not end in .php.`},
		"another secret": {func(p *practice) { p.Secret = "another secret, longer than thirty-two bytes" }, 1,
			"problem wordpress.secret: It does not know our secret: COCART_GATEWAY_SECRET in wp-config.php is another one, too short, or missing. → Put the value of upstream.secret there, above \"That's all\": cocart-gateway wordpress config prints the line."},
		"a clock an hour ahead": {clock(time.Hour), 1,
			"problem wordpress.clock: The clock of WordPress is 1h ahead of ours. → Let both machines keep time by NTP (timedatectl)."},
		"a clock an hour behind": {clock(-time.Hour), 1,
			"problem wordpress.clock: The clock of WordPress is 1h behind ours. → Let both machines keep time by NTP (timedatectl)."},
		"another site": {func(p *practice) { p.Site = "www.shop.example" }, 1,
			"problem wordpress.site: WordPress takes itself for www.shop.example, and site.url is https://shop.example. → Write to site.url what Settings → General has as Site Address; or define COCART_GATEWAY_AUDIENCE in wp-config.php."},
		"another scheme": {fact("home", "http://shop.example"), 0,
			"warning wordpress.site: WordPress has http://shop.example as its address, and site.url is https://shop.example: its links will lead there. → Make Settings → General say https://shop.example."},
		"a proxy that changes the host": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Host = "backend"; return false }), 1,
			"problem wordpress.host: WordPress sees the Host backend instead of shop.example. → A proxy between the gateway and PHP changes it: let it pass Host on (nginx: proxy_set_header Host $http_host)."},
		"a proxy that changes the address": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.RequestURI = "/x" + r.RequestURI; return false }), 1,
			"problem wordpress.target: WordPress sees another address than the gateway asked for. → A proxy or rewrite rule between the gateway and PHP changes REQUEST_URI: let it pass unchanged."},
		"a proxy that changes the method": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Method = "POST"; return false }), 1,
			"problem wordpress.method: WordPress sees the method POST instead of GET. → Something between the gateway and PHP changes it."},
		"a proxy that takes the header off": {before(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("X-CoCart-Gateway"); return false }), 1,
			"problem wordpress.plugin: The must-use plugin is there, but the header X-CoCart-Gateway does not reach it. → Something between the gateway and PHP takes it off: let it pass."},
		"a proxy that takes the answer's header off": {answering(200, "{}"), 1,
			"problem wordpress.plugin: The must-use plugin answers, but its header X-CoCart-Gateway-Status does not reach us. → Something between PHP and the gateway takes the X-CoCart-Gateway headers off: let them pass."},
		"a redirect": {before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "https://shop.example/?token=x")
			w.WriteHeader(301)
			return true
		}), 1, `problem wordpress.reachable: UPSTREAM sends us elsewhere: 301 to "https://shop.example/?…". → Write the address that serves shop.example itself to upstream.url; if that insists on HTTPS, https://.`},
		"PHP is down": {answering(502, "<h1>Bad Gateway</h1>"), 1,
			"problem wordpress.reachable: UPSTREAM answers 502: PHP or the database behind it does not work. → Look into the logs of the web server and of PHP."},
		"maintenance": {answering(503, "<h1>Briefly unavailable for scheduled maintenance.</h1>"), 1,
			"problem wordpress.reachable: UPSTREAM answers 503: WordPress is in maintenance, or PHP or the database behind it does not work. → Look for a file .maintenance beside wp-config.php, which a broken update leaves behind, and into the logs of the web server and of PHP."},
		"a byte order mark in wp-config.php": {answering(200, "\ufeff{}"), 1,
			`problem wordpress.output: Something prints "\ufeff" before WordPress answers, and its headers are lost: nobody can log in. → Let nothing stand before <?php in wp-config.php, no blank line and no byte order mark of an editor. If it is a warning of PHP, switch display_errors off.`},
		"a blank line in wp-config.php": {answering(200, "\n{}"), 1,
			`problem wordpress.output: Something prints "\n" before WordPress answers, and its headers are lost: nobody can log in. → Let nothing stand before <?php in wp-config.php, no blank line and no byte order mark of an editor. If it is a warning of PHP, switch display_errors off.`},
		"a warning of PHP": {rest(200, "<b>Deprecated</b>: {closure}\n"+`{"namespace":"cocart/v2"}`), 1,
			`problem wordpress.output: Something prints "<b>Deprecated</b>: {closure}\n" before the answer at /wp-json/cocart/v2: apps cannot read it. → Let nothing stand before <?php in wp-config.php, no blank line and no byte order mark of an editor. If it is a warning of PHP, switch display_errors off.`},
		"another web server": {answering(404, "<h1>It works!</h1>"), 1,
			"problem wordpress.reachable: What answers at UPSTREAM (404) is not the REST API of WordPress. → Check that this web server knows shop.example as a name of the shop and asks for no password of its own, and that no plugin closes the REST API."},
		"a test shop behind a password": {answering(401, "<h1>Unauthorized</h1>"), 1,
			"problem wordpress.reachable: What answers at UPSTREAM (401) is not the REST API of WordPress. → Check that this web server knows shop.example as a name of the shop and asks for no password of its own, and that no plugin closes the REST API."},
		"nobody listens": {func(p *practice) { p.Close() }, 1,
			"problem wordpress.reachable: WordPress at UPSTREAM cannot be reached: connection refused. → Start its web server, or correct upstream.url."},
		"CoCart is not active": {func(p *practice) {
			p.Facts["routes"], p.Facts["cocart"] = []string{}, ""
			rest(404, `{"code":"rest_no_route"}`)(p)
		}, 1,
			"problem wordpress.cocart: CoCart is not active: WordPress has no routes below cocart. → Activate CoCart; in a white-label shop write its namespace to site.namespaces and define COCART_GATEWAY_NAMESPACES.\n" +
				"problem wordpress.rest: /wp-json/cocart/v2 is no route of WordPress: CoCart is not active. → Activate CoCart."},
		"a white-label shop": {fact("routes", []string{"mystore/v2"}), 1,
			"problem wordpress.cocart: CoCart 4.8.1 has no routes below cocart. → Write to site.namespaces, and define as COCART_GATEWAY_NAMESPACES, what this shop calls them."},
		"WooCommerce is not active": {fact("woocommerce", ""), 0,
			"warning wordpress.woocommerce: WooCommerce does not say that it is active. → Make sure that it is: CoCart needs it."},
		"languages in folders": {fact("paths", []string{"/en", "/fr"}), 1,
			"problem wordpress.paths: CoCart answers below /en, /fr, too, and site.paths does not list that: such requests are refused. → Write paths: [/en, /fr]."},
		"a Site Address made of the Host": {func(p *practice) {
			p.Before = func(_ http.ResponseWriter, r *http.Request) bool { p.Site = r.Host; return false }
		}, 1, "problem wordpress.hosts: Under the name www.shop.example WordPress takes itself for www.shop.example: its Site Address is made of the Host. Requests for CoCart are refused there. → Write define( 'COCART_GATEWAY_AUDIENCE', 'shop.example' ); into wp-config.php."},
		"the old plugin is active": {fact("old_plugin", true), 0,
			"warning wordpress.old_plugin: CoCart JWT Authentication is active, and hands out tokens that the gateway knows nothing of. → Deactivate it, or move over with deploy/docs/migrate.md if customers hold tokens of it."},
		"another JWT plugin is active": {fact("jwt_plugins", []string{"Simple JWT Login", "JWT Auth"}), 0,
			"warning wordpress.jwt_plugins: Other plugins issue access tokens (Simple JWT Login, JWT Auth), and the gateway refuses them on CoCart's routes. → If apps use them, write compat.other_bearers: pass, and move the apps over as deploy/docs/migrate.md says."},
		"the gateway is not required": {fact("required", false), 0,
			"warning wordpress.required: Whoever reaches PHP past the gateway may use CoCart without its limits. → Once your traffic goes through the gateway: define( 'COCART_GATEWAY_REQUIRED', true ); in wp-config.php, above \"That's all\"."},
		"is_ssl is wrong": {fact("tls", false), 1,
			"problem wordpress.tls: WordPress was told that the customer came by https, and is_ssl() is false all the same: CoCart takes no password then. → Look in wp-config.php, the web server and other plugins for what sets HTTPS or SERVER_PORT, and take it out."},
		"a home page that redirects to itself": {homeLeadsTo("https://shop.example/"), 1,
			"problem wordpress.pages: The home page redirects to itself (https://shop.example/), so browsers ask for it without end. → Look which plugin or line of wp-config.php takes the request for one of another address, and which scheme PHP sees."},
		"http in production": {func(p *practice) {
			p.site, p.Facts["home"], p.Facts["siteurl"] = "http://shop.example", "http://shop.example", "http://shop.example"
			p.Facts["tls"], p.Facts["environment"] = false, "production"
		}, 1,
			"warning configuration.warning-site.url: site.url: is http: passwords and tokens are sent unencrypted. → Use https.\n" +
				"problem wordpress.tls: site.url is http, and the environment of WordPress is production: CoCart takes no password over http there, so nobody can log in. → Serve the shop over https and write an https site.url; on a test machine: define( 'WP_ENVIRONMENT_TYPE', 'local' ); in wp-config.php."},
		"Authorization is lost": {fact("authorization", false), 1,
			"problem wordpress.authorization: Authorization does not reach PHP: CoCart sees no password that is sent as Basic. → Apache: CGIPassAuth On. nginx: fastcgi_param HTTP_AUTHORIZATION $http_authorization."},
		"an old PHP": {fact("php", "7.3.33"), 1,
			"problem wordpress.versions: WordPress 6.9, PHP 7.3.33 (fpm-fcgi). → The plugin needs WordPress 6.0 and PHP 7.4 or newer: upgrade."},
		"another prefix": {func(p *practice) { p.Facts["rest_prefix"] = "api"; rest(404, "<h1>Not found</h1>")(p) }, 1,
			"problem wordpress.rest: REST addresses begin with api in this shop, and site.rest_prefix is wp-json. → Write rest_prefix: api."},
		"plain permalinks": {func(p *practice) { p.Facts["permalinks"] = false; rest(404, "<h1>Not found</h1>")(p) }, 1,
			"problem wordpress.rest: Permalinks are plain: /wp-json/cocart/v2, which apps ask for, is not there. → Choose any other structure in Settings → Permalinks."},
		"no rewriting": {rest(404, "<h1>Not found</h1>"), 1,
			"problem wordpress.rest: /wp-json/cocart/v2 answers 404, and not as WordPress does. → Make the web server hand all that is no file to index.php, as for pretty permalinks."},
		"a closed REST API": {rest(401, `{"code":"rest_not_logged_in"}`), 1,
			"problem wordpress.rest: /wp-json/cocart/v2 answers 401 rest_not_logged_in to a guest. → Look which plugin closes the REST API to guests, and let CoCart's routes be open."},
		"a cache": {before(func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set("X-Cache", "HIT"); return false }), 1,
			"problem wordpress.cache: A cache in front of PHP answers CoCart's routes (X-Cache: HIT): it may hand one customer's cart to the next. → Exclude /wp-json/cocart/ from that cache."},
		"no trusted proxy": {func(p *practice) { p.proxies = "[]" }, 0,
			"warning configuration.warning-trusted_proxies: trusted_proxies: is empty, but site.url is https: WordPress takes requests for plain http, where CoCart refuses passwords. → List the proxy that ends TLS."},
		"a readable file": {func(p *practice) { p.mode = 0o644 }, 0,
			"warning configuration.mode: FILE can be read by every user of this machine. → Unless all its secrets come from the environment or from files: chmod 600 FILE."},
		"long-lived tokens": {func(p *practice) { p.accessTTL = "20d" }, 0,
			"warning tokens.access_ttl: Access tokens are valid for 20d; a stolen one stays usable until it expires. → If your apps refresh tokens by themselves, as CoCart's SDKs do, write tokens.access_ttl: 15m."},
		"a mistake in the file": {func(p *practice) { p.accessTTL = "15"; p.more = "log: {level: loud}" }, 1,
			`problem configuration.problem-1: FILE:6: tokens.access_ttl: is 15; must be a duration between 1m and 365d. → Write e.g. 15m.` + "\n" +
				`problem configuration.problem-2: FILE:9: log.level: is "loud"; must be debug, info, warn or error. → Write one of these words.`},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.Lock()
			row.spoil(p)
			p.Unlock()
			p.expect(t, row.code, strings.Split(row.want, "\n")...)
		})
	}
}

func fact(name string, value any) func(*practice) {
	return func(p *practice) { p.Facts[name] = value }
}

func clock(ahead time.Duration) func(*practice) {
	return func(p *practice) { p.Now = func() time.Time { return time.Now().Add(ahead) } }
}

func before(change func(http.ResponseWriter, *http.Request) bool) func(*practice) {
	return func(p *practice) { p.Before = change }
}

func answering(status int, text string) func(*practice) {
	return before(func(w http.ResponseWriter, _ *http.Request) bool { upstreamtest.JSON(w, status, text); return true })
}

// rest answers instead of CoCart's routes under their pretty addresses.
func rest(status int, text string) func(*practice) {
	return before(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/wp-json/") {
			return false
		}
		upstreamtest.JSON(w, status, text)
		return true
	})
}

// homeLeadsTo makes the home page redirect; the probe of the node itself asks for another address.
func homeLeadsTo(address string) func(*practice) {
	return before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.RequestURI != "/" || r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Location", address)
		w.WriteHeader(http.StatusMovedPermanently)
		return true
	})
}

func TestAHomePageThatLeadsElsewhereIsNoLoop(t *testing.T) {
	p := openPractice(t)
	homeLeadsTo("https://shop.example/en/")(p)
	p.expect(t, exitOK)
}

// PHP that keeps its output back sends the headers all the same, and blanks before JSON are none of anybody's business.
func TestTheDoctorMindsNoBlankLineThatDoesNoHarm(t *testing.T) {
	p := openPractice(t)
	rest(200, "\n"+`{"namespace":"cocart/v2"}`)(p)
	p.expect(t, exitOK)
}

func TestTheDoctorTellsACertificateFromAServerThatIsDown(t *testing.T) {
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	defer stranger.Close()
	at := stranger.Listener.Addr().String()
	p := openPractice(t)
	p.upstream, p.redis = stranger.URL, fmt.Sprintf("{address: %q, tls: true}", at)
	p.expect(t, 1,
		"problem redis.reachable: Redis at "+at+" has a certificate that does not count: x509: certificate signed by unknown authority. → Name who vouches for it in redis.tls_ca_file; if it is for another name than the address, that name in redis.tls_server_name.",
		"problem wordpress.reachable: WordPress at UPSTREAM has a certificate that does not count: x509: certificate signed by unknown authority. → Name who vouches for it in upstream.tls_ca_file; if it is for another name than the address, that name in upstream.tls_server_name.")
}

// What cannot be looked at is said, once for each check, and with the reason.
func TestTheDoctorSaysWhatItCouldNotCheck(t *testing.T) {
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", freeAddress(t))
	p.Close()
	_, complaints := p.look(t)
	for _, want := range []string{
		"unchecked redis.eviction: Not checked: Redis did not answer.", "unchecked redis.clock: Not checked: Redis did not answer.",
		"unchecked wordpress.plugin: Not checked: WordPress did not answer.", "unchecked wordpress.tls: Not checked: WordPress did not answer.",
	} {
		if !slices.Contains(complaints, want) {
			t.Errorf("missing: %s\nin\n%s", want, strings.Join(complaints, "\n"))
		}
	}
}

// A port that is held is no problem if it is the gateway that holds it.
func TestTheDoctorKnowsARunningGateway(t *testing.T) {
	for name, row := range map[string]struct{ metrics, want string }{
		"this one":        {"cocart_gateway_build_info{goversion=\"go1\",version=\"" + version + "\"} 1\n", ""},
		"another version": {"cocart_gateway_build_info{version=\"0.0.1\"} 1\n", "warning listeners.admin: admin.listen ADMIN is held by a running gateway of version 0.0.1; this is " + version + ". → Restart the gateway after an upgrade."},
		"a stranger":      {"hello\n", "problem listeners.admin: admin.listen ADMIN is held by another program. → End the program that listens there (ss -ltnp shows it), or write another port."},
	} {
		t.Run(name, func(t *testing.T) {
			held := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, row.metrics) }))
			defer held.Close()
			p := openPractice(t)
			p.admin = strings.TrimPrefix(held.URL, "http://")
			_, complaints := p.look(t)
			if got := strings.Join(complaints, "\n"); got != row.want {
				t.Errorf("got %s\nwant %s", got, row.want)
			}
		})
	}
	p := openPractice(t)
	p.listen = net.JoinHostPort("192.0.2.1", "8080")
	p.expect(t, 1, "problem listeners.public: Nobody can listen on listen LISTEN: cannot assign requested address. → Write an address of this machine, or only a port, as in :8080.")
}

func TestTheDoctorsReportForPeople(t *testing.T) {
	p := openPractice(t)
	p.Facts["plugin"] = "0.9.0"
	out := newOutput()
	code := run(t.Context(), []string{"doctor", "--config", p.write(t)}, noEnv, out, out)
	for _, want := range []string{
		"Configuration\n  ok         ", "\nRedis\n  unchecked  Not checked: the store is embedded.\nWordPress\n  ok         WordPress answers at " + p.URL,
		"\n  problem    The must-use plugin is version 0.9.0, older than 1.2.0, which belongs to this gateway.\n             → If the file is new already, reload PHP, whose opcache has the old one. Else write it anew: ",
		"\n\n1 problem, 1 warning. Send it no traffic before the problems are gone.\n",
	} {
		if code != exitFailed || !strings.Contains(out.String(), want) {
			t.Errorf("exit %d, missing %q in\n%s", code, want, out)
		}
	}
	if n := strings.Count(out.String(), "the store is embedded"); n != 1 {
		t.Errorf("said %d times that the store is embedded:\n%s", n, out)
	}
}
