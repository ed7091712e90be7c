package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"cocart-gateway/upstream"
)

// complete fills in how WordPress is spoken to. cfg has SiteURL already.
func (c UpstreamConfig) complete(cfg *upstream.Config) (err error) {
	cfg.Nodes = c.Origins()
	switch c.Host {
	case "pass":
	case "site":
		cfg.Host = cfg.SiteURL.Host
	default:
		cfg.Host = c.Host
	}
	cfg.Timeouts = upstream.Timeouts{Login: c.Timeouts.Login, CoCart: c.Timeouts.CoCart, Site: c.Timeouts.Site}
	cfg.BodyTimeout, cfg.ResponseHeader = orNone(c.BodyTimeout), c.ResponseHeader
	cfg.Concurrency = upstream.Concurrency{
		Limit: c.Concurrency.Limit, Queue: c.Concurrency.Queue, Wait: c.Concurrency.QueueTimeout, SitePercent: c.Concurrency.StorefrontPercent,
	}
	cfg.Health = upstream.Health{
		Path: c.Health.Path, Interval: c.Health.Interval, Timeout: c.Health.Timeout, Failures: c.Health.Failures, Successes: c.Health.Successes,
	}
	cfg.TLS, err = c.tlsConfig()
	return err
}

func (c UpstreamConfig) tlsConfig() (*tls.Config, error) {
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
