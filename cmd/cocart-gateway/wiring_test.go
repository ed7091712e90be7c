package main

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/gateway"
	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/keys"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
)

// unusual says of every key that a room of the program goes by something else than its default, and of no two keys
// with the same kind of value the same. What needs files, or cannot be together with the rest, is left to tests of
// their own: see triedElsewhere.
const unusual = `
listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
upstream:
  url: [https://10.0.0.1:8001, https://10.0.0.2:8002]
  secret: ["${SHARED}", "${SHARED} of before"]
  headers: {X-Origin-Verify: "${SHARED} of the origin", Authorization: Bearer of-the-origin}
  dial_timeout: 11ms
  response_timeout: 12s
  timeouts: {login: 13s, cocart: 14s, site: 15s}
  body_timeout: 16s
  response_header: 17KiB
  idle_connections: 18
  idle_timeout: 19s
  host: wordpress.example
  concurrency: {limit: 20, queue: 21, queue_timeout: 1022ms, storefront_percent: 23, abandoned: 28, own_addresses: [192.0.2.8]}
  health: {path: /health.php, interval: 24s, timeout: 25s, failures: 26, successes: 27}
  tls_server_name: origin.example
site:
  url: https://shop.example.com/store
  rest_prefix: api
  paths: [/en, /fr]
  namespaces: [white-label]
  guests: deny
  auth_headers: [X-Authorization]
  hosts: [other.example.com]
  protect: [wc/store, /graphql]
tokens:
  keys: [{id: main, algorithm: HS256, secret: "${SIGNING}"}]
  refresh_secret: "${SIGNING_2} and more"
  access_ttl: 28m
  refresh_ttl: 29m
  session_ttl: 30h
  refresh_grace: 31s
  lost_answer: always
  reuse_by_same_client: refuse
  max_sessions: 32
  leeway: 33s
  audience: shop
  verified_cache: 34
revocation: {max_staleness: 35s, on_stale: deny, on_loss: refresh_only}
redis: {address: "redis.example:6379", username: gateway, password: of redis, db: 3, prefix: "p:", timeout: 36s, wait_replicas: 2, pool_size: 37, tls: true, tls_server_name: redis.name}
trusted_proxies: [192.0.2.7]
app_servers: [{name: next, secret: ["${SHARED} of the app", "${SHARED} of the app before"]}]
compat: {invalid_token_status: 403, mirror_cart_key: false, bearer_login_refresh: true, other_bearers: pass, accept_plugin_tokens: true, plugin_secret: "0123456789 and 0123456789 and 0123456789", plugin_issuer: "https://old.example.com", plugin_token_prefix: old_, plugin_refresh: true, hand_back: true, plugin_address: peer}
cors: {origins: ["https://app.example.com"], credentials: true, max_age: 38s, allow_headers: [X-Currency], expose_headers: [X-Stock]}
cookies: {enabled: true, domain: example.com, same_site: strict}
limits:
  login_body: 39KiB
  header: 40KiB
  body: 41KiB
  form: 42KiB
  json: 43KiB
  parameters: 42
  upload_rate: 29B
  download_rate: 31B
  streams: 44
  login:
    {account: 45/1m, address: 46/1m, overall: 47/1m, account_network: 51/1m, subnet: 52/1m, network: 53/1m, newcomer: {account: 54/1m, address: 55/1m, network: 56/1m}, site_login: false}
  second_factor: 48/1m
  refresh: 49/1m
  validate: 50/1m
  requests: {address: 57/1m, session: 58/1m}
login: {uniform_errors: false}
server: {read_header_timeout: 51s, read_timeout: 34s, idle_timeout: 53s, assume_https: true, scheme_headers: [CloudFront-Forwarded-Proto, X-Forwarded-Proto]}
`

