package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/tokens/tokenstest"
)

const rotatedShop = `# our shop
upstream: {url: "http://127.0.0.1:8000", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "https://shop.example"} # the only one
`

// Each is a way in which operators write tokens.keys.
var waysToWriteKeys = map[string]string{
	"a block":           "tokens:\n  access_ttl: 15m   # short\n  keys:\n    # since spring\n    - id: spring\n      algorithm: HS256\n      secret: \"a signing key of these tests, 32 bytes\"\n    - id: winter # older\n      algorithm: HS256\n      secret: \"the key of last winter, of 32 bytes and more\"\n  audience: ü\n",
	"dashes at the key": "tokens:\n  keys:\n  - algorithm: HS256\n    id: spring\n    secret: \"a signing key of these tests, 32 bytes\"\n",
	"braces":            "tokens:\n  keys:\n    - {id: spring, algorithm: HS256, secret: \"a signing key of these tests, 32 bytes\"}\n",
	"one line":          "tokens: {audience: \"ü\", keys: [{id: spring, algorithm: HS256, secret: \"a signing key of these tests, 32 bytes\"}], access_ttl: 1h}\n",
	"no last newline":   "tokens:\n  keys:\n    - algorithm: HS256\n      secret: \"a signing key of these tests, 32 bytes\"\n      id: spring",
}

func TestKeysRotateLetsANewKeySign(t *testing.T) {
	for name, text := range waysToWriteKeys {
		t.Run(name, func(t *testing.T) {
			d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
			if err := os.WriteFile(d.config, []byte(rotatedShop+text), 0o640); err != nil {
				t.Fatal(err)
			}
			before, err := loadConfig(d.config, noEnv)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second rotation finds the first one's key
				d.ok("keys", "rotate")
			}
			after, err := loadConfig(d.config, noEnv)
			if err != nil {
				t.Fatal(err)
			}
			day := d.clock.Now().UTC().Format("2006-01-02")
			ids := []string{day + "-2", day, "spring"}
			for i, id := range ids {
				if after.Tokens.Keys[i].ID != id {
					t.Errorf("key %d is %s, want %s", i, after.Tokens.Keys[i].ID, id)
				}
			}
			if least := d.clock.Now().Add(before.Tokens.AccessTTL); !after.Tokens.Keys[0].RetireAt.IsZero() || after.Tokens.Keys[1].RetireAt.Before(least) || after.Tokens.Keys[2].RetireAt.Before(least) {
				t.Errorf("retire at %v, %v, %v", after.Tokens.Keys[0].RetireAt, after.Tokens.Keys[1].RetireAt, after.Tokens.Keys[2].RetireAt)
			}
			kept, err := os.ReadFile(d.config)
			if err != nil {
				t.Fatal(err)
			}
			for _, words := range []string{"# our shop", "# the only one", "# short", "# since spring", "# older"} {
				if strings.Contains(rotatedShop+text, words) && !strings.Contains(string(kept), words) {
					t.Errorf("%s is gone:\n%s", words, kept)
				}
			}
			for _, file := range []string{d.config, filepath.Join(filepath.Dir(d.config), "key-"+day+".pem")} {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
					t.Errorf("%s: %v, %v", file, info, err)
				}
			}
		})
	}
}

// What cannot be changed safely is left as it is, and no key is left behind.
func TestKeysRotateChangesNothingItCannotCheck(t *testing.T) {
	for name, text := range map[string]string{
		"the id of another key": rotatedShop + waysToWriteKeys["a block"],
		"keys by an alias":      "x: &keys\n" + rotatedShop + "tokens: {keys: *keys}\n",
	} {
		d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
		if err := os.WriteFile(d.config, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		args := []string{"keys", "rotate"}
		if name == "the id of another key" {
			args = append(args, "--id", "winter")
		}
		if got := d.run(args...); got.code != exitFailed || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
		kept, err := os.ReadFile(d.config)
		if err != nil || string(kept) != text {
			t.Errorf("%s: the file is now\n%s", name, kept)
		}
		if left, _ := os.ReadDir(filepath.Dir(d.config)); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

func TestKeysRotateNeverOverwritesAKey(t *testing.T) {
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
	for file, text := range map[string]string{d.config: rotatedShop + waysToWriteKeys["a block"], d.config + ".pem": "precious"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := d.run("keys", "rotate", "--out", d.config+".pem")
	kept, _ := os.ReadFile(d.config + ".pem")
	if got.code != exitFailed || string(kept) != "precious" || !strings.Contains(got.stderr, "file exists") {
		t.Errorf("%+v, the file holds %q", got, kept)
	}
}
