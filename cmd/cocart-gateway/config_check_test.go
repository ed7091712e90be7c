package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

type checked struct {
	code           int
	stdout, stderr string
}

func check(path string) checked {
	var stdout, stderr bytes.Buffer
	code := terminal{env: namedEnv, out: &stdout, err: &stderr}.checkConfig(path)
	return checked{code, stdout.String(), stderr.String()}
}

func TestCheckOfAGoodConfigShowsWhatItAmountsTo(t *testing.T) {
	path := filepath.Join("config", "testdata", "redis-url.good.yaml")
	c, err := loadConfig(path, namedEnv)
	if err != nil {
		t.Fatal(err)
	}
	effective, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	want := checked{0, string(effective), path + ": warning: " + c.Warnings()[0] + "\n" + path + ": ok, with 1 warning\n"}
	if got := check(path); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if strings.Contains(string(effective), "geheim") {
		t.Errorf("the password of the Redis URL is shown:\n%s", effective)
	}
}

func TestCheckOfABadConfigNamesEveryProblem(t *testing.T) {
	path := filepath.Join("config", "testdata", "ten-mistakes.bad.yaml")
	_, err := loadConfig(path, namedEnv)
	if err == nil {
		t.Fatal("loaded")
	}
	got := check(path)
	if want := (checked{1, "", err.Error() + "\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if lines := strings.Count(got.stderr, "\n"); lines != 10 {
		t.Errorf("%d lines for ten mistakes:\n%s", lines, got.stderr)
	}
}

func TestCheckOfAGoodConfigWarnsOnStderr(t *testing.T) {
	path := filepath.Join("config", "testdata", "minimal.good.yaml")
	c, err := loadConfig(path, namedEnv)
	if err != nil {
		t.Fatal(err)
	}
	got := check(path)
	want := path + ": warning: " + strings.Join(c.Warnings(), "\n"+path+": warning: ") + fmt.Sprintf("\n%s: ok, with %d warnings\n", path, len(c.Warnings()))
	if got.stderr != want || got.code != 0 {
		t.Errorf("exit code %d, stderr %q, want 0 and %q", got.code, got.stderr, want)
	}
}

// A terminal shows the end of a long configuration, and a file takes the configuration alone.
func TestTheVerdictOfACheckComesLast(t *testing.T) {
	path := filepath.Join("config", "testdata", "redis-url.good.yaml")
	var both bytes.Buffer
	if code := (terminal{env: namedEnv, out: &both, err: &both}).checkConfig(path); code != 0 {
		t.Fatalf("exit code %d: %s", code, both.String())
	}
	lines := strings.Split(strings.TrimSpace(both.String()), "\n")
	if got := lines[len(lines)-1]; !strings.HasPrefix(got, path+": ok") {
		t.Errorf("the last line is %q", got)
	}
	var document map[string]any
	if err := yaml.Unmarshal([]byte(check(path).stdout), &document); err != nil || document[path] != nil || document["site"] == nil {
		t.Errorf("stdout is not a configuration: %v, %v", err, document)
	}
}

func TestConfigFileIsNamedOrPackagedOrTheEnvironment(t *testing.T) {
	packaged, missing := filepath.Join("config", "testdata", "minimal.good.yaml"), filepath.Join(t.TempDir(), "config.yaml")
	for name, row := range map[string]struct {
		variables      map[string]string
		packaged, want string
	}{
		"named":                         {map[string]string{configVariable: "/srv/shop.yaml", "COCART_GATEWAY_UPSTREAM_URL": "http://x"}, packaged, "/srv/shop.yaml"},
		"that of the packages":          {map[string]string{"COCART_GATEWAY_UPSTREAM_URL": "http://x"}, packaged, packaged},
		"none, the environment instead": {map[string]string{"COCART_GATEWAY_UPSTREAM_URL": "http://x"}, missing, ""},
		"none at all":                   {nil, missing, missing},
	} {
		env := func(name string) (string, bool) { value, set := row.variables[name]; return value, set }
		if got := (terminal{env: env}).configFile(row.packaged); got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}
