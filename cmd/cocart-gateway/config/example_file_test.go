package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

var exampleFile = filepath.Join("..", "..", "..", "config.example.yaml")

// exampleEnv has the variables that the example names.
func exampleEnv(name string) (string, bool) {
	value, ok := map[string]string{
		"COCART_GATEWAY_SECRET":      "the-example-gateway-secret-0123456789",
		"COCART_GATEWAY_SIGNING_KEY": "the-example-signing-key-0123456789ab",
	}[name]
	return value, ok
}

func TestExampleIsTheDefaults(t *testing.T) {
	got, err := Load(exampleFile, exampleEnv, checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Upstream.URL, want.Upstream.Secret, want.Site.URL, want.Tokens.Keys = got.Upstream.URL, got.Upstream.Secret, got.Site.URL, got.Tokens.Keys
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config.example.yaml loads as\n%s\nthe defaults are\n%s", effectiveText(t, got), effectiveText(t, want))
	}
}

// TestDefaultsObeyTheRules loads the defaults, which are not read from a text otherwise.
func TestDefaultsObeyTheRules(t *testing.T) {
	c := loadExample(t)
	if again := reload(t, c); !reflect.DeepEqual(again, c) {
		t.Errorf("the defaults load as\n%s\nthey are\n%s", effectiveText(t, again), effectiveText(t, c))
	}
}

func TestExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	blocks := topBlocks(string(text))
	for _, path := range keyTable(Default()).Paths("") {
		top, _, _ := strings.Cut(path, ".")
		top = strings.TrimSuffix(top, "[]")
		leaf := path[strings.LastIndexByte(path, '.')+1:]
		if !regexp.MustCompile(`(?m)\b` + leaf + `:`).MatchString(blocks[top]) {
			t.Errorf("config.example.yaml does not show %s", path)
		}
	}
}

var blockStart = regexp.MustCompile(`(?m)^[a-z_]+:`)

// topBlocks returns the top-level blocks of a file by their keys.
func topBlocks(text string) map[string]string {
	blocks := map[string]string{}
	starts := blockStart.FindAllStringIndex(text, -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		blocks[text[at[0]:at[1]-1]] = text[at[0]:end]
	}
	return blocks
}

func loadExample(t *testing.T) *Config {
	t.Helper()
	c, err := Load(exampleFile, exampleEnv, checkTestKey)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reload loads the YAML of c.
func reload(t *testing.T, c *Config) *Config {
	t.Helper()
	again, problems := parse([]byte(effectiveText(t, c)), sources{schema.Source{Env: emptyEnv, File: fuzzFile}, checkTestKey})
	if len(problems) > 0 {
		t.Fatalf("%s\ndoes not load:\n%v", effectiveText(t, c), schema.NewError("effective", problems))
	}
	return again
}

func emptyEnv(string) (string, bool) { return "", false }

func noFile(string, int64) ([]byte, *schema.Mistake) {
	return nil, &schema.Mistake{Value: "the file cannot be read"}
}

func effectiveText(t *testing.T, c *Config) string {
	t.Helper()
	text, err := c.yaml(true)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Keys marked with restart in config.example.yaml are those that a reload does not change.
func TestExampleMarksKeysThatNeedARestart(t *testing.T) {
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	marked := map[string]bool{}
	var path []string
	for _, m := range regexp.MustCompile(`(?m)^( *)(?:# )?([a-z_]+):(?:.* # (restart)$)?`).FindAllStringSubmatch(string(text), -1) {
		path = append(path[:min(len(path), len(m[1])/2)], m[2])
		if m[3] != "" {
			marked[strings.Join(path, ".")] = true
		}
	}
	for _, key := range Keys() {
		is := marked[key.Path]
		for above := key.Path; strings.Contains(above, ".") && !is; {
			above = above[:strings.LastIndexByte(above, '.')]
			is = marked[above]
		}
		if is == key.Reloadable {
			t.Errorf("%s: config.example.yaml says restart: %v; a reload changes it: %v", key.Path, is, key.Reloadable)
		}
	}
}

func TestReloadableNamesOnlyKeys(t *testing.T) {
	all := keyTable(Default()).Paths("")
	for key := range reloadable {
		if !slices.Contains(all, key) {
			t.Errorf("%s is reloadable or not, but no key", key)
		}
	}
}
