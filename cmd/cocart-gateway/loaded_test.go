package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// loadText loads a configuration that is written in a test.
func loadText(t testing.TB, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path, namedEnv)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return c
}

var topKey = regexp.MustCompile(`(?m)^([a-z_]+):`)

// withLines loads a configuration of a shop with https and Redis, in which change replaces the blocks that it names.
func withLines(t testing.TB, change string) *config.Config {
	t.Helper()
	text, given := change, map[string]bool{}
	for _, m := range topKey.FindAllStringSubmatch(change, -1) {
		given[m[1]] = true
	}
	for name, block := range map[string]string{
		"upstream": "upstream: {url: \"http://wordpress\", secret: \"${SHARED}\"}\n",
		"site":     "site: {url: \"https://shop.example.com\"}\n",
		"tokens":   "tokens: {keys: [{id: main, algorithm: HS256, secret: \"${SIGNING}\"}]}\n",
		"redis":    "redis: {address: \"redis:6379\"}\n",

		"trusted_proxies": "trusted_proxies: [192.0.2.7]\n",
	} {
		if !given[name] {
			text += block
		}
	}
	return loadText(t, text)
}

func noEnv(string) (string, bool) { return "", false }

// namedEnv has the variables that configurations in tests name.
func namedEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SHARED":    "an-environment-shared-secret-0123456789",
		"SIGNING":   "an-environment-signing-secret-0123456789",
		"SIGNING_2": "another-signing-secret-0123456789ab",
	}[name]
	return value, ok
}
