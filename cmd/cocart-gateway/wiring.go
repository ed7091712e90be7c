package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/certs"
	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/server"
	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/appserver"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/gateway/browser"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/gateway/forwarded"
	"cocart-gateway/gateway/migration"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/keys"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
)

// registry is where metrics are registered and gathered: a prometheus.Registry.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// build creates the parts of the program from its configuration.
func (p *program) build(store redis.UniversalClient, reg registry) (err error) {
	if p.reloading, err = newReloading(p, reg); err != nil {
		return err
	}
	p.started = now()
	if err := tokens.MeasureCommands(store, reg); err != nil {
		return err
	}
	if p.certificates, err = certs.Open(p.cfg, reg, p.log); err != nil {
		return err
	}
	p.parts = append(p.parts, p.certificates.Reconfigure)
	if p.others, err = p.newOthers(); err != nil {
		return err
	}
	var editions []*shopEdition
	for _, cfg := range p.cfg.EachShop() {
		s, err := p.newShop(cfg, store)
		if err != nil {
			return err
		}
		p.shops, editions = append(p.shops, s), append(editions, s.first)
	}
	if err := p.publish(p.together(p.cfg, editions)); err != nil {
		return err
	}
	p.server, err = p.newServer(reg)
	return err
}

func (p *program) newServer(reg prometheus.Registerer) (*server.Server, error) {
	connections, err := server.NewConnections(server.ConnectionsConfig{
		PerAddress:    func() int { return p.inForce().Sockets.PerAddress },
		Exempt:        func(a netip.Addr) bool { return server.Trusted(a, p.inForce().TrustedProxies) },
		HeaderTimeout: p.cfg.Server.ReadHeaderTimeout, Log: p.log, Now: now,
	}, reg)
	return server.New(server.Options{
		Config: p.inForce, Public: p.public, Redirect: p.certificates.AnswerChallenges(redirect(p.cfg)), Admin: p.admin, Metrics: http.HandlerFunc(p.admin.serveMetrics),
		TLS: p.certificates.TLSConfig(p.cfg.TLS.MinVersion), ProxiedTLS: forwarded.WithProxiedTLS, Connections: connections, Notifier: p.notify, Log: p.log,
	}), err
}

// gatewayConfig returns the configuration of the public handler.
func gatewayConfig(cfg *config.Config, guard *attempts.Guard) gateway.Config {
	return gateway.Config{
		SiteURL:            cfg.Site.URL,
		RestPrefix:         cfg.Site.RESTPrefix,
		Paths:              cfg.Site.Paths,
		Namespaces:         cfg.Site.Namespaces,
		Protect:            cfg.Site.Protect,
		DenyGuests:         cfg.Site.Guests == "deny",
		TrustedProxies:     cfg.TrustedProxies,
		AppServers:         appServers(cfg.AppServers),
		AssumeHTTPS:        cfg.Server.AssumeHTTPS,
		SchemeHeaders:      cfg.Server.SchemeHeaders,
		InvalidTokenStatus: cfg.Compat.InvalidTokenStatus,
		MaxLoginBody:       cfg.Limits.LoginBody,
		Passwords:          guarding(cfg.Attempts, guard),
		KeepCartKeyNames:   !cfg.Compat.MirrorCartKey,
		BearerLoginRefresh: cfg.Compat.BearerLoginRefresh,
		PassOtherBearers:   cfg.Compat.OtherBearers == config.PassOtherBearers,
		Bounds: bounds.Config{Body: cfg.Limits.Body, Form: cfg.Limits.Form, JSON: cfg.Limits.JSON, Parameters: cfg.Limits.Parameters, BodyTime: cfg.Server.ReadTimeout,
			UploadRate: orNone(cfg.Limits.UploadRate), DownloadRate: orNone(cfg.Limits.DownloadRate), Stall: orNone(cfg.Upstream.BodyTimeout)},
		CORS:                corsConfig(cfg.CORS),
		Cookies:             cookieConfig(cfg.Cookies),
		AuthHeaders:         cfg.Site.AuthHeaders,
		OriginAuthorization: cfg.Upstream.OriginHeaders().Get("Authorization"),
		Migration:           migrationConfig(cfg.Compat.Migration),
		DryRun:              cfg.Compat.Migration.DryRun,
		Hosts:               acceptedHosts(cfg),
		OtherHosts:          cfg.OtherHosts,
		OwnAddresses:        cfg.Upstream.Concurrency.OwnAddresses,
	}
}

