package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

func variables(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, set := pairs[name]
		return value, set
	}
}

var smallest = map[string]string{
	"COCART_GATEWAY_UPSTREAM_URL":    "http://127.0.0.1:8000",
	"COCART_GATEWAY_UPSTREAM_SECRET": "a secret of ${HOME} and $$ signs, 32 bytes",
	"COCART_GATEWAY_SITE_URL":        "https://shop.example",
	"COCART_GATEWAY_TOKENS_KEYS":     `[{id: main, algorithm: HS256, secret: "${SIGNING_KEY}"}]`,
	"SIGNING_KEY":                    "a signing key of these tests, 32 bytes",
}

func with(more map[string]string) map[string]string {
	all := map[string]string{}
	for _, pairs := range []map[string]string{smallest, more} {
		for name, value := range pairs {
			all[name] = value
		}
	}
	return all
}

func TestEveryKeyHasAVariableOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, path := range keyTable(Default()).Paths("") {
		name := schema.Variable(path)
		if strings.Contains(path, "[].") { // below an item of a list, which one variable gives
			continue
		}
		if other, twice := seen[name]; twice {
			t.Errorf("%s is the variable of %s and of %s", name, other, path)
		}
		seen[name] = path
	}
}

func TestEnvironmentAloneIsAConfiguration(t *testing.T) {
	c, err := Load("", variables(with(map[string]string{
		"COCART_GATEWAY_TOKENS_ACCESS_TTL":    "15m",
		"COCART_GATEWAY_TOKENS_MAX_SESSIONS":  "7",
		"COCART_GATEWAY_TRUSTED_PROXIES":      "10.0.0.0/8, 192.0.2.7",
		"COCART_GATEWAY_LISTEN":               ":8080",
		"COCART_GATEWAY_REDIS_ADDRESS":        "a:6379,b:6379",
		"COCART_GATEWAY_REDIS_MODE":           "cluster",
		"COCART_GATEWAY_REDIS_PASSWORD":       "123456",
		"COCART_GATEWAY_CORS":                 "passthrough",
		"COCART_GATEWAY_UPSTREAM_HEADERS":     `{X-Origin-Verify: "${SIGNING_KEY}"}`,
		"COCART_GATEWAY_SERVER_ASSUME_HTTPS":  "true",
		"COCART_GATEWAY_LOG_FORMAT":           "",
		"COCART_GATEWAY_LIMITS_LOGIN_ACCOUNT": "3/1h",
	})), checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Upstream.Secret[0].Reveal(), c.Tokens.Keys[0].Secret.Reveal(), schema.FormatDuration(c.Tokens.AccessTTL), c.Tokens.MaxSessions,
		len(c.TrustedProxies), c.Listen, c.Redis.Addresses, c.Redis.Password.Reveal(), c.CORS.Passthrough, len(c.Upstream.Headers),
		c.Server.AssumeHTTPS, c.Log.Format, c.Attempts.Account.N}
	want := []any{"a secret of ${HOME} and $$ signs, 32 bytes", "a signing key of these tests, 32 bytes", "15m", 7,
		2, []string{":8080"}, []string{"a:6379", "b:6379"}, "123456", true, 1, true, "text", 3}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v\nwant\n%#v", got, want)
	}
}

func TestEnvironmentTakesPrecedenceOverTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(`
upstream: {url: "http://127.0.0.1:8000", secret_file: "nowhere"}
site: {url: "https://shop.example"}
tokens: {access_ttl: 1h, refresh_ttl: 9d, keys: [{id: k, algorithm: HS256, secret: "another signing key of tests, 32 bytes"}]}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, variables(with(map[string]string{"COCART_GATEWAY_TOKENS_ACCESS_TTL": "15m", "COCART_GATEWAY_SITE_URL": ""})), checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{schema.FormatDuration(c.Tokens.AccessTTL), schema.FormatDuration(c.Tokens.RefreshTTL), c.Tokens.Keys[0].ID, c.Site.URL.Host}
	if want := []string{"15m", "9d", "main", "shop.example"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// CORS is a word or a block of keys.
func TestVariablesOfABlockReplaceAWordOfTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte("cors: passthrough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, variables(with(map[string]string{"COCART_GATEWAY_CORS_ORIGINS": "https://app.example.com"})), checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	if c.CORS.Passthrough || !slices.Equal(c.CORS.Origins, []string{"https://app.example.com"}) {
		t.Errorf("%+v", c.CORS)
	}
	_, err = Load(file, variables(with(map[string]string{"COCART_GATEWAY_CORS": "passthrough", "COCART_GATEWAY_CORS_MAX_AGE": "1h"})), checkTestKey)
	if want := "COCART_GATEWAY_CORS_MAX_AGE: cors.max_age: is given besides COCART_GATEWAY_CORS;"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; want %s", err, want)
	}
}

// Each key of each good file means the same as a variable.
func TestAVariableMeansWhatTheFileMeans(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.good.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	moved, paths := map[string]bool{}, keyTable(Default()).Paths("")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Load(file, testEnv, checkTestKey)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		whole, problem := schema.ParseDocument(text)
		if problem != nil {
			t.Fatal(problem)
		}
		for _, path := range paths {
			if !holds(whole, path) {
				continue
			}
			root, problem := schema.ParseDocument(text)
			if problem != nil {
				t.Fatal(problem)
			}
			value, found := takeOut(root, strings.Split(path, "."))
			if !found {
				continue
			}
			given, ok := asVariable(path, value)
			if !ok || moved[path+"="+given] {
				continue
			}
			moved[path+"="+given] = true
			env := func(name string) (string, bool) {
				if name == schema.Variable(path) {
					return given, true
				}
				return testEnv(name)
			}
			src := sources{schema.Source{Dir: "testdata", Env: env, File: schema.ReadBounded}, checkTestKey}
			if got, problems := parseRoot(root, src); len(problems) > 0 {
				t.Errorf("%s: %s=%s: %v", file, schema.Variable(path), given, problems)
			} else if g, w := revealed(t, got), revealed(t, want); g != w {
				t.Errorf("%s: %s=%s gives\n%s\nwant\n%s", file, schema.Variable(path), given, g, w)
			}
		}
	}
	if len(moved) < 150 {
		t.Errorf("only %d values were tried", len(moved))
	}
}

func revealed(t *testing.T, c *Config) string {
	t.Helper()
	text, err := c.yaml(true)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// takeOut removes a key from a block and returns its value.
func takeOut(block *yaml.Node, path []string) (value *yaml.Node, found bool) {
	for i := 0; i+1 < len(block.Content); i += 2 {
		switch {
		case block.Content[i].Value != path[0]:
		case len(path) > 1:
			return takeOut(block.Content[i+1], path[1:])
		default:
			value = block.Content[i+1]
			block.Content = slices.Delete(block.Content, i, i+2)
			return value, true
		}
	}
	return nil, false
}

// asVariable returns the text of a variable for the value of a key in a file. ok is false for values that a variable cannot
// give: blocks, and text with variables in it, which are replaced in files only.
func asVariable(path string, value *yaml.Node) (text string, ok bool) {
	if value.Kind == yaml.ScalarNode {
		return value.Value, value.Value != "" && !schema.IsNull(value) && !strings.Contains(value.Value, "$")
	}
	if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
		return "", false
	}
	if value.Content[0].Kind == yaml.ScalarNode {
		var items []string
		for _, n := range value.Content {
			items = append(items, n.Value)
		}
		separator := ","
		if strings.HasSuffix(path, "secret") || strings.HasSuffix(path, "secret_file") {
			separator = "\n"
		}
		text = strings.Join(items, separator)
		return text, !strings.Contains(text, "$")
	}
	value.Style = yaml.FlowStyle
	line, err := yaml.Marshal(value)
	return strings.ReplaceAll(strings.TrimSpace(string(line)), ": ''", ": null"), err == nil // yaml.v3 writes an empty value so
}

func TestMistakeInAVariableIsReportedByItsName(t *testing.T) {
	_, err := Load("", variables(map[string]string{
		"COCART_GATEWAY_UPSTREAM_URL":          "http://127.0.0.1:8000",
		"COCART_GATEWAY_UPSTREAM_SECRET":       "short",
		"COCART_GATEWAY_TOKENS_ACCESS_TTL":     "1s",
		"COCART_GATEWAY_TOKENS_KEYS":           `[{id: main, algorithm: HS256, secret: "hunter2hunter3`,
		"COCART_GATEWAY_SERVER_SCHEME_HEADERS": "X-Unknown",
	}), checkTestKey)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`COCART_GATEWAY_TOKENS_ACCESS_TTL: tokens.access_ttl: is "1s"; must be a duration between 1m and 365d; write e.g. 15m`,
		"COCART_GATEWAY_UPSTREAM_SECRET: upstream.secret: is 5 characters long; must be a secret of at least 32 characters",
		"COCART_GATEWAY_TOKENS_KEYS: tokens.keys: is not valid YAML: it cannot be parsed",
		"COCART_GATEWAY_SITE_URL: site.url: is missing",
		`COCART_GATEWAY_SERVER_SCHEME_HEADERS: server.scheme_headers[0]: is "X-Unknown"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || t.Failed() {
		t.Errorf("messages:\n%s", err)
	}
}

// Kubernetes adds variables for a Service with the name of the gateway, and operators add their own for ${NAME}.
func TestMisspeltVariableIsNamed(t *testing.T) {
	got := Misspelt([]string{"COCART_GATEWAY_TOKENS_ACESS_TTL=15m", "COCART_GATEWAY_SITE_URL=x", "COCART_GATEWAY_SIGNING_KEY=x", "COCART_GATEWAY_CONFIG=x",
		"COCART_GATEWAY_PORT=tcp://10.0.0.1:8080", "COCART_GATEWAY_SERVICE_HOST=10.0.0.1", "COCART_GATEWAY_PORT_8080_TCP_ADDR=10.0.0.1", "HOME=/root"})
	want := []string{"the environment variable COCART_GATEWAY_TOKENS_ACESS_TTL is not a key; did you mean COCART_GATEWAY_TOKENS_ACCESS_TTL?"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
