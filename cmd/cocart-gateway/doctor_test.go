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
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/doctor"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// practice is a shop for a doctor to look at, and the configuration of its gateway.
type practice struct {
	*upstreamtest.StatusServer
	listen, admin, upstream, site, redis, more string
	accessTTL, proxies, protect                string
	mode                                       os.FileMode
}

// openPractice is a shop in which all is well. It has no Redis; that is no complaint where none was given.
func openPractice(t *testing.T) *practice {
	t.Helper()
	d := upstreamtest.NewStatusServer(t)
	return &practice{StatusServer: d, listen: freeAddress(t), admin: freeAddress(t), upstream: d.URL, site: upstreamtest.SiteURL,
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
site: {url: %q, protect: [%s]}
tokens: {access_ttl: %s, keys: [{id: main, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
redis: %s
trusted_proxies: %s
%s`, p.listen, p.admin, p.upstream, upstreamtest.Secret, p.site, p.protect, p.accessTTL, redis, p.proxies, p.more)
	if err := os.WriteFile(path, []byte(text), p.mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// examine runs doctor --json and returns its report.
func (p *practice) examine(t *testing.T) (code int, r doctor.Report, names *strings.Replacer) {
	t.Helper()
	path := p.write(t)
	out := newOutput()
	code = run(t.Context(), []string{"doctor", "--json", "--config", path}, noEnv, out, out)
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if r.OK != (code == exitOK) {
		t.Errorf("ok is %t, the exit code %d", r.OK, code)
	}
	return code, r, strings.NewReplacer(path, "FILE", p.upstream, "UPSTREAM", p.listen, "LISTEN", p.admin, "ADMIN")
}

func line(c doctor.Check) string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s: %s → %s", c.Status, c.ID, c.Found, c.Advice), " → ")
}

// complaints returns a line for each check that is not ok; but not for a slow Redis, which a busy machine has.
func (p *practice) complaints(t *testing.T) (code int, lines []string) {
	t.Helper()
	code, r, names := p.examine(t)
	for _, c := range r.Checks {
		if c.Status != doctor.OK && c.ID != "redis.latency" && (p.redis != noRedis || c.Group != "redis" && c.ID != "configuration.warning-redis.address") {
			lines = append(lines, names.Replace(line(c)))
		}
	}
	return code, lines
}

// checked returns the exit code and the complaints other than that something was not checked.
func (p *practice) checked(t *testing.T) string {
	t.Helper()
	code, lines := p.complaints(t)
	lines = slices.DeleteFunc(lines, func(c string) bool { return strings.HasPrefix(c, "unchecked ") })
	return strings.Join(append([]string{fmt.Sprintf("exit %d", code)}, lines...), "\n")
}

// checkGolden compares the complaints with the golden text of that name. own has texts that differ with each run, and
// what stands for them.
func (p *practice) checkGolden(t *testing.T, g *golden, name string, own ...string) {
	t.Helper()
	g.check(t, name, strings.NewReplacer(own...).Replace(p.checked(t)))
}

func (p *practice) expectHealthy(t *testing.T) {
	t.Helper()
	if got := p.checked(t); got != "exit 0" {
		t.Error(got)
	}
}

func TestTheDoctorFindsAHealthyShopWellOnRealRedis(t *testing.T) {
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", tokenstest.Redis(t, "--appendonly", "yes").Addr())
	p.expectHealthy(t)
	path := p.write(t)
	tokenstest.Eventually(t, "all is well, and Redis was quick once", func() bool {
		out := newOutput()
		run(t.Context(), []string{"doctor", "--config", path}, noEnv, out, out)
		return strings.HasSuffix(out.String(), "\n\nNo problems found.\n")
	})
}

// A configuration that leaves every key at its default, except those without a sensible one, gets no warning.
func TestAMinimalConfigurationHasNoWarning(t *testing.T) {
	const everyFile = "upstream: {url: %s, secret: %q}\ntokens: {keys: [{id: main, algorithm: HS256, secret: \"a signing key of these tests, 32 bytes\"}]}\n"
	d := upstreamtest.NewStatusServer(t)
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
			if got := check(path); got.code != exitOK || got.stderr != path+": ok\n" {
				t.Errorf("config check: exit %d, %s", got.code, got.stderr)
			}
			out := newOutput()
			run(t.Context(), []string{"doctor", "--config", path}, noEnv, out, out)
			for line := range strings.Lines(out.String()) {
				if strings.HasPrefix(line, "  warning ") && !strings.Contains(line, "Redis answers in ") {
					t.Errorf("doctor: %s", line)
				}
			}
		})
	}
}

// Each row is a shop in which one thing is wrong. The golden file has all that the doctor reports then.
func TestTheDoctorSaysWhatIsWrongWithTheShop(t *testing.T) {
	g := openGolden(t, "doctor/shop.golden")
	for name, spoil := range map[string]func(*practice){
		"the plugin is missing":                      func(p *practice) { p.NoPlugin = true },
		"the plugin is too old to answer":            func(p *practice) { p.OldPlugin = true; p.Facts["plugin"] = "0.9.0" },
		"the plugin is older":                        fact("plugin", "0.10.2"),
		"the plugin is newer":                        fact("plugin", "1.10.0"),
		"the plugin is in the wrong folder":          fact("late", true),
		"a backup of the plugin beside it":           fact("copies", []string{"mu-plugins/cocart-gateway_old.php"}),
		"another secret":                             func(p *practice) { p.Secret = "another secret, longer than thirty-two bytes" },
		"a secret below \"That's all\"":              func(p *practice) { p.Late = true },
		"http:// to a port with TLS":                 answering(400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title>"),
		"a clock an hour ahead":                      clock(time.Hour),
		"a clock an hour behind":                     clock(-time.Hour),
		"another site":                               func(p *practice) { p.Site = "www.shop.example" },
		"another scheme":                             fact("home", "http://shop.example"),
		"a proxy that changes the host":              before(func(_ http.ResponseWriter, r *http.Request) bool { r.Host = "backend"; return false }),
		"a proxy that changes the address":           before(func(_ http.ResponseWriter, r *http.Request) bool { r.RequestURI = "/x" + r.RequestURI; return false }),
		"a proxy that changes the method":            before(func(_ http.ResponseWriter, r *http.Request) bool { r.Method = "POST"; return false }),
		"a proxy that takes the header off":          before(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("X-CoCart-Gateway"); return false }),
		"a proxy that takes the answer's header off": answering(200, "{}"),
		"a redirect": before(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "https://shop.example/?token=x")
			w.WriteHeader(301)
			return true
		}),
		"PHP is down":                        answering(502, "<h1>Bad Gateway</h1>"),
		"maintenance":                        answering(503, "<h1>Briefly unavailable for scheduled maintenance.</h1>"),
		"a byte order mark in wp-config.php": answering(200, "\ufeff{}"),
		"a blank line in wp-config.php":      answering(200, "\n{}"),
		"a warning of PHP":                   rest(200, "<b>Deprecated</b>: {closure}\n"+`{"namespace":"cocart/v2"}`),
		"another web server":                 answering(404, "<h1>It works!</h1>"),
		"a test shop behind a password":      answering(401, "<h1>Unauthorized</h1>"),
		"no server listens":                  func(p *practice) { p.Close() },
		"CoCart is not active": func(p *practice) {
			p.Facts["routes"], p.Facts["cocart"] = []string{}, ""
			rest(404, `{"code":"rest_no_route"}`)(p)
		},
		"a white-label shop": fact("routes", []string{"mystore/v2"}),
		"tokens count on routes of others": func(p *practice) {
			p.protect, p.Routes, p.Pages = "wc/store, wp/v2/users/me, /graphql", []string{"wp/v2/users/me", "WC/Store/v1/cart"}, []string{"/graphql"}
		},
		"no routes of site.protect": func(p *practice) { p.protect, p.Routes = "wc/store", []string{"wp/v2", "wc/v3"} },
		"entries of site.protect that do not exist": func(p *practice) {
			p.protect, p.Routes = "wc/store, wp/v2/users/mee, /graphqll", []string{"wp/v2/users/me", "wc/store/v1"}
		},
		"a path of site.protect that cannot be asked for": func(p *practice) {
			p.protect, p.Routes = "/graphql", []string{}
			p.Before = func(_ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/graphql" {
					panic(http.ErrAbortHandler)
				}
				return false
			}
		},
		"a plugin that does not know site.protect": func(p *practice) { p.protect = "wc/store" },
		"WooCommerce is not active":                fact("woocommerce", ""),
		"languages in folders":                     fact("paths", []string{"/en", "/fr"}),
		"a Site Address made of the Host": func(p *practice) {
			p.Before = func(_ http.ResponseWriter, r *http.Request) bool { p.Site = r.Host; return false }
		},
		"the old plugin is active":             fact("old_plugin", true),
		"another JWT plugin is active":         fact("jwt_plugins", []string{"Simple JWT Login", "JWT Auth"}),
		"the gateway is not required":          fact("required", false),
		"is_ssl is wrong":                      fact("tls", false),
		"a home page that redirects to itself": homeLeadsTo("https://shop.example/"),
		"http in production": func(p *practice) {
			p.site, p.Facts["home"], p.Facts["siteurl"] = "http://shop.example", "http://shop.example", "http://shop.example"
			p.Facts["tls"], p.Facts["environment"] = false, "production"
		},
		"Authorization is lost": fact("authorization", false),
		"an old PHP":            fact("php", "7.3.33"),
		"another prefix":        func(p *practice) { p.Facts["rest_prefix"] = "api"; rest(404, "<h1>Not found</h1>")(p) },
		"plain permalinks":      func(p *practice) { p.Facts["permalinks"] = false; rest(404, "<h1>Not found</h1>")(p) },
		"no rewriting":          rest(404, "<h1>Not found</h1>"),
		"a closed REST API":     rest(401, `{"code":"rest_not_logged_in"}`),
		"a cache":               before(func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set("X-Cache", "HIT"); return false }),
		"no trusted proxy":      func(p *practice) { p.proxies = "[]" },
		"a readable file":       func(p *practice) { p.mode = 0o644 },
		"long-lived tokens":     func(p *practice) { p.accessTTL = "20d" },
		"a mistake in the file": func(p *practice) { p.accessTTL = "15"; p.more = "log: {level: loud}" },
	} {
		t.Run(name, func(t *testing.T) {
			p := openPractice(t)
			p.Lock()
			spoil(p)
			p.Unlock()
			p.checkGolden(t, g, name)
		})
	}
}

// The gateway makes up for half a minute. All other checks are made all the same.
func TestTheDoctorWarnsOfAClockThatIsSomeSecondsOff(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		25 * time.Second: "warning wordpress.clock: The clock of WordPress is 2[456]s ahead of the gateway's.", -25 * time.Second: "warning wordpress.clock: The clock of WordPress is 2[456]s behind the gateway's.",
		40 * time.Second: "problem wordpress.clock: The clock of WordPress is (39|40|41)s ahead", time.Second: "",
	} {
		p := openPractice(t)
		p.Lock()
		clock(ahead)(p)
		p.Unlock()
		code, complaints := p.complaints(t)
		found := slices.DeleteFunc(complaints, func(line string) bool { return strings.HasPrefix(line, "unchecked ") })
		if want == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || !regexp.MustCompile("^"+want).MatchString(found[0]) || (code == exitOK) != strings.HasPrefix(want, "warning") {
			t.Errorf("%v: exit %d, %q", ahead, code, found)
		}
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
	p.expectHealthy(t)
}

// PHP that keeps its output back sends the headers all the same, and blanks before JSON are none of anybody's business.
func TestTheDoctorMindsNoBlankLineThatDoesNoHarm(t *testing.T) {
	p := openPractice(t)
	rest(200, "\n"+`{"namespace":"cocart/v2"}`)(p)
	p.expectHealthy(t)
}

func TestTheDoctorTellsACertificateFromAServerThatIsDown(t *testing.T) {
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	defer stranger.Close()
	at := stranger.Listener.Addr().String()
	p := openPractice(t)
	p.upstream, p.redis = stranger.URL, fmt.Sprintf("{address: %q, tls: true}", at)
	g := openGolden(t, "doctor/certificates.golden")
	p.checkGolden(t, g, "a certificate of an unknown authority", at, "ADDRESS")
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	p.upstream = strings.Replace(plain.URL, "http:", "https:", 1)
	p.checkGolden(t, g, "https:// to a port without TLS", at, "ADDRESS")
}

// A check that was not made is reported with the reason.
func TestTheDoctorSaysWhatItCouldNotCheck(t *testing.T) {
	p := openPractice(t)
	p.redis = fmt.Sprintf("{address: %q}", freeAddress(t))
	p.Close()
	_, complaints := p.complaints(t)
	for _, want := range []string{
		"unchecked redis.eviction: Not checked: Redis did not answer.", "unchecked redis.clock: Not checked: Redis did not answer.",
		"unchecked wordpress.plugin: Not checked: WordPress did not answer.", "unchecked wordpress.tls: Not checked: WordPress did not answer.",
	} {
		if !slices.Contains(complaints, want) {
			t.Errorf("missing: %s\nin\n%s", want, strings.Join(complaints, "\n"))
		}
	}
}

// A port that is in use is no problem if the gateway uses it.
func TestTheDoctorKnowsARunningGateway(t *testing.T) {
	g := openGolden(t, "doctor/ports.golden")
	for name, metrics := range map[string]string{
		"a gateway of this version":    "cocart_gateway_build_info{goversion=\"go1\",version=\"" + version + "\"} 1\n",
		"a gateway of another version": "cocart_gateway_build_info{version=\"0.0.1\"} 1\n",
		"another program":              "hello\n",
	} {
		t.Run(name, func(t *testing.T) {
			held := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, metrics) }))
			defer held.Close()
			p := openPractice(t)
			p.admin = strings.TrimPrefix(held.URL, "http://")
			p.checkGolden(t, g, name, "this is "+version, "this is VERSION")
		})
	}
	p := openPractice(t)
	p.listen = net.JoinHostPort("192.0.2.1", "8080")
	p.checkGolden(t, g, "an address of another machine")
}

func TestTheDoctorsReportForPeople(t *testing.T) {
	p := openPractice(t)
	p.Facts["plugin"] = "0.9.0"
	out := newOutput()
	path := p.write(t)
	code := run(t.Context(), []string{"doctor", "--config", path}, noEnv, out, out)
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	took := regexp.MustCompile(` in \d+ ms`).ReplaceAllString(out.String(), " in N ms")
	openGolden(t, "doctor/report.golden").check(t, "a shop with an old plugin", strings.NewReplacer(path, "FILE", p.URL, "UPSTREAM", p.listen, "LISTEN", p.admin, "ADMIN").Replace(took))
}