// acceptedHosts returns what site.hosts lists. One of several shops accepts no other host than its own, also not by
// X-Forwarded-Host, even if it lists none.
func acceptedHosts(cfg *config.Config) []string {
	if cfg.Name != "" {
		return cfg.Hosts()
	}
	return cfg.Site.Hosts
}

func (p *program) newAdmin(s *shop, e *shopEdition) *admin.Handler {
	cfg := e.cfg
	return admin.New(admin.Config{Hosts: cfg.Admin.Hosts, Token: cfg.Admin.Token.Reveal(), OAuth: cfg.Admin.OAuth,
		DryRun: cfg.Compat.Migration.DryRun, Exemplars: p.tracing != nil, Started: p.notify.Announced, Configuration: p.api, Lockouts: e.guard, Shops: p.cfg.ShopNames(),
		Program: p.describe(cfg), History: s.history, Doctor: func(ctx context.Context) any { return p.examine(ctx, s.name) }, Log: s.log}, e.authority, s.wordpress, p.registry)
}

func newAuthority(cfg *config.Config, store redis.UniversalClient, reg prometheus.Registerer, now func() time.Time, log *slog.Logger) (*tokens.Authority, error) {
	settings, err := authorityConfig(cfg, now, log)
	if err != nil {
		return nil, err
	}
	return tokens.New(settings, store, reg)
}

// authorityConfig returns the configuration of package tokens.
func authorityConfig(cfg *config.Config, now func() time.Time, log *slog.Logger) (tokens.Config, error) {
	t := cfg.Tokens
	table := make([]keys.Key, 0, len(t.Keys))
	for i, k := range t.Keys {
		key, err := signingKey(k)
		if err != nil {
			return tokens.Config{}, fmt.Errorf("tokens.keys[%d] (%s): %w", i, k.ID, err)
		}
		table = append(table, key)
	}
	return tokens.Config{
		Issuer: cfg.Site.URL.String(), Audience: t.Audience,
		Keys: table, RefreshSecrets: reveal(t.RefreshSecret),
		AccessTTL: t.AccessTTL, RefreshTTL: t.RefreshTTL, SessionTTL: t.SessionTTL,
		RefreshGrace: orNone(t.RefreshGrace), Leeway: orNone(t.Leeway),
		LostAnswer: tokens.LostAnswer(t.LostAnswer), ReuseBySameClient: tokens.ReuseBySameClient(t.ReuseByClient), MaxSessions: t.MaxSessions,
		KeyPrefix: cfg.Redis.Prefix, WaitReplicas: cfg.Redis.WaitReplicas, WaitLimit: cfg.Redis.Timeout, Plugin: acceptedPluginTokens(cfg),
		MaxStaleness: cfg.Revocation.MaxStaleness, OnStale: tokens.OnStale(cfg.Revocation.OnStale), // 0 is no limit in both
		OnLoss:        tokens.OnLoss(cfg.Revocation.OnLoss),
		VerifiedCache: t.VerifiedCache, Now: now, Log: log,
	}, nil
}

// loadConfig reads and checks the configuration file at path.
func loadConfig(path string, env func(string) (string, bool)) (*config.Config, error) {
	return config.Load(path, env, checkKey)
}

// signingKey returns the key that package tokens signs and verifies with. It cannot fail for a Config that was loaded.
func signingKey(k config.SigningKey) (key keys.Key, err error) {
	if k.Symmetric() {
		key, err = keys.NewHMAC(k.ID, k.Algorithm, []byte(k.Secret.Reveal()))
	} else {
		key, err = keys.Parse(k.ID, k.Algorithm, []byte(cmp.Or(k.PrivateKey.Reveal(), k.PublicKey)))
	}
	if err != nil {
		return keys.Key{}, err
	}
	return key.RetireAt(k.RetireAt), nil
}

