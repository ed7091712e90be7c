package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/cmd/cocart-gateway/filewatch"
)

// pairSet has the certificates of pairs of files.
type pairSet struct {
	files  []config.Certificate
	digest string // of what the files held
	pairs  []tls.Certificate
}

// readPairs reads every pair. The error is that of the first pair that cannot be read, or whose files do not belong
// together; then only the digest is of use.
func readPairs(files []config.Certificate) (*pairSet, error) {
	p := &pairSet{files: files, pairs: make([]tls.Certificate, len(files))}
	sum := sha256.New()
	var first error
	for i, f := range files {
		var err error
		if p.pairs[i], err = readPair(sum, f); err != nil && first == nil {
			first = err
		}
	}
	p.digest = string(sum.Sum(nil))
	return p, first
}

// readPair adds to sum what it reads, also an error.
func readPair(sum io.Writer, f config.Certificate) (tls.Certificate, error) {
	certificate, err := schema.ReadRegular(f.CertificateFile, schema.MaxSecretFile)
	key, keyErr := schema.ReadRegular(f.KeyFile, schema.MaxSecretFile)
	fmt.Fprintf(sum, "%q %q %v %v\n", certificate, key, err, keyErr)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading a certificate: %w", err)
	}
	if keyErr != nil {
		return tls.Certificate{}, fmt.Errorf("reading the key of a certificate: %w", keyErr)
	}
	pair, err := config.KeyPair(certificate, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("reading the certificate %s: %w", f.CertificateFile, err)
	}
	return pair, nil
}

// Reconfigure is what a reload of the configuration asks. It reads the files anew even where the configuration names the
// same ones, so that SIGHUP is enough after a renewal.
func (c *Set) Reconfigure(cfg *config.Config) (use func(), err error) {
	if len(c.inUse.Load().files)+len(cfg.TLS.Certificates) == 0 {
		return func() {}, nil
	}
	next, err := readPairs(cfg.TLS.Certificates)
	if err != nil {
		c.metrics.refused()
		return nil, err
	}
	return func() {
		before := c.inUse.Swap(next)
		c.loaded.Store(&next.digest)
		c.metrics.good(c.logChange(before, next))
	}, nil
}

// Watch takes changed files into use until ctx ends. It looks at them at each tick, whatever the key reload says: a renewal
// changes no configuration.
func (c *Set) Watch(ctx context.Context, tick <-chan time.Time) {
	filewatch.Follow(ctx, tick, c, func() {
		if err := c.Reload(); err != nil {
			c.log.Error("certificates not changed: the ones from before stay in use", "cause", err.Error())
		}
	})
}

// Current implements filewatch.Source.
func (c *Set) Current() string {
	p, _ := readPairs(c.inUse.Load().files) // an error is part of the digest
	return p.digest
}

// Loaded implements filewatch.Source.
func (c *Set) Loaded() string { return *c.loaded.Load() }

// Reload reads the files again. If one of them is bad, all pairs stay as they are: an older certificate serves customers
// better than none.
func (c *Set) Reload() error {
	before := c.inUse.Load()
	next, err := readPairs(before.files)
	c.loaded.Store(&next.digest)
	if err != nil {
		c.metrics.refused()
		return err
	}
	if c.inUse.CompareAndSwap(before, next) { // fails if a reload of the configuration has named other files meanwhile
		c.metrics.good(c.logChange(before, next))
	}
	return nil
}

// logChange writes to the log what came into use.
func (c *Set) logChange(before, next *pairSet) (changed bool) {
	if before.digest == next.digest {
		return false
	}
	for _, p := range next.pairs {
		c.report(p.Leaf)
	}
	return true
}

func (c *Set) report(leaf *x509.Certificate) {
	attributes := []any{"names", names509(leaf), "expires", leaf.NotAfter.UTC().Format(time.RFC3339)}
	switch now := c.now(); {
	case !now.Before(leaf.NotAfter):
		c.log.Warn("certificate has expired; browsers refuse it", attributes...)
	case now.Before(leaf.NotBefore):
		c.log.Warn("certificate is not valid yet; browsers refuse it", append(attributes, "begins", leaf.NotBefore.UTC().Format(time.RFC3339))...)
	default:
		c.log.Info("certificate in use", attributes...)
	}
}
