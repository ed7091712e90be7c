package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// Default returns the configuration with every key at its default. Keys without a sensible default are empty.
func Default() *Config {
	c := &Config{}
	keyTable(c).SetDefault()
	return c
}

// keyTable lists every key with its place in c, its default, its rule and its message. Reading, writing, suggestions, the
// documents and the test of config.example.yaml use this table.
func keyTable(c *Config) schema.Section { return keyTableWith(c, &redisURL{}) }

// keyTableWith puts what a URL in redis.address contains besides host and port into given.
func keyTableWith(c *Config, given *redisURL) schema.Section {
	return schema.Section{
		schema.OneOrMore("listen", &c.Listen, []string{"127.0.0.1:8080"}, listenAddress().Like("127.0.0.1:8080")),
		tlsKeys(&c.TLS),
		adminKeys(&c.Admin),
		metricsKeys(&c.Metrics),
		upstreamKeys(&c.Upstream),
		siteKeys(&c.Site),
		tokenKeys(&c.Tokens),
		revocationKeys(&c.Revocation),
		redisKeys(&c.Redis, given),
		schema.Values("trusted_proxies", &c.TrustedProxies, nil, schema.Network()),
		schema.Blocks("app_servers", &c.AppServers, listAppServers, appServerKeys),
		schema.Value("proxy_protocol", &c.Sockets.ProxyProtocol, "off", schema.Choice("off", "accept", "require")),
		compatKeys(&c.Compat),
		corsKeys(&c.CORS),
		cookieKeys(&c.Cookies),
		limitKeys(c),
		schema.Block("login", schema.Value("uniform_errors", &c.Attempts.UniformErrors, true, schema.Truth())),
		serverKeys(c),
		schema.Block("log",
			schema.Value("level", &c.Log.Level, slog.LevelInfo, schema.LogLevel()),
			schema.Value("format", &c.Log.Format, "text", schema.Choice("text", "json"))),
		tracingKeys(&c.Tracing),
		schema.Value("reload", &c.Reload, ReloadWatch, schema.Choice(ReloadWatch, ReloadSignal, ReloadOff)),
		{Names: []string{shopsKey}, Content: shopList{c}},
	}
}

var listAppServers = schema.Mistake{Remedy: "write e.g. app_servers: [{name: web, secret_file: /run/secrets/web}]"}

var appServerName = regexp.MustCompile(`\A[a-z0-9-]{1,32}\z`)

func appServerKeys(s *AppServer) schema.Section {
	return schema.Section{
		schema.Required(schema.Value("name", &s.Name, "", schema.Text("must be 1 to 32 lower-case letters, digits and -", appServerName.MatchString).Like("web"))),
		schema.Required(schema.SecretKeys("secret", &s.Secret, schema.SharedSecret(32, schema.MakeSecret))),
	}
}

// checkAppServers requires a name of its own for each app server: the log names them.
func checkAppServers(c *Config, r *schema.Reader) {
	names := map[string]int{}
	for i, s := range c.AppServers {
		at := fmt.Sprintf("app_servers[%d].name", i)
		if first, twice := names[s.Name]; twice && s.Name != "" {
			r.Reject(r.At(at), "is "+schema.Printable(s.Name)+fmt.Sprintf(", as is app_servers[%d].name", first), "must be different for each server", "give this server another name")
		}
		names[s.Name] = i
	}
}

func adminKeys(c *Admin) schema.Entry {
	return schema.Block("admin",
		schema.Value("listen", &c.Listen, "127.0.0.1:9090", listenAddress()),
		schema.Values("hosts", &c.Hosts, nil, siteHost()),
		schema.SecretKey("token", &c.Token, schema.OrEmpty(schema.SharedSecret(32, schema.MakeSecret))),
		schema.Value("oauth", &c.OAuth, false, schema.Truth()))
}

