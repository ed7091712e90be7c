package config

import (
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Default is what holds where the file is silent. What has no sensible default is empty.
func Default() *Config {
	return &Config{
		Listen:  []string{"127.0.0.1:8080"},
		TLS:     defaultTLS(),
		Sockets: defaultSockets(),
		Admin:   AdminConfig{Listen: "127.0.0.1:9090"},
		Upstream: UpstreamConfig{
			DialTimeout:     2 * time.Second,
			ResponseTimeout: time.Minute,
			IdleConnections: 512,
			IdleTimeout:     30 * time.Second,
			UpstreamNodes:   defaultUpstreamNodes(),
		},
		Site: SiteConfig{RESTPrefix: "wp-json", Namespaces: []string{"cocart"}, Guests: "allow", AuthHeaders: []string{"Authorization"}},
		Tokens: TokensConfig{
			AccessTTL:     10 * day,
			RefreshTTL:    30 * day,
			RefreshGrace:  30 * time.Second,
			LostAnswer:    "until_used",
			ReuseByClient: "converge",
			MaxSessions:   5,
			Leeway:        30 * time.Second,
			VerifiedCache: 10_000,
		},
		Revocation:     RevocationConfig{OnStale: "serve"},
		Redis:          RedisConfig{Addresses: []string{EmbeddedStore}, Mode: "standalone", Prefix: "cocart:", Timeout: time.Second},
		TrustedProxies: nil,
		Compat:         CompatConfig{InvalidTokenStatus: 401, MirrorCartKey: true, OtherBearers: RefuseOtherBearers, Migration: MigrationConfig{PluginAddress: "client"}},
		CORS:           defaultCORS(),
		Limits:         LimitsConfig{LoginBody: 64 << 10, Header: 64 << 10, Body: 10 << 20, Form: 1 << 20, JSON: 1 << 20, Parameters: 1000, UploadRate: 512, DownloadRate: 512},
		Server: ServerConfig{
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       30 * time.Second,
			IdleTimeout:       75 * time.Second,
			SchemeHeaders:     slices.Clone(schemeHeaderNames),
			ShutdownTimeout:   30 * time.Second,
		},
		Log:   LogConfig{Level: slog.LevelInfo, Format: "text"},
		Guard: defaultGuard(), Reload: ReloadWatch,
	}
}

// shape is every key there is, bound to its place in c: the one table that reading, writing, suggestions and the
// test of config.example.yaml go by.
func shape(c *Config) section {
	return section{
		addressList("listen", &c.Listen, publicExample),
		tlsBlock(&c.TLS),
		adminBlock(&c.Admin),
		upstreamBlock(&c.Upstream),
		siteBlock(&c.Site),
		tokensBlock(&c.Tokens),
		revocationBlock(&c.Revocation),
		redisBlock(&c.Redis),
		values("trusted_proxies", &c.TrustedProxies, proxy()),
		value("proxy_protocol", &c.Sockets.ProxyProtocol, choice("off", "accept", "require")),
		block("compat", append([]entry{
			value("invalid_token_status", &c.Compat.InvalidTokenStatus,
				numberBy("must be 401 or 403", "write 401, or 403 for clients made for the CoCart JWT plugin", func(n int) bool { return n == 401 || n == 403 })),
			value("mirror_cart_key", &c.Compat.MirrorCartKey, truth()),
			value("bearer_login_refresh", &c.Compat.BearerLoginRefresh, truth()),
			value("other_bearers", &c.Compat.OtherBearers, choice(RefuseOtherBearers, PassOtherBearers))},
			migrationKeys(&c.Compat.Migration)...)...),
		corsEntry(&c.CORS),
		block("limits", append([]entry{
			value("login_body", &c.Limits.LoginBody, size(1<<10, 16<<20, "64KiB")),
			value("header", &c.Limits.Header, size(4<<10, 1<<20, "64KiB")),
			value("body", &c.Limits.Body, size(1<<10, 1<<30, "10MiB")),
			value("form", &c.Limits.Form, size(1<<10, 64<<20, "1MiB")),
			value("json", &c.Limits.JSON, size(1<<10, 64<<20, "1MiB")),
			value("parameters", &c.Limits.Parameters, number(1, 1_000_000, "write e.g. 1000")),
			value("upload_rate", &c.Limits.UploadRate, size(0, 1<<20, "512B, or 0 for no limit")),
			value("download_rate", &c.Limits.DownloadRate, size(0, 1<<20, "512B, or 0 for no limit"))},
			append(connectionLimits(&c.Sockets), guardLimits(&c.Guard)...)...)...),
		loginBlock(&c.Guard),
		block("server", append([]entry{
			value("read_header_timeout", &c.Server.ReadHeaderTimeout, duration(10*time.Millisecond, 5*time.Minute, "5s")),
			value("read_timeout", &c.Server.ReadTimeout, duration(10*time.Millisecond, 35*time.Second, "30s")),
			value("idle_timeout", &c.Server.IdleTimeout, duration(10*time.Millisecond, time.Hour, "75s")),
			value("shutdown_timeout", &c.Server.ShutdownTimeout, duration(0, time.Hour, "30s")),
			value("assume_https", &c.Server.AssumeHTTPS, truth()),
			values("scheme_headers", &c.Server.SchemeHeaders, schemeHeader())},
			socketKeys(&c.Sockets)...)...),
		block("log",
			value("level", &c.Log.Level, logLevel()),
			value("format", &c.Log.Format, choice("text", "json"))),
		value("reload", &c.Reload, choice(ReloadWatch, ReloadSignal, ReloadOff)),
	}
}

func adminBlock(c *AdminConfig) entry {
	return block("admin",
		value("listen", &c.Listen, listenAddress(adminExample)),
		values("hosts", &c.Hosts, siteHost()),
		secret("token", &c.Token, orEmpty(sharedSecret(32, makeSecret))),
		value("oauth", &c.OAuth, truth()))
}

func siteBlock(c *SiteConfig) entry {
	return block("site",
		required("url", &c.URL, webAddress("must be the address of the shop as WordPress knows it, http or https, with a path at most",
			"https://shop.example.com", sitePath)),
		value("rest_prefix", &c.RESTPrefix, text("must be a path as in wp-json or api/v1: no slash at its ends, no part that begins with a dot",
			"write e.g. wp-json", func(s string) bool { return s != "" && sitePath.MatchString("/"+s) && !strings.HasSuffix(s, "/") })),
		values("paths", &c.Paths, pathPrefix()),
		values("namespaces", &c.Namespaces, namespace()),
		value("guests", &c.Guests, choice("allow", "deny")),
		values("auth_headers", &c.AuthHeaders, authHeader()),
		values("hosts", &c.Hosts, siteHost()))
}

func tokensBlock(c *TokensConfig) entry {
	const longest = 10 * 365 * day
	return block("tokens",
		blocks("keys", &c.Keys, missingKeys, keyForm),
		secrets("refresh_secret", &c.RefreshSecret, orEmpty(sharedSecret(32, makeSecret))),
		value("access_ttl", &c.AccessTTL, duration(time.Minute, 365*day, "15m")),
		value("refresh_ttl", &c.RefreshTTL, duration(time.Minute, longest, "30d")),
		value("session_ttl", &c.SessionTTL, durationBy("must be a duration between 1m and 3650d, or 0 for no limit", "90d",
			func(d time.Duration) bool { return d == 0 || time.Minute <= d && d <= longest })),
		value("refresh_grace", &c.RefreshGrace, duration(0, 5*time.Minute, "30s")),
		value("lost_answer", &c.LostAnswer, choice("until_used", "always", "never")),
		value("reuse_by_same_client", &c.ReuseByClient, choice("converge", "refuse", "end")),
		value("max_sessions", &c.MaxSessions, numberBy("must be a whole number from 1 to 1000, or -1 for no limit", "write e.g. 5",
			func(n int) bool { return n == -1 || 1 <= n && n <= 1000 })),
		value("leeway", &c.Leeway, duration(0, 2*time.Minute, "30s")),
		value("audience", &c.Audience, line(255)),
		value("verified_cache", &c.VerifiedCache, number(0, 10_000_000, "write e.g. 10000, or 0 for none")))
}

func revocationBlock(c *RevocationConfig) entry {
	return block("revocation",
		value("max_staleness", &c.MaxStaleness, durationBy("must be a duration between 5s and 365d, or 0 for no limit", "10m",
			func(d time.Duration) bool { return d == 0 || 5*time.Second <= d && d <= 365*day })),
		value("on_stale", &c.OnStale, choice("serve", "deny")))
}