// triedElsewhere are keys that unusual leaves alone, with the test that follows each to its effect.
var triedElsewhere = map[string]string{
	"shops":      "shops_test.go",
	"tls.listen": "tls_test.go", "tls.redirect_from": "tls_test.go", "tls.certificates": "tls_test.go", "tls.min_version": "tls_test.go",
	"tls.acme.enabled": "tls_acme_test.go", "tls.acme.email": "tls_acme_test.go", "tls.acme.directory": "tls_acme_test.go",
	"tls.acme.domains": "tls_acme_test.go", "tls.acme.storage": "tls_acme_test.go", "tls.acme.challenges": "tls_acme_test.go",
	"admin.token": "assemble_test.go", "admin.oauth": "assemble_test.go", "admin.hosts": "reload_test.go",
	"tracing.endpoint": "traces_test.go", "tracing.percent": "traces_test.go", "tracing.parents": "traces_test.go",
	"metrics.listen": "metrics_listener_test.go", "metrics.web_config_file": "metrics_listener_test.go",
	"redis.mode": "store_distributed_test.go", "redis.master": "store_distributed_test.go",
	"redis.sentinel_username": "store_distributed_test.go", "redis.sentinel_password": "store_distributed_test.go",
	"compat.dry_run": "dryrun_test.go", "proxy_protocol": "listen_proxy_test.go", "limits.connections": "listen_test.go", "limits.connections_per_address": "listen_test.go",
	"server.socket_mode": "listen_test.go", "server.socket_owner": "server/listen_test.go",
	"server.drain_delay": "drain_serving_test.go", "server.shutdown_timeout": "reload_live_test.go",
	"log.level": "reload_test.go", "log.format": "reload_test.go", "reload": "reload_live_test.go",
	"upstream.tls_ca_file": "upstream_tls_test.go", "upstream.tls_cert_file": "upstream_tls_test.go", "upstream.tls_key_file": "upstream_tls_test.go",
	"redis.tls_ca": "store_tls_test.go", "redis.tls_cert": "store_tls_test.go", "redis.tls_key": "store_tls_test.go",
	"tls.acme.ca_file": "tls_acme_test.go",
}

func unusualConfig(t *testing.T) *config.Config {
	t.Helper()
	return loadText(t, unusual)
}

// A key that is added must be followed to where it goes, here or in a test of its own.
func TestEveryKeyIsFollowedToWhereItGoes(t *testing.T) {
	usual, other := written(t, config.Default()), written(t, unusualConfig(t))
	for _, key := range config.Keys() {
		after := at(other, key.Path)
		changed := after != nil && !reflect.DeepEqual(at(usual, key.Path), after)
		if _, named := triedElsewhere[key.Path]; named == changed {
			t.Errorf("%s: changed here: %v, named as tested elsewhere: %v; want one of them", key.Path, changed, named)
		}
	}
}

// written is what an operator sees of a configuration.
func written(t *testing.T, c *config.Config) any {
	t.Helper()
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func at(tree any, key string) any {
	for name := range strings.SplitSeq(key, ".") {
		block, _ := tree.(map[string]any)
		tree = block[name]
	}
	return tree
}

// whole fails unless got equals want, and names each field of it that is at its zero and not among those.
func whole(t *testing.T, got, want any, zero ...string) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		name := g.Type().Field(i).Name
		if !g.Field(i).CanInterface() {
			continue
		}
		if g.Field(i).IsZero() != slices.Contains(zero, name) {
			t.Errorf("%s.%s is %v, though no key was left at its default", g.Type(), name, g.Field(i))
		}
		switch g.Field(i).Kind() {
		case reflect.Func, reflect.Interface:
			continue // that it is there was all to be said
		}
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s.%s is\n\t%+v, want\n\t%+v", g.Type(), name, g.Field(i), w.Field(i))
		}
	}
}