func tokenKeys(c *Tokens) schema.Entry {
	const longest = 10 * 365 * schema.Day
	return schema.Block("tokens",
		schema.Required(schema.Blocks("keys", &c.Keys, missingKeys, signingKeyKeys)),
		schema.SecretKeys("refresh_secret", &c.RefreshSecret, schema.OrEmpty(schema.SharedSecret(32, schema.MakeSecret))),
		schema.Value("access_ttl", &c.AccessTTL, 10*schema.Day, schema.Duration(time.Minute, 365*schema.Day).Like("15m")),
		schema.Value("refresh_ttl", &c.RefreshTTL, 30*schema.Day, schema.Duration(time.Minute, longest)),
		schema.Value("session_ttl", &c.SessionTTL, 0, schema.DurationOr0(time.Minute, longest, "no limit").Like("90d")),
		schema.Value("refresh_grace", &c.RefreshGrace, 30*time.Second, schema.Duration(0, 5*time.Minute)),
		schema.Value("lost_answer", &c.LostAnswer, "until_used", schema.Choice("until_used", "always", "never")),
		schema.Value("reuse_by_same_client", &c.ReuseByClient, "converge", schema.Choice("converge", "refuse", "end")),
		schema.Value("max_sessions", &c.MaxSessions, 5, schema.NumberBy("must be a whole number from 1 to 1000, or -1 for no limit",
			func(n int) bool { return n == -1 || 1 <= n && n <= 1000 })),
		schema.Value("leeway", &c.Leeway, 30*time.Second, schema.Duration(0, 2*time.Minute)),
		schema.Value("audience", &c.Audience, "", schema.Line(255)),
		schema.Value("verified_cache", &c.VerifiedCache, 10_000, schema.Number(0, 10_000_000).Or0("for no cache")))
}

func revocationKeys(c *Revocation) schema.Entry {
	return schema.Block("revocation",
		schema.Value("max_staleness", &c.MaxStaleness, 0, schema.DurationOr0(5*time.Second, 365*schema.Day, "no limit").Like("10m")),
		schema.Value("on_stale", &c.OnStale, "serve", schema.Choice("serve", "deny")),
		schema.Value("on_loss", &c.OnLoss, "serve", schema.Choice("serve", "refresh_only", "deny")))
}

func compatKeys(c *Compat) schema.Entry {
	return schema.Block("compat", append([]schema.Entry{
		schema.Value("invalid_token_status", &c.InvalidTokenStatus, 401,
			schema.NumberBy("must be 401 or 403", func(n int) bool { return n == 401 || n == 403 }).
				Advise("write 401, or 403 for clients made for the CoCart JWT plugin")),
		schema.Value("mirror_cart_key", &c.MirrorCartKey, true, schema.Truth()),
		schema.Value("bearer_login_refresh", &c.BearerLoginRefresh, false, schema.Truth()),
		schema.Value("other_bearers", &c.OtherBearers, RefuseOtherBearers, schema.Choice(RefuseOtherBearers, PassOtherBearers)),
	}, migrationKeys(&c.Migration)...)...)
}

func serverKeys(c *Config) schema.Entry {
	return schema.Block("server",
		schema.Value("read_header_timeout", &c.Server.ReadHeaderTimeout, 5*time.Second, schema.Duration(10*time.Millisecond, 5*time.Minute)),
		schema.Value("read_timeout", &c.Server.ReadTimeout, 30*time.Second, schema.Duration(10*time.Millisecond, 35*time.Second)),
		schema.Value("idle_timeout", &c.Server.IdleTimeout, 75*time.Second, schema.Duration(10*time.Millisecond, time.Hour).Like("75s")),
		schema.Value("shutdown_timeout", &c.Server.ShutdownTimeout, 30*time.Second, schema.Duration(0, time.Hour)),
		schema.Value("assume_https", &c.Server.AssumeHTTPS, false, schema.Truth()),
		schema.Values("scheme_headers", &c.Server.SchemeHeaders, schemeHeaderNames, schema.Choice(schemeHeaderNames...)),
		schema.Value("drain_delay", &c.Sockets.DrainDelay, 0, schema.Duration(0, 5*time.Minute).Like("5s")),
		schema.Value("socket_mode", &c.Sockets.Mode, 0o660, fileMode()),
		schema.Value("socket_owner", &c.Sockets.Owner, "", socketOwner()))
}
