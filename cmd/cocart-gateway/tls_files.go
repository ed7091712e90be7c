package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"time"
)

// pairSet is what a list of pairs of files amounted to when they were read.
type pairSet struct {
	files []CertificateConfig
	texts []pairText
	pairs []tls.Certificate
}

// pairText is the content of both files of a pair.
type pairText struct{ certificate, key string }

// readPairs reads every pair. With a broken one, or one whose files do not belong together, there is none.
func readPairs(files []CertificateConfig) (*pairSet, error) {
	texts, err := readTexts(files)
	if err != nil {
		return nil, err
	}
	p := &pairSet{files, texts, make([]tls.Certificate, len(files))}
	for i, text := range texts {
		if p.pairs[i], err = tls.X509KeyPair([]byte(text.certificate), []byte(text.key)); err != nil {
			return nil, fmt.Errorf("reading the certificate %s: %w", files[i].CertificateFile, err)
		}
	}
	return p, nil
}

func readTexts(files []CertificateConfig) ([]pairText, error) {
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

// part is what a reload of the configuration asks. It reads the files anew even where the configuration names the
// same ones, so that SIGHUP is enough after a renewal.
func (c *certificateSet) part(cfg *Config) (use func(), err error) {
	if len(c.inUse.Load().files)+len(cfg.TLS.Certificates) == 0 {
		return func() {}, nil
	}
	next, err := readPairs(cfg.TLS.Certificates)
	if err != nil {
		c.metrics.refused()
		return nil, err
	}
	return func() { c.metrics.good(c.tell(c.inUse.Swap(next), next)) }, nil
}

// Reload reads the files again. If one of them is not good, all pairs stay as they are: a certificate that is old by
// a day serves customers better than none.
func (c *certificateSet) Reload() error {
	before := c.inUse.Load()
	next, err := readPairs(before.files)
	if err != nil {
		c.metrics.refused()
		return err
	}
	if c.inUse.CompareAndSwap(before, next) { // or else the configuration just named other files
		c.metrics.good(c.tell(before, next))
	}
	return nil
}

// tell writes to the log what came into use.
func (c *certificateSet) tell(before, next *pairSet) (changed bool) {
	if slices.Equal(before.texts, next.texts) {
		return false
	}
	for _, p := range next.pairs {
		c.report(p.Leaf)
	}
	return true
}

func (c *certificateSet) report(leaf *x509.Certificate) {
	attributes := []any{"names", names509(leaf), "expires", leaf.NotAfter.UTC().Format(time.RFC3339)}
	if !c.now().Before(leaf.NotAfter) {
		c.log.Warn("certificate has expired; browsers refuse it", attributes...)
		return
	}
	c.log.Info("certificate in use", attributes...)
}

// changed tells whether the files hold something else than what is in use. A file that cannot be read has changed.
func (c *certificateSet) changed() bool {
	inUse := c.inUse.Load()
	texts, err := readTexts(inUse.files)
	return err != nil || !slices.Equal(texts, inUse.texts)
}
