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
	out := upstream.Config{
		URL: c.URL, SiteURL: cfg.Site.URL, Secrets: assertionSecrets(c),
		DialTimeout: c.DialTimeout, ResponseTimeout: c.ResponseTimeout,
		IdleConnections: c.IdleConnections, IdleTimeout: c.IdleTimeout, Now: now,
	}
	if err := completeUpstream(c, &out); err != nil {
		return upstream.Config{}, err
	}
	if cfg.Compat.Migration.DryRun {
		out.Concurrency = pool.Concurrency{Abandoned: out.Concurrency.Abandoned} // nobody is turned away who would not be without us
	}
	return out, nil
}

func assertionSecrets(c config.Upstream) []string {
	secrets := make([]string, 0, len(c.Secret))
	for _, s := range c.Secret {
		secrets = append(secrets, s.Reveal())
	}
	return secrets
}

// completeUpstream fills in what UpstreamNodes configures. cfg has SiteURL already.
func completeUpstream(c config.Upstream, cfg *upstream.Config) (err error) {
	cfg.Nodes, cfg.Headers = c.Origins(), c.OriginHeaders()
	switch c.Host {
	case "pass":
	case "site":
		cfg.Host = cfg.SiteURL.Host
	default:
		cfg.Host = c.Host
	}
	cfg.Timeouts = upstream.Timeouts{Login: c.Timeouts.Login, CoCart: c.Timeouts.CoCart, Site: c.Timeouts.Site}
	cfg.BodyTimeout, cfg.ResponseHeader = orNone(c.BodyTimeout), c.ResponseHeader
	cfg.Concurrency = pool.Concurrency{
		Limit: c.Concurrency.Limit, Queue: c.Concurrency.Queue, Wait: c.Concurrency.QueueTimeout, SitePercent: c.Concurrency.StorefrontPercent,
		Abandoned: orNone(c.Concurrency.Abandoned),
	}
	cfg.Health = pool.Health{
		Path: c.Health.Path, Interval: c.Health.Interval, Timeout: c.Health.Timeout, Failures: c.Health.Failures, Successes: c.Health.Successes,
	}
	cfg.TLS, err = upstreamTLS(c)
	return err
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
			return nil, fmt.Errorf("reading upstream.tls_ca_file: it holds no certificate")
		}
	}
	if c.TLSCertFile != "" {
		// Read at each handshake, of which there are few: what renews certificates
		// need not tell us. Old and new may be mixed for a moment, while one file is
		// replaced and the other is not; that handshake fails and the next one works.
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
