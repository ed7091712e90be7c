package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
	"cocart-gateway/tokens/keys"
)

var update = flag.Bool("update", false, "write the expected messages into the test files")

// testEnv is the environment of every configuration in testdata.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"SHARED":    "an-environment-shared-secret-0123456789",
		"SIGNING":   "an-environment-signing-secret-0123456789",
		"SIGNING_2": "another-signing-secret-0123456789ab",
		"EMPTY":     "",
		"HOST":      "shop.example.org",
		"SEVEN":     "7",
		"RSA":       testKey("rsa2048.pem"),
	}[name]
	return value, ok
}

func testKey(name string) string {
	pem, err := os.ReadFile(filepath.Join("testdata", "keys", name))
	if err != nil {
		panic(err)
	}
	return string(pem)
}

var wantLine = regexp.MustCompile(`(?m)^# want: (.*?)\r?$`)

// wants reads the expected messages, or keys and values, from the first lines of a test file.
func wants(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range wantLine.FindAllSubmatch(data, -1) {
		lines = append(lines, string(m[1]))
	}
	if len(lines) == 0 {
		t.Fatalf("%s has no line that begins with # want:", path)
	}
	return lines
}

func testConfigs(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no test file matches %s: %v", pattern, err)
	}
	return paths
}

// TestBadConfigIsRefused compares the messages with those in the file.
func TestBadConfigIsRefused(t *testing.T) {
	for _, path := range testConfigs(t, "*.bad.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".bad.yaml"), func(t *testing.T) {
			c, err := Load(path, testEnv, checkTestKey)
			if err == nil || c != nil {
				t.Fatalf("loaded as %+v", c)
			}
			if *update {
				writeWants(t, path, err)
				return
			}
			want := path + ":" + strings.Join(wants(t, path), "\n"+path+":")
			if err.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the message shows the secret of the file:\n%s", err)
			}
		})
	}
}

// writeWants replaces the expected messages of a file.
func writeWants(t *testing.T, path string, err error) {
	t.Helper()
	data, readErr := os.ReadFile(path)
	if readErr != nil {
		t.Fatal(readErr)
	}
	var text strings.Builder
	for line := range strings.Lines(err.Error()) {
		text.WriteString("# want: " + strings.TrimPrefix(strings.TrimSuffix(line, "\n"), path+":") + "\n")
	}
	for line := range strings.Lines(string(data)) {
		if !wantLine.MatchString(line) {
			text.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGoodConfigHasItsValues(t *testing.T) {
	for _, path := range testConfigs(t, "*.good.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".good.yaml"), func(t *testing.T) {
			c, err := Load(path, testEnv, checkTestKey)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range wants(t, path) {
				key, value, _ := strings.Cut(want, ": ")
				if got, want := effective(t, c, key), parsedYAML(t, value); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %v, want %v", key, got, want)
				}
			}
		})
	}
}

var keySteps = regexp.MustCompile(`[^.\[\]]+`)

// effective returns the value of a key such as "tokens.keys[1].id".
func effective(t *testing.T, c *Config, key string) any {
	t.Helper()
	text, err := c.yaml(true)
	if err != nil {
		t.Fatal(err)
	}
	at := parsedYAML(t, string(text))
	for _, step := range keySteps.FindAllString(key, -1) {
		switch here := at.(type) {
		case map[string]any:
			at = here[step]
		case []any:
			at = here[schema.Atoi(step)]
		default:
			t.Fatalf("%s: there is no %s", key, step)
		}
	}
	return at
}

func parsedYAML(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func TestConfigFileThatCannotBeRead(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, bytes.Repeat([]byte("#"), schema.MaxConfigFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty.yaml")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const remedy = "; must be a readable file; check the path and the permissions of the user the gateway runs as"
	for _, row := range []struct{ name, path, want string }{
		{"a file that is not there", "nowhere.yaml", "nowhere.yaml: the file cannot be read: no such file or directory" + remedy},
		{"a folder", "testdata", "testdata: the file cannot be read: is a directory" + remedy},
		{"a file of more than 1 MiB", large, large + ": the file is larger than 1024 KiB; must not be larger; check that it is the right file"},
		{"an empty file", empty, empty + ":1: the file is empty; must contain at least upstream, site and tokens; start from config.example.yaml"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Load(row.path, testEnv, checkTestKey)
			if err == nil || err.Error() != row.want {
				t.Errorf("got\n%v\nwant\n%s", err, row.want)
			}
		})
	}
}

// TestAliasesCannotMultiply loads a small file that would expand to 10^9 items.
func TestAliasesCannotMultiply(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("log: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := range 9 {
		from := "*a" + string(rune('0'+i))
		bomb.WriteString("k" + string(rune('0'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(from+", ", 9) + from + "]\n")
	}
	_, problems := parse([]byte(bomb.String()), sources{schema.Source{Env: testEnv, File: schema.ReadBounded}, checkTestKey})
	if len(problems) != 1+9+4 { // log, nine unknown keys, and what every file needs
		t.Errorf("%d problems: %v", len(problems), problems)
	}
}

// checkTestKey checks keys as package main does.
func checkTestKey(k SigningKey) (signs bool, err error) {
	var key keys.Key
	if k.Symmetric() {
		key, err = keys.NewHMAC(k.ID, k.Algorithm, []byte(k.Secret.Reveal()))
	} else {
		key, err = keys.Parse(k.ID, k.Algorithm, []byte(k.PrivateKey.Reveal()+k.PublicKey))
	}
	if err != nil {
		return false, errors.New(strings.TrimPrefix(err.Error(), fmt.Sprintf("key %q: ", k.ID)))
	}
	return key.CanSign(), nil
}
