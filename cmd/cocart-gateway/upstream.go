package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
)

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
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCAFile != "" {
		pem, err := os.ReadFile(c.TLSCAFile)
		if err != nil {
			return nil, fmt.Errorf("reading upstream.tls_ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading upstream.tls_ca_file: it contains no certificate")
		}
	}
	if c.TLSCertFile != "" {
		// Read at each handshake, of which there are few, so that renewed files need no reload. While one file is
		// replaced and the other is not, a handshake fails; the next one works.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
			if err != nil {
				return nil, fmt.Errorf("reading upstream.tls_cert_file and upstream.tls_key_file: %w", err)
			}
			return &pair, nil
		}
	}
	return config, nil
}
