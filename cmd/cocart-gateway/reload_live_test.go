package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/upstream/upstreamtest"
)

func TestABadConfigurationLeavesTheOneBeforeInForce(t *testing.T) {
	r := start(t, nil)
	hash, at := r.metric("cocart_gateway_config_hash"), r.metric("cocart_gateway_config_last_reload_success_timestamp_seconds")
	r.write(settings{"site.guests": "deny", "limits.body": "none", "tokens.acces_ttl": "15m"})
	a := r.administer("POST", "/reload")
	want := regexp.MustCompile(`^\{"code":"cocart_gateway_configuration_refused","message":"[^"]*","data":\{"status":422,"problems":\[` +
		`"[^"]*/config.yaml:\d+: limits.body: is \\"none\\"; must be a size [^"]*","[^"]*: tokens.acces_ttl: is unknown; [^"]*did you mean access_ttl\?"\]\}\}$`)
	if a.status != http.StatusUnprocessableEntity || !want.MatchString(a.body) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, text := range []string{"limits.body: is ", "tokens.acces_ttl: is unknown"} {
		if !strings.Contains(r.logged(), text) {
			t.Errorf("the log does not say %q: %s", text, r.said)
		}
	}
	if got := r.metric("cocart_gateway_config_last_reload_successful"); got != "0" {
		t.Errorf("successful: %s", got)
	}
	if r.metric("cocart_gateway_config_hash") != hash || r.metric("cocart_gateway_config_last_reload_success_timestamp_seconds") != at {
		t.Error("the metrics tell of another configuration in force")
	}
	if got := code(r.do("GET", cart, "")); got != "200" {
		t.Errorf("a guest: %s", got)
	}
	r.awaitReady()
	r.write(settings{"limits.body": "", "tokens.acces_ttl": ""})
	r.reload()
	if got := r.metric("cocart_gateway_config_last_reload_successful"); got != "1" || r.metric("cocart_gateway_config_hash") == hash {
		t.Errorf("successful: %s, hash %s", got, r.metric("cocart_gateway_config_hash"))
	}
	if got := code(r.do("GET", cart, "")); got != "401" {
		t.Errorf("a guest: %s", got)
	}
}

func TestWhatWaitsForARestartIsSaidAndTheRestIsDone(t *testing.T) {
	r := start(t, nil)
	moved := settings{"listen": "127.0.0.1:0", "redis.prefix": `"other:"`, "upstream.response_timeout": "1s", "limits.header": "8KiB", "site.guests": "deny"}
	old := r.settings["listen"]
	r.write(moved)
	want := `{"changed":["site.guests"],"restart_needed":["listen","upstream.response_timeout","redis.prefix","limits.header"]}`
	for range 2 { // asked again, the rest has been done
		if got := r.reload().body; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		want = strings.Replace(want, `"site.guests"`, "", 1)
	}
	if got := strings.Count(r.logged(), "redis.prefix: takes effect at the next start"); got != 2 {
		t.Errorf("said %d times: %s", got, r.said)
	}
	if got := r.metric("cocart_gateway_config_restart_needed"); got != "4" {
		t.Errorf("restart needed: %s", got)
	}
	inForce := r.administer("GET", "/config")
	if !strings.Contains(inForce.body, "listen: "+old) || !strings.Contains(inForce.body, "guests: deny") || !strings.Contains(inForce.body, "prefix: 'cocart:'") {
		t.Errorf("in force is\n%s", inForce.body)
	}
	r.write(settings{"listen": old, "redis.prefix": "", "upstream.response_timeout": "", "limits.header": ""})
	if r.reload(); r.metric("cocart_gateway_config_restart_needed") != "0" {
		t.Error("what was taken back still waits")
	}
}