func TestTheWayToWordPressIsAsConfigured(t *testing.T) {
	got, err := upstreamConfig(unusualConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	if got.TLS == nil || got.TLS.ServerName != "origin.example" || got.TLS.MinVersion != tls.VersionTLS12 {
		t.Errorf("TLS is %+v", got.TLS)
	}
	shared, _ := namedEnv("SHARED")
	node := func(host string) *url.URL { return &url.URL{Scheme: "https", Host: host} }
	whole(t, got, upstream.Config{
		URL: node("10.0.0.1:8001"), Nodes: []*url.URL{node("10.0.0.1:8001"), node("10.0.0.2:8002")},
		SiteURL: &url.URL{Scheme: "https", Host: "shop.example.com", Path: "/store"}, Secrets: []string{shared, shared + " of before"},
		Host: "wordpress.example", TLS: got.TLS,
		Headers:     http.Header{"X-Origin-Verify": {shared + " of the origin"}, "Authorization": {"Bearer of-the-origin"}},
		DialTimeout: 11 * time.Millisecond, ResponseTimeout: 12 * time.Second,
		Timeouts:    upstream.Timeouts{Login: 13 * time.Second, CoCart: 14 * time.Second, Site: 15 * time.Second},
		BodyTimeout: 16 * time.Second, ResponseHeader: 17 << 10, IdleConnections: 18, IdleTimeout: 19 * time.Second,
		Concurrency: pool.Concurrency{Limit: 20, Queue: 21, Wait: 1022 * time.Millisecond, SitePercent: 23, Abandoned: 28},
		Health:      pool.Health{Path: "/health.php", Interval: 24 * time.Second, Timeout: 25 * time.Second, Failures: 26, Successes: 27},
	}, "Steady") // the monotonic clock
}

func TestTheFrontIsAsConfigured(t *testing.T) {
	guard := new(attempts.Guard)
	got := gatewayConfig(unusualConfig(t), guard)
	if got.Passwords.Now == nil {
		t.Error("the waits of wrong passwords have no clock")
	}
	got.Passwords.Now = nil
	shared, _ := namedEnv("SHARED")
	whole(t, got, gateway.Config{
		BearerLoginRefresh: true,
		PassOtherBearers:   true,

		SiteURL:     &url.URL{Scheme: "https", Host: "shop.example.com", Path: "/store"},
		Paths:       []string{"/en", "/fr"},
		AssumeHTTPS: true, SchemeHeaders: []string{"CloudFront-Forwarded-Proto", "X-Forwarded-Proto"},
		RestPrefix: "api", Namespaces: []string{"white-label"}, DenyGuests: true,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, InvalidTokenStatus: 403, MaxLoginBody: 39 << 10,
		Passwords: gateway.PasswordConfig{Attempts: guard},
		CORS:      crossorigin.Config{Origins: []string{"https://app.example.com"}, Credentials: true, MaxAge: 38 * time.Second, AllowHeaders: []string{"X-Currency"}, ExposeHeaders: []string{"X-Stock"}},
		Bounds:    bounds.Config{Body: 41 << 10, Form: 42 << 10, JSON: 43 << 10, Parameters: 42, BodyTime: 34 * time.Second, UploadRate: 29, DownloadRate: 31, Stall: 16 * time.Second}, KeepCartKeyNames: true,
		Migration: migration.Config{PluginRefresh: true, HandBack: true, Address: migration.PeerAddress}, AuthHeaders: []string{"X-Authorization"}, Hosts: []string{"other.example.com"},
		OriginAuthorization: "Bearer of-the-origin",
		Cookies:             gateway.CookieConfig{Enabled: true, CookieConfig: browser.CookieConfig{Domain: "example.com", SameSite: http.SameSiteStrictMode}},
		Protect:             []string{"wc/store", "/graphql"},
		AppServers:          []appserver.Server{{Name: "next", Secrets: []string{shared + " of the app", shared + " of the app before"}}},
		OwnAddresses:        []netip.Prefix{netip.MustParsePrefix("192.0.2.8/32")},
	}, "Now", "DryRun", "OtherHosts") // the clock of warnings; and a test of its own each
}

func TestTokensAreAsConfigured(t *testing.T) {
	cfg, log := unusualConfig(t), slog.New(slog.DiscardHandler)
	got, err := authorityConfig(cfg, now, log)
	if err != nil {
		t.Fatal(err)
	}
	signing, _ := namedEnv("SIGNING")
	key, err := keys.NewHMAC("main", "HS256", []byte(signing))
	if err != nil {
		t.Fatal(err)
	}
	refresh, _ := namedEnv("SIGNING_2")
	whole(t, got, tokens.Config{
		Issuer: "https://shop.example.com/store", Audience: "shop", Keys: []keys.Key{key}, RefreshSecrets: [][]byte{[]byte(refresh + " and more")},
		AccessTTL: 28 * time.Minute, RefreshTTL: 29 * time.Minute, SessionTTL: 30 * time.Hour, RefreshGrace: 31 * time.Second,
		LostAnswer: tokens.Always, ReuseBySameClient: tokens.RefuseReuse, MaxSessions: 32, Leeway: 33 * time.Second, KeyPrefix: "p:", WaitReplicas: 2, WaitLimit: 36 * time.Second,
		Plugin:       exchange.NewAccessTokens([]byte("0123456789 and 0123456789 and 0123456789"), "https://old.example.com", "old_"),
		MaxStaleness: 35 * time.Second, OnStale: tokens.Deny, OnLoss: tokens.RefreshLoss, VerifiedCache: 34, Log: log,
	}, "Reader", "Successor") // set with the store
}

func TestGuessingIsLimitedAsConfigured(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	limit := func(n int) attempts.Limit { return attempts.Limit{N: n, Per: time.Minute} }
	shared, _ := namedEnv("SHARED")
	whole(t, guardConfig(unusualConfig(t), log), attempts.Config{
		Account: limit(45), Address: limit(46), Overall: limit(47), AccountNetwork: limit(51), Subnet: limit(52), Network: limit(53),
		Newcomer: attempts.Newcomer{Account: limit(54), Address: limit(55), Network: limit(56)}, SecondFactor: limit(48), Refresh: limit(49), Validate: limit(50), Requests: limit(57), SessionRequests: limit(58),
		Wait: 5 * time.Second, Secret: []byte(shared), KeyPrefix: "p:", Log: log,
	})
}

// The packages have defaults of their own, for tests and other users. They are those of the configuration file.
func TestDefaultsOfPackagesAreThoseOfTheFile(t *testing.T) {
	cfg := withLines(t, "")
	authority, err := authorityConfig(cfg, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wordpress, err := upstreamConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	sameDefaults(t, reflect.ValueOf(authority), reflect.ValueOf(tokens.Config{}.WithDefaults()))
	sameDefaults(t, reflect.ValueOf(gatewayConfig(cfg, nil).Bounds), reflect.ValueOf(bounds.Config{}.WithDefaults()))
	sameDefaults(t, reflect.ValueOf(wordpress), reflect.ValueOf(pool.Config{}.WithDefaults()))
}

// sameDefaults compares the fields for which a package has a default with the fields of the same name.
func sameDefaults(t *testing.T, file, defaults reflect.Value) {
	t.Helper()
	for i := range defaults.NumField() {
		name, d := defaults.Type().Field(i).Name, defaults.Field(i)
		switch {
		case d.Kind() == reflect.Func, d.Kind() == reflect.Pointer, d.IsZero():
		case d.Kind() == reflect.Struct:
			sameDefaults(t, file.FieldByName(name), d)
		default:
			if f := file.FieldByName(name); !f.Equal(d) {
				t.Errorf("%s.%s: the default is %v, that of the file %v", defaults.Type(), name, d, f)
			}
		}
	}
}

func TestRedisIsAskedAsConfigured(t *testing.T) {
	client, closeStore, err := store.Open(unusualConfig(t).Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore()
	got := client.(*redis.Client).Options()
	const patience = 36 * time.Second
	if got.Addr != "redis.example:6379" || got.Username != "gateway" || got.Password != "of redis" || got.DB != 3 || got.PoolSize != 37 ||
		got.DialTimeout != patience || got.ReadTimeout != patience || got.WriteTimeout != patience || got.TLSConfig.ServerName != "redis.name" {
		t.Errorf("%+v", got)
	}
}