// checkKey reports whether a key can sign, and why package tokens refuses it.
func checkKey(k config.SigningKey) (signs bool, err error) {
	key, err := signingKey(k)
	if err != nil {
		return false, errors.New(strings.TrimPrefix(err.Error(), fmt.Sprintf("key %q: ", k.ID)))
	}
	return key.CanSign(), nil
}

// migrationConfig returns the configuration of the move from or to the old plugin.
func migrationConfig(m config.Migration) migration.Config {
	return migration.Config{PluginRefresh: m.PluginRefresh, HandBack: m.HandBack, Address: migration.Address(m.PluginAddress)}
}

// acceptedPluginTokens returns what accepts access tokens of the old plugin, or nil where they are refused.
func acceptedPluginTokens(cfg *config.Config) tokens.PluginTokens {
	m := cfg.Compat.Migration
	if !m.AcceptPluginTokens {
		return nil
	}
	return exchange.NewAccessTokens([]byte(m.PluginSecret.Reveal()), cmp.Or(m.PluginIssuer, cfg.Site.URL.String()), m.PluginPrefix)
}

func corsConfig(c config.CORS) crossorigin.Config {
	return crossorigin.Config{Passthrough: c.Passthrough, Origins: c.Origins, Credentials: c.Credentials, MaxAge: orNone(c.MaxAge),
		AllowHeaders: c.Allow, ExposeHeaders: c.Expose}
}

func cookieConfig(c config.Cookies) gateway.CookieConfig {
	sameSite := map[string]http.SameSite{"strict": http.SameSiteStrictMode, "lax": http.SameSiteLaxMode, "none": http.SameSiteNoneMode}
	return gateway.CookieConfig{Enabled: c.Enabled, CookieConfig: browser.CookieConfig{Domain: c.Domain, SameSite: sameSite[c.SameSite]}}
}

func newWordPress(cfg *config.Config, reg prometheus.Registerer, log *slog.Logger) (*upstream.WordPress, error) {
	settings, err := upstreamConfig(cfg)
	if err != nil {
		return nil, err
	}
	return upstream.New(settings, reg, log)
}

func reveal(secrets []schema.Secret) [][]byte {
	var out [][]byte
	for _, s := range secrets {
		out = append(out, []byte(s.Reveal()))
	}
	return out
}

// orNone translates 0 for "no limit", as in the file, for a package whose zero value means its default.
func orNone[T time.Duration | int | int64](d T) T {
	if d == 0 {
		return -1
	}
	return d
}

// upstreamConfig returns the configuration of package upstream. It reads the files that the configuration names.
func upstreamConfig(cfg *config.Config) (upstream.Config, error) {
	c := cfg.Upstream
	secure, err := upstreamTLS(c)
	if err != nil {
		return upstream.Config{}, err
	}
	out := upstream.Config{
		URL: c.URL, Nodes: c.Origins(), SiteURL: cfg.Site.URL, Host: upstreamHost(cfg), TLS: secure,
		Secrets: assertionSecrets(c), Headers: c.OriginHeaders(),
		DialTimeout: c.DialTimeout, ResponseTimeout: c.ResponseTimeout,
		Timeouts:    upstream.Timeouts{Login: c.Timeouts.Login, CoCart: c.Timeouts.CoCart, Site: c.Timeouts.Site},
		BodyTimeout: orNone(c.BodyTimeout), ResponseHeader: c.ResponseHeader,
		IdleConnections: c.IdleConnections, IdleTimeout: c.IdleTimeout,
		Concurrency: pool.Concurrency{
			Limit: c.Concurrency.Limit, Queue: c.Concurrency.Queue, Wait: c.Concurrency.QueueTimeout,
			SitePercent: c.Concurrency.StorefrontPercent, Abandoned: orNone(c.Concurrency.Abandoned),
		},
		Health: pool.Health{
			Path: c.Health.Path, Interval: c.Health.Interval, Timeout: c.Health.Timeout,
			Failures: c.Health.Failures, Successes: c.Health.Successes,
		},
		Now: now,
	}
	if cfg.Compat.Migration.DryRun { // without the gateway no request would wait
		out.Concurrency = pool.Concurrency{Abandoned: out.Concurrency.Abandoned}
	}
	return out, nil
}