func TestNoSecretIsShownOrLogged(t *testing.T) {
	r := start(t, settings{"redis.password": "a password of Redis", "tokens.refresh_secret": "a refresh secret of these tests, 32 bytes"})
	r.write(settings{"upstream.secret": `["a new shared secret of these tests, 32", "` + upstreamtest.Secret + `"]`, "tokens.keys": "[" + secondKey + "," + firstKey + "]"})
	r.reload()
	r.write(settings{"tokens.refresh_secret": "too short a secret"})
	refused := r.administer("POST", "/reload")
	shown := refused.body + r.administer("GET", "/config").body
	if got := r.send("http://"+r.admin, "GET", "/config", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", got.status)
	}
	if got := r.send("http://"+r.admin, "POST", "/reload", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", got.status)
	}
	r.stop() // writes the log that waits
	shown += r.said.String()
	for _, secret := range []string{"a password of Redis", "signing key of these tests", "refresh secret of these", "new shared secret", upstreamtest.Secret, adminToken, "too short a secret"} {
		if strings.Contains(shown, secret) {
			t.Errorf("%q is in\n%s", secret, shown)
		}
	}
}

func TestSIGHUPReloadsAndARequestInFlightEndsAsItBegan(t *testing.T) {
	r := start(t, nil)
	access, _ := r.login()
	entered, release := make(chan struct{}), make(chan struct{})
	r.wordpress.Lock()
	r.wordpress.Answer = func(_ http.ResponseWriter, _ *http.Request, s upstreamtest.Seen) bool {
		if strings.Contains(s.Target, "slow") {
			close(entered)
			<-release
		}
		return false
	}
	r.wordpress.Unlock()
	slow := make(chan answer, 1)
	go func() { slow <- r.do("GET", cart+"?slow", "") }() // a guest: the key of a customer is not mirrored
	<-entered
	r.write(settings{"tokens.keys": "[" + secondKey + "]", "compat.mirror_cart_key": "false"})
	r.hangUp()
	r.said.await(t, `msg="configuration reloaded" by=signal`)
	if got := code(r.do("GET", cart, "", "Authorization: Bearer "+access)); got != "401" {
		t.Errorf("a token of a key that is gone: %s", got)
	}
	close(release)
	if got := <-slow; got.status != 200 || got.header.Get("Cart-Key") == "" {
		t.Errorf("the request in flight: %d %v", got.status, got.header)
	}
}

func TestNoRequestIsLostWhileTheConfigurationChanges(t *testing.T) {
	r := start(t, nil)
	access, refresh := r.login()
	var served atomic.Int64
	done := make(chan struct{})
	var shoppers sync.WaitGroup
	until := func(work func()) {
		shoppers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					work()
					served.Add(1)
				}
			}
		})
	}
	well := func(what string, a answer) {
		if a.status != 200 {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	until(func() { well("cart", r.do("GET", cart, "", "Authorization: Bearer "+access)) })
	until(func() { well("guest", r.do("GET", cart, "")) })
	until(func() { well("storefront", r.do("GET", "/", "")) })
	until(func() {
		a := r.refresh(refresh)
		well("refresh", a)
		if m := regexp.MustCompile(`"refresh_token":"([0-9a-f]+)"`).FindStringSubmatch(a.body); m != nil {
			refresh = m[1]
		}
	})
	editions := []settings{
		{"tokens.keys": "[" + firstKey + "," + secondKey + "]", "limits.body": "1MiB", "log.format": "json", "limits.refresh": "off"},
		{"tokens.keys": "[" + secondKey + "," + firstKey + "]", "limits.body": "2MiB", "log.format": "text", "limits.refresh": "off"},
		{"upstream.secret": `["` + upstreamtest.Secret + `", "an old shared secret of these tests, 32"]`, "tokens.verified_cache": "0"},
		{"limits.body": "not a size"},
		{"limits.body": "", "tokens.verified_cache": "100", "trusted_proxies": "[127.0.0.1]", "log.level": "warn"},
		{"trusted_proxies": "[127.0.0.0/8]", "log.level": "info", "compat.invalid_token_status": "403"},
	}
	r.write(editions[0])
	r.reload()
	for i := range 24 {
		before := served.Load()
		r.write(editions[i%len(editions)])
		if a := r.administer("POST", "/reload"); a.status != 200 && i%len(editions) != 3 {
			t.Errorf("reload: %d %s", a.status, a.body)
		}
		for served.Load() < before+4 && !t.Failed() {
			well("meanwhile", r.do("GET", "/", ""))
		}
	}
	close(done)
	shoppers.Wait()
	t.Logf("%d requests, 24 reloads", served.Load())
}

func TestAnUpstreamSecretIsExchangedWithoutARestart(t *testing.T) {
	var mu sync.Mutex
	kids := map[string]bool{}
	origin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		head, _, _ := strings.Cut(req.Header.Get("X-CoCart-Gateway"), ".")
		kids[head] = true
	}))
	defer origin.Close()
	r := start(t, settings{"upstream.url": origin.URL})
	r.do("GET", "/", "")
	r.write(settings{"upstream.secret": `["a new shared secret of these tests, 32", "` + upstreamtest.Secret + `"]`})
	r.reload()
	r.do("GET", "/", "")
	mu.Lock()
	defer mu.Unlock()
	if len(kids) != 2 {
		t.Errorf("signed with %d keys, want first the one and then the other", len(kids))
	}
}

