// Package store connects to Redis in each of its modes, and has the store inside the process for trials.
//
//	store.go     a single server, and what all modes share
//	sentinel.go  the master that Sentinels name
//	cluster.go   a cluster
//	embedded.go  the store inside the process
package store

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/tokens/budget"
	"cocart-gateway/tokens/rediserror"
)

// Open dials Redis in the mode of the configuration, or makes the embedded store. Dialling is lazy: a gateway
// starts without Redis, and is not ready until it is there.
//
// No command that may have been carried out is sent again behind our back. Most could be; a rotation could not
// where the operator allows no grace: the second one would find the token spent, and log the customer out. And
// redis.timeout limits how long a request waits. So a single server and the master that Sentinels
// name get no retries at all, and one attempt to dial. What a cluster needs is in openCluster. Package budget lets all
// commands of one request wait for no longer than one.
func Open(cfg config.Redis) (client redis.UniversalClient, closeStore func(), err error) {
	if cfg.Embedded() {
		return openEmbedded()
	}
	secure, err := redisTLS(cfg)
	if err != nil {
		return nil, nil, err
	}
	switch cfg.Mode {
	case "sentinel":
		client = openSentinel(cfg, secure)
	case "cluster":
		client = openCluster(cfg, secure)
	default:
		client = openStandalone(cfg, secure)
	}
	client.AddHook(budget.Limit(cfg.Timeout))
	return client, func() { _ = client.Close() }, nil // nothing is left to be lost
}

// DisableIdentity, here and below: telling Redis the name of a library is not worth an ACL rule of its own.

func openStandalone(cfg config.Redis, secure *tls.Config) redis.UniversalClient {
	return quotingNothing(redis.NewClient(&redis.Options{
		Addr: cfg.Addresses[0], Username: cfg.Username, Password: cfg.Password.Reveal(), DB: cfg.DB, TLSConfig: secure,
		DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout, ContextTimeoutEnabled: true,
		PoolSize: cfg.PoolSize, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
	}))
}

// quotingNothing makes the errors of a client fit for the log: each client has this hook, and has it first.
func quotingNothing(client redis.UniversalClient) redis.UniversalClient {
	client.AddHook(rediserror.Unquoted())
	return client
}

// readerConnections is more than the connections that cannot be opened in any outage. After as many failures as a pool has
// connections the client library opens none for a second.
const readerConnections = 10_000

// Reader returns what opens the client by which the revocations are read (tokens.Config.Reader), or nil where one like that of
// Open will do. Its connections are closed when Sentinels announce a new master, like those of the other one.
func Reader(cfg config.Redis) (func() redis.UniversalClient, error) {
	if cfg.Embedded() || cfg.Mode != "sentinel" {
		return nil, nil
	}
	secure, err := redisTLS(cfg)
	if err != nil {
		return nil, err
	}
	cfg.PoolSize = readerConnections
	return func() redis.UniversalClient { return openSentinel(cfg, secure) }, nil
}

// redisTLS returns nil where connections are not encrypted. Without a server name each server must have a certificate
// for the address it is dialled by; in a cluster and behind Sentinels that is the one it announces. It cannot fail
// for a Config that loadConfig returned.
func redisTLS(c config.Redis) (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.TLSServerName}
	if c.TLSCA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.TLSCA)) {
			return nil, fmt.Errorf("reading redis.tls_ca: it holds no certificate")
		}
	}
	if c.TLSCert != "" {
		pair, err := tls.X509KeyPair([]byte(c.TLSCert), []byte(c.TLSKey.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("reading redis.tls_cert and redis.tls_key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
