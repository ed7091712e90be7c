package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// errNoCertificate ends a handshake. The client learns "internal error" (RFC 8446 section 6), the log why.
var errNoCertificate = errors.New("no certificate to show yet")

// certificateSet is what the gateway shows at TLS handshakes: the pairs of files in the configuration, and those it
// gets by itself. Connections keep the one they began with; only new handshakes see a change.
type certificateSet struct {
	log       *slog.Logger
	now       func() time.Time
	metrics   *certificateMetrics
	automatic *automatic // nil: only files

	mu    sync.Mutex // guards what follows, and lets one Reload run at a time
	files []CertificateConfig
	texts []pairText // what the pairs in use were made of

	pairs atomic.Pointer[[]tls.Certificate]
}

// pairText is the content of both files of a pair.
type pairText struct{ certificate, key string }

// newCertificateSet reads every pair; with a broken one there are no certificates.
func newCertificateSet(cfg *Config, reg prometheus.Registerer, log *slog.Logger) (*certificateSet, error) {
	c := &certificateSet{log: log, now: now}
	c.metrics = newCertificateMetrics(c.all)
	if err := c.metrics.register(reg); err != nil {
		return nil, err
	}
	c.pairs.Store(&[]tls.Certificate{})
	if len(cfg.TLS.Listen) == 0 {
		return c, nil
	}
	if err := c.use(cfg.TLS.Certificates); err != nil {
		return nil, err
	}
	var err error
	if cfg.TLS.ACME.Enabled {
		c.automatic, err = newAutomatic(cfg, c.metrics, log)
	}
	return c, err
}

// Use changes which files the certificates come from. If one of them is not good, everything stays as it is.
func (c *certificateSet) Use(files []CertificateConfig) error {
	err := c.use(files)
	c.metrics.read(err)
	return err
}

// Reload reads the files again. If one of them is not good, all pairs stay as they are: a certificate that is old by
// a day serves customers better than none.
func (c *certificateSet) Reload() error {
	c.mu.Lock()
	files := c.files
	c.mu.Unlock()
	return c.Use(files)
}

func (c *certificateSet) use(files []CertificateConfig) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts, err := readPairs(files)
	if err != nil {
		return err
	}
	pairs := make([]tls.Certificate, len(files))
	for i, text := range texts {
		if pairs[i], err = tls.X509KeyPair([]byte(text.certificate), []byte(text.key)); err != nil {
			return fmt.Errorf("reading the certificate %s: %w", files[i].CertificateFile, err)
		}
	}
	c.files, c.texts = files, texts
	c.pairs.Store(&pairs)
	for _, p := range pairs {
		c.report(p.Leaf)
	}
	return nil
}

func (c *certificateSet) report(leaf *x509.Certificate) {
	attributes := []any{"names", names509(leaf), "expires", leaf.NotAfter.UTC().Format(time.RFC3339)}
	if !c.now().Before(leaf.NotAfter) {
		c.log.Warn("certificate has expired; browsers refuse it", attributes...)
		return
	}
	c.log.Info("certificate in use", attributes...)
}

func readPairs(files []CertificateConfig) ([]pairText, error) {
	texts := make([]pairText, len(files))
	for i, f := range files {
		certificate, err := os.ReadFile(f.CertificateFile)
		if err != nil {
			return nil, fmt.Errorf("reading a certificate: %w", err)
		}
		key, err := os.ReadFile(f.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the key of a certificate: %w", err)
		}
		texts[i] = pairText{string(certificate), string(key)}
	}
	return texts, nil
}

// changed tells whether the files hold something else than what is in use. A file that cannot be read has changed.
func (c *certificateSet) changed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	texts, err := readPairs(c.files)
	if err != nil {
		return true
	}
	for i := range texts {
		if texts[i] != c.texts[i] {
			return true
		}
	}
	return false
}

// find is tls.Config.GetCertificate: the first pair of files that fits the client, else one that the gateway got,
// else the first pair. A client that names no host, or another one, is still shown something: its own check of the
// name says more than a broken handshake.
func (c *certificateSet) find(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	pairs := *c.pairs.Load()
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

// all lists the certificates in use.
func (c *certificateSet) all() []*x509.Certificate {
	var leaves []*x509.Certificate
	for _, p := range *c.pairs.Load() {
		leaves = append(leaves, p.Leaf)
	}
	if c.automatic != nil {
		leaves = append(leaves, c.automatic.all()...)
	}
	return leaves
}

// config is for the encrypted listeners. Cipher suites and curves are Go's, in Go's order: forward secrecy and
// authenticated encryption only, post-quantum key exchange where the client has it.
func (c *certificateSet) config(lowest string) *tls.Config {
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS12,
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

// stop ends what start began.
func (c *certificateSet) stop() {
	if c.automatic != nil {
		c.automatic.stop()
	}
}