// upstreamHost returns the Host that WordPress gets, or "" for the one that the client sent.
func upstreamHost(cfg *config.Config) string {
	switch cfg.Upstream.Host {
	case "pass":
		return ""
	case "site":
		return cfg.Site.URL.Host
	}
	return cfg.Upstream.Host
}

func assertionSecrets(c config.Upstream) []string {
	secrets := make([]string, 0, len(c.Secret))
	for _, s := range c.Secret {
		secrets = append(secrets, s.Reveal())
	}
	return secrets
}

func upstreamTLS(c config.Upstream) (*tls.Config, error) {
	client := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCAFile != "" {
		pem, err := schema.ReadRegular(c.TLSCAFile, schema.MaxSecretFile)
		if err != nil {
			return nil, fmt.Errorf("reading upstream.tls_ca_file: %w", err)
		}
		client.RootCAs = x509.NewCertPool()
		if !client.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading upstream.tls_ca_file: it contains no certificate")
		}
	}
	if c.TLSCertFile != "" {
		// Read at each handshake, of which there are few, so that renewed files need no reload. While one file is
		// replaced and the other is not, a handshake fails; the next one works.
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := config.ReadKeyPair(c.TLSCertFile, c.TLSKeyFile)
			if err != nil {
				return nil, fmt.Errorf("reading upstream.tls_cert_file and upstream.tls_key_file: %w", err)
			}
			return &pair, nil
		}
	}
	return client, nil
}

// newGuard returns the rate limits of passwords. Its key is derived from a secret that all gateways of a shop share.
func newGuard(cfg *config.Config, store redis.UniversalClient, log *slog.Logger) (*attempts.Guard, error) {
	return attempts.New(guardConfig(cfg, log), wprequest.NameKey, store)
}

// attemptWait is how long a login waits for other logins of its account or address. WordPress checks a password in less
// than a second.
const attemptWait = 5 * time.Second

// guardConfig returns the configuration of package attempts.
func guardConfig(cfg *config.Config, log *slog.Logger) attempts.Config {
	c := cfg.Attempts
	limit := func(l config.Limit) attempts.Limit { return attempts.Limit(l) }
	return attempts.Config{
		Account: limit(c.Account), AccountNetwork: limit(c.AccountNetwork), Address: limit(c.Address), Subnet: limit(c.Subnet),
		Network: limit(c.Network), Overall: limit(c.Overall),
		Newcomer: attempts.Newcomer{
			Account: limit(c.Newcomer.Account), Address: limit(c.Newcomer.Address), Network: limit(c.Newcomer.Network),
		},
		SecondFactor: limit(c.SecondFactor), Refresh: limit(c.Refresh), Validate: limit(c.Validate),
		Requests: limit(c.Requests), SessionRequests: limit(c.SessionRequests),
		Wait: attemptWait, Secret: []byte(cfg.Upstream.Secret[0].Reveal()), KeyPrefix: cfg.Redis.Prefix, Now: now, Log: log,
	}
}

func appServers(all []config.AppServer) []appserver.Server {
	var servers []appserver.Server
	for _, s := range all {
		server := appserver.Server{Name: s.Name}
		for _, secret := range s.Secret {
			server.Secrets = append(server.Secrets, secret.Reveal())
		}
		servers = append(servers, server)
	}
	return servers
}

func guarding(c config.Attempts, guard *attempts.Guard) gateway.PasswordConfig {
	return gateway.PasswordConfig{Attempts: guard, UniformErrors: c.UniformErrors, SiteLogin: c.SiteLogin, Now: now}
}
