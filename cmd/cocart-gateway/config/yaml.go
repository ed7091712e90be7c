package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"gopkg.in/yaml.v3"
)

// YAML returns c as a configuration file with every key, secrets as "[redacted]".
func (c *Config) YAML() ([]byte, error) { return c.yaml(false) }

// Hash returns a number of 48 bits that stands for c, its secrets included and the addresses to listen on left out:
// gateways that behave alike have the same number. An attacker who wants to guess a secret from it has to know all
// other secrets; upstream.secret is always one of them.
func (c *Config) Hash() (uint64, error) {
	alike := *c
	alike.Listen, alike.TLS.Listen, alike.TLS.RedirectFrom, alike.Admin.Listen, alike.Metrics.Listen = nil, nil, nil, "", nil
	text, err := alike.yaml(true)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(text)
	return binary.BigEndian.Uint64(sum[:8]) >> 16, nil
}

// yaml with reveal gives a file that loads as c.
func (c *Config) yaml(reveal bool) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(c.node(reveal)); err != nil {
		return nil, fmt.Errorf("encoding the configuration: %w", err)
	}
	return text.Bytes(), nil
}
