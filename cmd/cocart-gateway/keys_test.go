package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

func deskWithoutRedis(t *testing.T) *desk {
	t.Helper()
	return &desk{T: t, config: configWith(t, ""), clock: tokenstest.NewClock(), stdin: strings.NewReader("")}
}

// configOfKeys is a configuration with entries as keys generate prints them.
func configOfKeys(t *testing.T, entries ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := "upstream: {url: \"http://127.0.0.1:1\", secret: \"a shared secret of these tests, 32 bytes\"}\nsite: {url: \"http://127.0.0.1\"}\n" +
		"tokens:\n  keys:\n" + strings.Join(entries, "")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAGeneratedKeyOfEveryAlgorithmGoesIntoTheConfiguration(t *testing.T) {
	d := deskWithoutRedis(t)
	for _, algorithm := range keys.Algorithms() {
		for _, out := range []string{"", filepath.Join(t.TempDir(), "the $key.pem")} {
			args := []string{"keys", "generate", "--algorithm", algorithm, "--id", "new"}
			if out != "" {
				args = append(args, "--out", out)
			}
			got := d.runBare(args...)
			if got.code != exitOK || got.stderr != "" {
				t.Fatalf("%v: %+v", args, got)
			}
			cfg, err := loadConfig(configOfKeys(t, got.stdout), noEnv)
			if err != nil {
				t.Fatalf("%v\n%s", err, got.stdout)
			}
			key, err := signingKey(cfg.Tokens.Keys[0])
			if err != nil || key.ID() != "new" || key.Algorithm() != algorithm || !key.CanSign() {
				t.Errorf("%s: %v, %v", algorithm, key, err)
			}
			if out != "" && strings.Contains(got.stdout, cfg.Tokens.Keys[0].PrivateKey.Reveal()+cfg.Tokens.Keys[0].Secret.Reveal()) {
				t.Errorf("the key in the file is printed, too:\n%s", got.stdout)
			}
		}
	}
}

func TestAGeneratedKeyIsNamedAfterTheDay(t *testing.T) {
	d := deskWithoutRedis(t)
	got := d.runBare("keys", "generate")
	if !strings.HasPrefix(got.stdout, "    - id: \"2027-01-15\"\n      algorithm: EdDSA\n      private_key: |\n        -----BEGIN PRIVATE KEY-----\n") {
		t.Errorf("%+v", got)
	}
}

func TestAKeyFileIsForItsOwnerAloneAndNeverOverwritten(t *testing.T) {
	d := deskWithoutRedis(t)
	path := filepath.Join(t.TempDir(), "key.pem")
	if got := d.runBare("keys", "generate", "--out", path); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	before, err := os.ReadFile(path)
	d.must(err)
	info, err := os.Stat(path)
	d.must(err)
	if info.Mode() != fs.FileMode(0o600) {
		t.Errorf("mode %v", info.Mode())
	}
	want := said{exitFailed, "", "cocart-gateway: writing the key: open " + path + ": file exists\n"}
	if got := d.runBare("keys", "generate", "--out", path); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the file has changed (%v)", err)
	}
}

func TestAKeyThatCannotBeMadeLeavesNoFile(t *testing.T) {
	d := deskWithoutRedis(t)
	dir := t.TempDir()
	d.must(os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")))
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--algorithm", "rot13", "--out", filepath.Join(dir, "a")}, exitUsage, "--algorithm must be"},
		{[]string{"--id", "a/b", "--out", filepath.Join(dir, "b")}, exitUsage, "--id must be"},
		{[]string{"--out", filepath.Join(dir, "none", "c")}, exitFailed, "no such file or directory"},
		{[]string{"--out", dir}, exitFailed, "file exists"},
		{[]string{"--out", filepath.Join(dir, "link")}, exitFailed, "file exists"}, // a link must not choose where the secret is written
		{[]string{"--out"}, exitUsage, "--out"},
	} {
		if got := d.runBare(append([]string{"keys", "generate"}, row.args...)...); got.code != row.code || got.stdout != "" || !strings.Contains(got.stderr, row.want) {
			t.Errorf("%v: %+v, want exit %d with %q", row.args, got, row.code, row.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeysAreListed(t *testing.T) {
	d := deskWithoutRedis(t)
	d.config = configOfKeys(t,
		"    - {id: shared, algorithm: HS256, secret: a signing key of these tests 32 bytes}\n",
		"    - {id: next, algorithm: EdDSA, private_key_file: "+absolute(t, "ed25519.pem")+"}\n",
		"    - {id: old, algorithm: EdDSA, public_key_file: "+absolute(t, "ed25519.pub.pem")+", retire_at: 2027-01-20}\n",
		"    - {id: older, algorithm: ES256, private_key_file: "+absolute(t, "p256.pem")+", retire_at: 2027-01-15}\n")
	const ed, p256 = "hW4KLaCXHzf86HN8PggSIioHMr0pBxT-HWVYX1YHEkY", "guaXtbIgdiHCQku8N3ES9gj_VBKnQ7SvzjqzjyJ4KWc"
	d.is(d.ok("keys", "list"), `ID      ALGORITHM  USE       RETIRES                            THUMBPRINT
shared  HS256      signs     never                              -
next    EdDSA      verifies  never                              `+ed+`
old     EdDSA      verifies  2027-01-20T00:00:00Z, in 4 days    `+ed+`
older   ES256      retired   2027-01-15T00:00:00Z, 8 hours ago  `+p256+`
`)
	d.is(d.ok("keys", "list", "--json"), `{
  "keys": [
    {
      "id": "shared",
      "algorithm": "HS256",
      "use": "signs"
    },
    {
      "id": "next",
      "algorithm": "EdDSA",
      "use": "verifies",
      "thumbprint": "`+ed+`"
    },
    {
      "id": "old",
      "algorithm": "EdDSA",
      "use": "verifies",
      "retire_at": "2027-01-20T00:00:00Z",
      "thumbprint": "`+ed+`"
    },
    {
      "id": "older",
      "algorithm": "ES256",
      "use": "retired",
      "retire_at": "2027-01-15T00:00:00Z",
      "thumbprint": "`+p256+`"
    }
  ]
}
`)
}

func absolute(t *testing.T, key string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("config", "testdata", "keys", key))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
