package config

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config/schema"
)

// FuzzLoadConfig checks that no text makes the loader panic, and that the YAML of a configuration loads as the same
// configuration.
func FuzzLoadConfig(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds in testdata: %v", err)
	}
	for _, path := range append(paths, exampleFile) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	src := sources{schema.Source{Env: fuzzEnv, File: fuzzFile}, checkTestKey}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, problems := parse(data, src)
		if len(problems) > 0 {
			_ = schema.NewError("fuzz", problems).Error()
			return
		}
		_ = c.Warnings()
		if again := reload(t, c); !reflect.DeepEqual(again, c) {
			t.Errorf("loads as\n%s\nwhich loads as\n%s", effectiveText(t, c), effectiveText(t, again))
		}
	})
}

func fuzzEnv(name string) (string, bool) {
	if value, ok := exampleEnv(name); ok {
		return value, true
	}
	return testEnv(name)
}

// fuzzFile does not read the disk: a fuzzer would name devices and pipes.
func fuzzFile(path string, _ int64) ([]byte, *schema.Mistake) {
	switch filepath.Base(path) {
	case "secret.txt":
		return []byte("a-shared-secret-in-a-file-0123456789\n"), nil
	case "ed25519.pem":
		return []byte(fuzzKey), nil
	case "client.crt.pem", "client.key.pem":
		return []byte(testKey(filepath.Base(path))), nil
	}
	return nil, &schema.Mistake{Value: "the file cannot be read"}
}

var fuzzKey = testKey("ed25519.pem")
