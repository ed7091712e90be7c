package config

import (
	"log/slog"
	"time"
)

// Default returns the configuration with every key at its default. Keys without a sensible default are empty.
func Default() *Config {
	c := &Config{}
	keyTable(c).setDefault()
	return c
}

// keyTable lists every key with its place in c, its default, its rule and its message. Reading, writing, suggestions, the
// documents and the test of config.example.yaml use this table.
func keyTable(c *Config) section {
	return section{
		oneOrMore("listen", &c.Listen, []string{"127.0.0.1:8080"}, listenAddress().like("127.0.0.1:8080")),
		tlsKeys(&c.TLS),
		adminKeys(&c.Admin),
		upstreamKeys(&c.Upstream),
		siteKeys(&c.Site),
		tokenKeys(&c.Tokens),
		revocationKeys(&c.Revocation),
		redisKeys(&c.Redis),
		values("trusted_proxies", &c.TrustedProxies, nil, network()),
		value("proxy_protocol", &c.Sockets.ProxyProtocol, "off", choice("off", "accept", "require")),
		compatKeys(&c.Compat),
		corsKeys(&c.CORS),
		limitKeys(c),
		block("login", value("uniform_errors", &c.Attempts.UniformErrors, true, truth())),
		serverKeys(c),
		block("log",
			value("level", &c.Log.Level, slog.LevelInfo, logLevel()),
			value("format", &c.Log.Format, "text", choice("text", "json"))),
		value("reload", &c.Reload, ReloadWatch, choice(ReloadWatch, ReloadSignal, ReloadOff)),
	}
}

func adminKeys(c *Admin) entry {
	return block("admin",
		value("listen", &c.Listen, "127.0.0.1:9090", listenAddress()),
		values("hosts", &c.Hosts, nil, siteHost()),
		secret("token", &c.Token, orEmpty(sharedSecret(32, makeSecret))),
		value("oauth", &c.OAuth, false, truth()))
}

func tokenKeys(c *Tokens) entry {
	const longest = 10 * 365 * day
	return block("tokens",
		required(blocks("keys", &c.Keys, missingKeys, signingKeyKeys)),
		secrets("refresh_secret", &c.RefreshSecret, orEmpty(sharedSecret(32, makeSecret))),
		value("access_ttl", &c.AccessTTL, 10*day, duration(time.Minute, 365*day).like("15m")),
		value("refresh_ttl", &c.RefreshTTL, 30*day, duration(time.Minute, longest)),
		value("session_ttl", &c.SessionTTL, 0, durationOr0(time.Minute, longest, "no limit").like("90d")),
		value("refresh_grace", &c.RefreshGrace, 30*time.Second, duration(0, 5*time.Minute)),
		value("lost_answer", &c.LostAnswer, "until_used", choice("until_used", "always", "never")),
		value("reuse_by_same_client", &c.ReuseByClient, "converge", choice("converge", "refuse", "end")),
		value("max_sessions", &c.MaxSessions, 5, numberBy("must be a whole number from 1 to 1000, or -1 for no limit",
			func(n int) bool { return n == -1 || 1 <= n && n <= 1000 })),
		value("leeway", &c.Leeway, 30*time.Second, duration(0, 2*time.Minute)),
		value("audience", &c.Audience, "", line(255)),
		value("verified_cache", &c.VerifiedCache, 10_000, number(0, 10_000_000).or0("for no cache")))
}

func revocationKeys(c *Revocation) entry {
	return block("revocation",
		value("max_staleness", &c.MaxStaleness, 0, durationOr0(5*time.Second, 365*day, "no limit").like("10m")),
		value("on_stale", &c.OnStale, "serve", choice("serve", "deny")))
}

func compatKeys(c *Compat) entry {
	return block("compat", append([]entry{
		value("invalid_token_status", &c.InvalidTokenStatus, 401,
			numberBy("must be 401 or 403", func(n int) bool { return n == 401 || n == 403 }).
				advise("write 401, or 403 for clients made for the CoCart JWT plugin")),
		value("mirror_cart_key", &c.MirrorCartKey, true, truth()),
		value("bearer_login_refresh", &c.BearerLoginRefresh, false, truth()),
		value("other_bearers", &c.OtherBearers, RefuseOtherBearers, choice(RefuseOtherBearers, PassOtherBearers)),
	}, migrationKeys(&c.Migration)...)...)
}

func serverKeys(c *Config) entry {
	return block("server",
		value("read_header_timeout", &c.Server.ReadHeaderTimeout, 5*time.Second, duration(10*time.Millisecond, 5*time.Minute)),
		value("read_timeout", &c.Server.ReadTimeout, 30*time.Second, duration(10*time.Millisecond, 35*time.Second)),
		value("idle_timeout", &c.Server.IdleTimeout, 75*time.Second, duration(10*time.Millisecond, time.Hour).like("75s")),
		value("shutdown_timeout", &c.Server.ShutdownTimeout, 30*time.Second, duration(0, time.Hour)),
		value("assume_https", &c.Server.AssumeHTTPS, false, truth()),
		values("scheme_headers", &c.Server.SchemeHeaders, schemeHeaderNames, choice(schemeHeaderNames...)),
		value("drain_delay", &c.Sockets.DrainDelay, 0, duration(0, 5*time.Minute).like("5s")),
		value("socket_mode", &c.Sockets.Mode, 0o660, fileMode()),
		value("socket_owner", &c.Sockets.Owner, "", socketOwner()))
}
