package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// fullOfSecrets has every secret that a file can contain.
func fullOfSecrets(t *testing.T) (*Config, []string) {
	t.Helper()
	c := loadExample(t)
	c.Redis.Password = schema.NewSecret("the-redis-password")
	c.Redis.SentinelPassword = schema.NewSecret("the-sentinel-password")
	c.Redis.TLSKey = schema.NewSecret("the-client-key")
	c.Admin.Token = schema.NewSecret("the-admin-token")
	c.Tokens.RefreshSecret = []schema.Secret{schema.NewSecret("the-refresh-secret-1"), schema.NewSecret("the-refresh-secret-2")}
	c.Tokens.Keys = append(c.Tokens.Keys, SigningKey{ID: "pair", Algorithm: "EdDSA", PrivateKey: schema.NewSecret("the-private-key")})
	secrets := []string{"the-redis-password", "the-sentinel-password", "the-client-key", "the-admin-token", "the-refresh-secret", c.Tokens.Keys[0].Secret.Reveal(), "the-private-key", c.Upstream.Secret[0].Reveal()}
	return c, secrets
}

// printings are the ways in which a Config can be printed or encoded.
func printings(t *testing.T, c *Config) map[string]string {
	t.Helper()
	printed := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		printed[verb] = fmt.Sprintf(verb, *c)
		printed["pointer "+verb] = fmt.Sprintf(verb, c)
		printed["secret "+verb] = fmt.Sprintf(verb, c.Redis.Password)
		printed["secrets "+verb] = fmt.Sprintf(verb, c.Upstream.Secret)
	}
	var text, jsonLog bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("config", "config", c, "value", *c, "secret", c.Redis.Password)
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("config", "config", c, "secret", c.Redis.Password)
	printed["slog text"], printed["slog JSON"] = text.String(), jsonLog.String()
	printed["JSON"] = encoded(t, json.Marshal, c)
	printed["YAML"] = encoded(t, yaml.Marshal, c)
	effective, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	printed["effective YAML"] = string(effective)
	return printed
}

func encoded(t *testing.T, marshal func(any) ([]byte, error), v any) string {
	t.Helper()
	text, err := marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNoPrintingOfAConfigShowsASecret(t *testing.T) {
	c, secrets := fullOfSecrets(t)
	for how, text := range printings(t, c) {
		for _, s := range secrets {
			if strings.Contains(text, s) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", s)) {
				t.Errorf("%s shows %q:\n%s", how, s, text)
			}
		}
	}
	if text := printings(t, c)["effective YAML"]; strings.Count(text, schema.Redacted) != 9 {
		t.Errorf("the effective YAML does not show nine redacted secrets:\n%s", text)
	}
}

func TestSecretSaysWhetherItIsSet(t *testing.T) {
	for _, row := range []struct {
		secret      schema.Secret
		verb, shown string
	}{
		{schema.NewSecret("hunter2"), "%v", "[redacted]"},
		{schema.NewSecret("hunter2"), "%x", "[redacted]"},
		{schema.NewSecret("hunter2"), "%q", `"[redacted]"`},
		{schema.Secret{}, "%v", ""},
		{schema.Secret{}, "%q", `""`},
	} {
		if got := fmt.Sprintf(row.verb, row.secret); got != row.shown {
			t.Errorf("%s: got %s, want %s", row.verb, got, row.shown)
		}
	}
}

// TestSecretFileLosesOneNewline checks that nothing else is trimmed from a secret.
func TestSecretFileLosesOneNewline(t *testing.T) {
	r := &schema.Reader{Source: schema.Source{Dir: t.TempDir(), Env: emptyEnv, File: schema.ReadBounded}}
	for _, row := range []struct{ written, read string }{
		{"abc", "abc"},
		{"abc\n", "abc"},
		{"abc\r\n", "abc"},
		{"abc\n\n", "abc\n"},
		{" abc \t", " abc \t"},
		{"abc\r", "abc\r"},
		{"\n", ""},
	} {
		if err := os.WriteFile(filepath.Join(r.Dir, "secret"), []byte(row.written), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, m := r.SecretFile("secret"); m != nil || got != row.read {
			t.Errorf("%q: got %q, want %q (%v)", row.written, got, row.read, m)
		}
	}
}