func TestDrainingGoesByTheShutdownTimeoutInForce(t *testing.T) {
	r := start(t, settings{"server.shutdown_timeout": "1h"})
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	r.wordpress.Lock()
	r.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(entered)
		<-release
		return false
	}
	r.wordpress.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+r.public+"/", nil)
		if resp, err := http.DefaultClient.Do(req); err == nil { // it may well be cut off
			resp.Body.Close()
		}
	}()
	<-entered
	r.write(settings{"server.shutdown_timeout": "0s"})
	r.reload()
	const want = "\ncocart-gateway: draining: requests were still in flight after 0s, on 1 connection, which was cut off\n"
	if r.stop() != exitFailed || !strings.HasSuffix(r.said.String(), want) {
		t.Errorf("%s", r.said)
	}
	if got := r.said.times("level=ERROR"); got != 0 {
		t.Errorf("%s", r.said)
	}
}

// Going by the delay of the start, this would take five minutes.
func TestDrainingLastsForTheDelayInForce(t *testing.T) {
	r := start(t, settings{"server.drain_delay": "5m"})
	r.write(settings{"server.drain_delay": "0s"})
	r.reload()
	if r.stop(); !strings.Contains(r.said.String(), "msg=draining delay=0s") {
		t.Errorf("%s", r.said)
	}
}

func TestReloadOffMeansIt(t *testing.T) {
	r := start(t, settings{"reload": "off"})
	r.write(settings{"site.guests": "deny"})
	r.hangUp()
	r.said.await(t, "SIGHUP changes nothing: reload is off")
	if got := r.administer("POST", "/reload"); got.status != http.StatusNotFound {
		t.Errorf("POST /reload: %d", got.status)
	}
	if got := code(r.do("GET", cart, "")); got != "200" {
		t.Errorf("a guest: %s", got)
	}
}

func TestEqualConfigurationsHaveOneHash(t *testing.T) {
	a := start(t, settings{"limits.body": "1MiB"})
	hash := a.metric("cocart_gateway_config_hash")
	a.write(settings{"limits.body": "2MiB"})
	a.reload()
	other := a.metric("cocart_gateway_config_hash")
	a.put(append([]byte("# said in other words\n"), settings.yaml(a.settings, t)...))
	a.write(settings{"limits.body": "1024KiB"})
	a.reload()
	if hash == other || hash == "0" || a.metric("cocart_gateway_config_hash") != hash {
		t.Errorf("%s, %s, %s", hash, other, a.metric("cocart_gateway_config_hash"))
	}
}

// Gateways on several machines listen on the addresses of these, and are alike in all else.
func TestAddressesDoNotMakeConfigurationsDiffer(t *testing.T) {
	hash := func(listen, admin string) float64 {
		m, err := newReloadMetrics(prometheus.NewRegistry())
		if err == nil {
			err = m.succeeded(withLines(t, "listen: \""+listen+"\"\nadmin: {listen: \""+admin+"\"}\n"), 0, time.Unix(0, 0))
		}
		if err != nil {
			t.Fatal(err)
		}
		return testutil.ToFloat64(m.hash)
	}
	one, two := hash("10.0.0.1:8080", "10.0.0.1:9090"), hash("10.0.0.2:8080", "10.0.0.2:9090")
	if one != two || one == 0 {
		t.Errorf("%v, %v", one, two)
	}
}
