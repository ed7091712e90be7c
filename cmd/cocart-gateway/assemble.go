package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream"
)

// registry is where metrics are registered and gathered: a prometheus.Registry.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// build turns the configuration into the three rooms.
func (p *program) build(store redis.UniversalClient, reg registry) (err error) {
	if p.reloading, err = newReloading(p, reg); err != nil {
		return err
	}
	if p.authority, err = newAuthority(p.cfg, store, reg, now, p.log); err != nil {
		return err
	}
	if p.wordpress, err = newWordPress(p, reg); err != nil {
		return err
	}
	if p.certificates, err = newCertificateSet(p.cfg, reg, p.log); err != nil {
		return err
	}
	p.parts = append(p.parts, p.certificates.part)
	if p.connections, err = newConnections(p, reg); err != nil {
		return err
	}
	guard, err := newGuard(p.cfg, store, p.log)
	if err != nil {
		return err
	}
	front, err := gateway.New(p.cfg.front(guard), p.authority, p.wordpress, reg, p.log)
	if err != nil {
		return err
	}
	return p.publish(&edition{cfg: p.cfg, authority: p.authority, guard: guard, front: front, admin: p.newAdmin(p.cfg, p.authority)})
}

// front is what the public handler is told.
func (cfg *Config) front(guard *attempts.Guard) gateway.Config {
	return gateway.Config{
		SiteURL:            cfg.Site.URL,
		RestPrefix:         cfg.Site.RESTPrefix,
		Paths:              cfg.Site.Paths,
		Namespaces:         cfg.Site.Namespaces,
		DenyGuests:         cfg.Site.Guests == "deny",
		TrustedProxies:     cfg.TrustedProxies,
		AssumeHTTPS:        cfg.Server.AssumeHTTPS,
		SchemeHeaders:      cfg.Server.SchemeHeaders,
		InvalidTokenStatus: cfg.Compat.InvalidTokenStatus,
		MaxLoginBody:       cfg.Limits.LoginBody,
		Guarding:           guarding(cfg.Guard, guard),
		KeepCartKeyNames:   !cfg.Compat.MirrorCartKey,
		BearerLoginRefresh: cfg.Compat.BearerLoginRefresh,
		PassOtherBearers:   cfg.Compat.OtherBearers == otherBearersPass,
		Bounds: gateway.BoundsConfig{Body: cfg.Limits.Body, Form: cfg.Limits.Form, JSON: cfg.Limits.JSON, Parameters: cfg.Limits.Parameters, BodyTime: cfg.Server.ReadTimeout,
			UploadRate: orNone(cfg.Limits.UploadRate), DownloadRate: orNone(cfg.Limits.DownloadRate), Stall: orNone(cfg.Upstream.BodyTimeout)},
		CORS:          cfg.CORS.gateway(),
		AuthHeaders:   cfg.Site.AuthHeaders,
		PluginRefresh: cfg.Compat.Migration.PluginRefresh,
		HandBack:      cfg.Compat.Migration.HandBack,
		PluginAddress: gateway.PluginAddress(cfg.Compat.Migration.PluginAddress),
		DryRun:        cfg.Compat.Migration.DryRun,
		Hosts:         cfg.Site.Hosts,
		OwnAddresses:  cfg.Upstream.Concurrency.OwnAddresses,
	}
}

func (p *program) newAdmin(cfg *Config, authority *tokens.Authority) *gateway.Admin {
	return gateway.NewAdmin(gateway.AdminConfig{Hosts: cfg.Admin.Hosts, Token: cfg.Admin.Token.Reveal(), OAuth: cfg.Admin.OAuth,
		DryRun: cfg.Compat.Migration.DryRun, Started: func() bool { return p.notify.announced.Load() }, Configuration: p.api, Log: p.log}, authority, p.wordpress, p.registry)
}

func newAuthority(cfg *Config, store redis.UniversalClient, reg prometheus.Registerer, now func() time.Time, log *slog.Logger) (*tokens.Authority, error) {
	settings, err := cfg.authority(now, log)
	if err != nil {
		return nil, err
	}
	return tokens.New(settings, store, reg)
}

func (cfg *Config) authority(now func() time.Time, log *slog.Logger) (tokens.Config, error) {
	t := cfg.Tokens
	keys := make([]tokens.Key, 0, len(t.Keys))
	for i, k := range t.Keys {
		key, err := k.Key()
		if err != nil {
			return tokens.Config{}, fmt.Errorf("tokens.keys[%d] (%s): %w", i, k.ID, err)
		}
		keys = append(keys, key)
	}
	return tokens.Config{
		Issuer: cfg.Site.URL.String(), Audience: t.Audience,
		Keys: keys, RefreshSecrets: reveal(t.RefreshSecret),
		AccessTTL: t.AccessTTL, RefreshTTL: t.RefreshTTL, SessionTTL: t.SessionTTL,
		RefreshGrace: orNone(t.RefreshGrace), Leeway: orNone(t.Leeway),
		LostAnswer: tokens.LostAnswer(t.LostAnswer), ReuseBySameClient: tokens.ReuseBySameClient(t.ReuseByClient), MaxSessions: t.MaxSessions,
		KeyPrefix: cfg.Redis.Prefix, PluginSecret: cfg.Compat.Migration.tokens(),
		PluginIssuer: cfg.Compat.Migration.PluginIssuer, PluginPrefix: cfg.Compat.Migration.PluginPrefix,
		MaxStaleness: cfg.Revocation.MaxStaleness, OnStale: tokens.OnStale(cfg.Revocation.OnStale), // 0 is no limit in both
		VerifiedCache: t.VerifiedCache, Now: now, Log: log,
	}, nil
}

func newWordPress(p *program, reg prometheus.Registerer) (*upstream.WordPress, error) {
	cfg, err := p.cfg.wordpress()
	if err != nil {
		return nil, err
	}
	return upstream.New(cfg, reg, p.log)
}

func reveal(secrets []Secret) [][]byte {
	var out [][]byte
	for _, s := range secrets {
		out = append(out, []byte(s.Reveal()))
	}
	return out
}

// orNone translates "0 means none", as the file has it, for a package whose zero
// value means its default.
func orNone[T time.Duration | int | int64](d T) T {
	if d == 0 {
		return -1
	}
	return d
}
