// Package certs has the certificates that the gateway shows at TLS handshakes.
//
//	certs.go    the set of certificates, and which one a client is shown
//	files.go    pairs of files, read again when they change
//	acme.go     certificates from an authority (ACME); acmelog.go passes on the log lines of its library
//	storage.go  the folder in which they are kept; obtain.go tries again when asking failed
//	metrics.go  when certificates expire, and whether new ones come
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// errNoCertificate ends a handshake. The client learns "internal error" (RFC 8446 section 6), the log why.
var errNoCertificate = errors.New("no certificate to show yet")

// Set is what the gateway shows at TLS handshakes: the pairs of files in the configuration, and those it
// gets by itself. Connections keep the one they began with; only new handshakes see a change.
type Set struct {
	log       *slog.Logger
	now       func() time.Time
	metrics   *metrics
	automatic *automatic // nil: only files

	inUse  atomic.Pointer[pairSet]
	loaded atomic.Pointer[string] // the digest of what the files held when they were last read, also if that was refused
}

// Open reads every pair; with a broken one there are no certificates.
func Open(cfg *config.Config, reg prometheus.Registerer, log *slog.Logger) (*Set, error) {
	c := &Set{log: log, now: time.Now}
	c.metrics = newMetrics(c.all, c.missing)
	if err := c.metrics.register(reg); err != nil {
		return nil, err
	}
	none, _ := readPairs(nil) // reads nothing
	c.inUse.Store(none)
	c.loaded.Store(&none.digest)
	if len(cfg.TLS.Listen) == 0 {
		return c, nil
	}
	first, err := readPairs(cfg.TLS.Certificates)
	if err != nil {
		return nil, err
	}
	c.logChange(c.inUse.Swap(first), first)
	c.loaded.Store(&first.digest)
	if cfg.TLS.ACME.Enabled {
		c.automatic, err = newAutomatic(cfg, c.metrics, log)
	}
	return c, err
}

// find is tls.Config.GetCertificate: the first pair of files that fits the client, else one that the gateway got,
// else the first pair. A client that names no host, or another one, is still shown something: its own check of the
// name says more than a broken handshake.
func (c *Set) find(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pairs := c.inUse.Load().pairs
	if c.automatic != nil && c.automatic.challenged(hello) {
		return c.automatic.find(hello)
	}
	for i := range pairs {
		if hello.SupportsCertificate(&pairs[i]) == nil {
			return &pairs[i], nil
		}
	}
	if c.automatic != nil {
		if pair, err := c.automatic.find(hello); err == nil {
			return pair, nil
		}
	}
	if len(pairs) == 0 {
		return nil, errNoCertificate
	}
	return &pairs[0], nil
}

// Leaves returns the certificates in use.
func (c *Set) Leaves() []*x509.Certificate { return c.all() }

// all lists the certificates in use.
func (c *Set) all() []*x509.Certificate {
	var leaves []*x509.Certificate
	for _, p := range c.inUse.Load().pairs {
		leaves = append(leaves, p.Leaf)
	}
	if c.automatic != nil {
		leaves = append(leaves, c.automatic.all()...)
	}
	return leaves
}

// missing are the names that the gateway is to get certificates for, and whether it has nothing to show for them yet:
// neither a certificate it got nor one from a file.
func (c *Set) missing() map[string]bool {
	names := map[string]bool{}
	if c.automatic == nil {
		return names
	}
	have := c.all()
	for _, name := range c.automatic.domains {
		names[strings.ToLower(name)] = !slices.ContainsFunc(have, func(leaf *x509.Certificate) bool { return leaf.VerifyHostname(name) == nil })
	}
	return names
}

// TLSConfig is for the encrypted listeners. Cipher suites and curves are Go's, in Go's order: forward secrecy only,
// post-quantum key exchange where the client has it.
func (c *Set) TLSConfig(lowest string) *tls.Config {
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   authenticated(),
		GetCertificate: c.find,
		NextProtos:     []string{"h2", "http/1.1"},
	}
	if lowest == "1.3" {
		cfg.MinVersion = tls.VersionTLS13
	}
	if c.automatic != nil {
		cfg.NextProtos = append(cfg.NextProtos, challengeProtocol)
	}
	return cfg
}

// authenticated are Go's suites for TLS 1.2 less those with CBC, which older versions have, too, and which scanners
// report. TLS 1.3 has suites of its own.
func authenticated() (suites []uint16) {
	for _, s := range tls.CipherSuites() {
		if slices.Equal(s.SupportedVersions, []uint16{tls.VersionTLS12}) {
			suites = append(suites, s.ID)
		}
	}
	return suites
}

// Start gets the certificates that are missing, in the background until ctx ends. The challenges of the authority arrive at
// the listeners.
func (c *Set) Start(ctx context.Context, tls, redirect []net.Listener) error {
	if c.automatic == nil {
		return nil
	}
	if err := c.automatic.start(ctx, tls, redirect); err != nil {
		return fmt.Errorf("asking for certificates: %w", err)
	}
	return nil
}

// AnswerChallenges returns a handler that answers the challenge http-01 (RFC 8555 section 8.3) and passes other
// requests to next.
func (c *Set) AnswerChallenges(next http.Handler) http.Handler {
	if c.automatic == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i := c.automatic.running.Load(); i == nil || !i.issuer.HandleHTTPChallenge(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// Stop ends what start began.
func (c *Set) Stop() {
	if c.automatic != nil {
		c.automatic.stop()
	}
}
