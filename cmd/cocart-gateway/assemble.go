package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/upstream"
)

// registry is where metrics are registered and gathered: a prometheus.Registry.
type registry interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// build turns the configuration into the three rooms.
func (p *program) build(store redis.UniversalClient, reg registry) (err error) {
	if p.authority, err = newAuthority(p.cfg, store, reg, now, p.log); err != nil {
		return err
	}
	if p.wordpress, err = newWordPress(p, reg); err != nil {
		return err
	}
	if p.certificates, err = newCertificateSet(p.cfg, reg, p.log); err != nil {
		return err
	}
	if p.connections, err = newConnections(reg); err != nil {
		return err
	}
	guard, err := newGuard(p.cfg, store, p.log)
	if err != nil {
		return err
	}
	p.public, err = gateway.New(gateway.Config{
		SiteURL:            p.cfg.Site.URL,
		RestPrefix:         p.cfg.Site.RESTPrefix,
		Namespaces:         p.cfg.Site.Namespaces,
		DenyGuests:         p.cfg.Site.Guests == "deny",
		TrustedProxies:     p.cfg.TrustedProxies,
		InvalidTokenStatus: p.cfg.Compat.InvalidTokenStatus,
		MaxLoginBody:       p.cfg.Limits.LoginBody,
		Guarding:           guarding(p.cfg.Guard, guard),
		KeepCartKeyNames:   !p.cfg.Compat.MirrorCartKey,
		Bounds:             gateway.BoundsConfig{Body: p.cfg.Limits.Body, Parameters: p.cfg.Limits.Parameters, BodyTime: p.cfg.Server.ReadTimeout},
		CORS:               p.cfg.CORS.gateway(),
		AuthHeaders:        p.cfg.Site.AuthHeaders,
	}, p.authority, p.wordpress, reg, p.log)
	p.admin = gateway.NewAdmin(gateway.AdminConfig{Token: p.cfg.Admin.Token.Reveal(), OAuth: p.cfg.Admin.OAuth}, p.authority, p.wordpress, reg)
	return err
}

func newAuthority(cfg *Config, store redis.UniversalClient, reg prometheus.Registerer, now func() time.Time, log *slog.Logger) (*tokens.Authority, error) {
	t := cfg.Tokens
	keys := make([]tokens.Key, 0, len(t.Keys))
	for i, k := range t.Keys {
		key, err := k.Key()
		if err != nil {
			return nil, fmt.Errorf("tokens.keys[%d] (%s): %w", i, k.ID, err)
		}
		keys = append(keys, key)
	}
	return tokens.New(tokens.Config{
		Issuer: cfg.Site.URL.String(), Audience: t.Audience,
		Keys: keys, RefreshSecrets: reveal(t.RefreshSecret),
		AccessTTL: t.AccessTTL, RefreshTTL: t.RefreshTTL, SessionTTL: t.SessionTTL,
		RefreshGrace: orNone(t.RefreshGrace), Leeway: orNone(t.Leeway),
		LostAnswer: tokens.LostAnswer(t.LostAnswer), MaxSessions: t.MaxSessions,
		KeyPrefix:    cfg.Redis.Prefix,
		MaxStaleness: cfg.Revocation.MaxStaleness, OnStale: tokens.OnStale(cfg.Revocation.OnStale), // 0 is no limit in both
		VerifiedCache: t.VerifiedCache, Now: now, Log: log,
	}, store, reg)
}

func newWordPress(p *program, reg prometheus.Registerer) (*upstream.WordPress, error) {
	secrets := make([]string, 0, len(p.cfg.Upstream.Secret))
	for _, s := range p.cfg.Upstream.Secret {
		secrets = append(secrets, s.Reveal())
	}
	return upstream.New(upstream.Config{
		URL: p.cfg.Upstream.URL, SiteURL: p.cfg.Site.URL, Secrets: secrets,
		DialTimeout: p.cfg.Upstream.DialTimeout, ResponseTimeout: p.cfg.Upstream.ResponseTimeout,
		IdleConnections: p.cfg.Upstream.IdleConnections, Now: now,
	}, reg, p.log)
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
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
