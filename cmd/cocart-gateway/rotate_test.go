package main

import (
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
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
	"far from the dash": "tokens:\n  keys:\n    -   id: spring\n        algorithm: HS256\n        secret: \"a signing key of these tests, 32 bytes\"\n",
	"below the dash":    "tokens:\n  keys:\n    -\n      # since spring\n      id: spring\n      algorithm: HS256\n      secret: \"a signing key of these tests, 32 bytes\"\n",
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

// The configuration may be of root and readable by all, and the keys of the gateway's user alone.
func TestTheNewKeyIsReadableByTheUsersOfTheOldOne(t *testing.T) {
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
	old := filepath.Join(filepath.Dir(d.config), "spring.key")
	d.must(os.WriteFile(old, []byte("a signing key of these tests, 32 bytes"), 0o600))
	d.must(os.Chmod(old, 0o400))
	if os.Geteuid() == 0 {
		d.must(os.Chown(old, 1234, 2345))
	}
	d.must(os.WriteFile(d.config, []byte(rotatedShop+"tokens: {keys: [{id: spring, algorithm: HS256, secret_file: spring.key}]}\n"), 0o644))
	d.ok("keys", "rotate")
	before, err := os.Stat(old)
	d.must(err)
	after, err := os.Stat(filepath.Join(filepath.Dir(d.config), "key-"+d.clock.Now().UTC().Format("2006-01-02")+".pem"))
	d.must(err)
	user, group, _ := ownerOf(after)
	wantUser, wantGroup, _ := ownerOf(before)
	if after.Mode() != before.Mode() || user != wantUser || group != wantGroup {
		t.Errorf("the new key is of %d:%d with %v, the old one of %d:%d with %v", user, group, after.Mode(), wantUser, wantGroup, before.Mode())
	}
}

// What cannot be changed safely is left as it is, and no key is left behind.
func TestKeysRotateChangesNothingItCannotCheck(t *testing.T) {
	good := rotatedShop + waysToWriteKeys["a block"]
	for name, row := range map[string]struct {
		text string
		args []string
		code int
		want string
	}{
		"the id of another key":  {good, []string{"--id", "winter"}, exitFailed, "the configuration is unchanged"},
		"an id with a slash":     {good, []string{"--id", "a/b"}, exitUsage, "--id must be"},
		"an unknown algorithm":   {good, []string{"--algorithm", "rot13"}, exitUsage, "--algorithm must be"},
		"a folder that is not":   {good, []string{"--out", "/nowhere/key.pem"}, exitFailed, "no such file or directory"},
		"a folder as the key":    {good, []string{"--out", "/"}, exitFailed, "writing the key"},
		"a shop of a single one": {good, []string{"--shop", "toys"}, exitFailed, "single shop"},
		"keys by an alias":       {"x: &keys\n" + rotatedShop + "tokens: {keys: *keys}\n", nil, exitFailed, "x: "},
		"keys from a variable":   {rotatedShop + "tokens: ${TOKENS}\n", nil, exitFailed, ""},
		"a mistake elsewhere":    {good + "colour: red\n", nil, exitFailed, "colour"},
		"no YAML":                {good + "\t{", nil, exitFailed, "config.yaml:"},
	} {
		d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
		d.must(os.WriteFile(d.config, []byte(row.text), 0o640))
		if got := d.run(append([]string{"keys", "rotate"}, row.args...)...); got.code != row.code || got.stdout != "" || !strings.Contains(got.stderr, row.want) {
			t.Errorf("%s: %+v, want exit %d with %q", name, got, row.code, row.want)
		}
		kept, err := os.ReadFile(d.config)
		if err != nil || string(kept) != row.text {
			t.Errorf("%s: the file is now\n%s", name, kept)
		}
		if left, _ := os.ReadDir(filepath.Dir(d.config)); len(left) != 1 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
}

func TestKeysRotateNeedsAFileToChange(t *testing.T) {
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "none.yaml"), clock: tokenstest.NewClock()}
	if got := d.run("keys", "rotate"); got.code != exitFailed || !strings.Contains(got.stderr, "no such file") {
		t.Errorf("%+v", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(d.config)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The way of an operator: one command, a check, a reload. The customers of before notice nothing.
func TestTokensOfTheOldKeyStayValidForTheirTime(t *testing.T) {
	d := openDesk(t)
	before := d.login(alice)
	d.ok("keys", "rotate", "--algorithm", "EdDSA")
	if got := d.run("config", "check"); got.code != exitOK || !strings.Contains(got.stderr, d.config+": ok") || !strings.Contains(got.stdout, "algorithm: EdDSA") {
		t.Errorf("%d %s%s", got.code, got.stdout, got.stderr)
	}
	d.gateway = d.another()
	if access, err := d.gateway.Verify(before.Access); err != nil || access.UserID != alice.UserID {
		t.Errorf("a token of the old key: %v, %v", access, err)
	}
	after := d.login(bob)
	encoded, _, _ := strings.Cut(after.Access, ".")
	header, err := base64.RawURLEncoding.DecodeString(encoded)
	d.must(err)
	if !strings.Contains(string(header), `"kid":"2027-01-15"`) || !strings.Contains(string(header), `"alg":"EdDSA"`) {
		t.Errorf("the header of a new token is %s", header)
	}

	d.clock.Advance(before.AccessExpiry.Sub(d.clock.Now()) - time.Second)
	if _, err := d.gateway.Verify(before.Access); err != nil {
		t.Errorf("a second before it expires: %v", err)
	}
	cfg, err := loadConfig(d.config, noEnv)
	d.must(err)
	old := cfg.Tokens.Keys[1]
	if last := before.AccessExpiry.Add(cfg.Tokens.Leeway); !old.RetireAt.After(last) || old.RetireAt.After(last.Add(10*time.Minute)) {
		t.Errorf("the old key retires at %v, and its last token is accepted until %v", old.RetireAt, last)
	}

	d.clock.Set(old.RetireAt)
	if got := d.ok("keys", "list"); strings.Count(got, "retired") != 1 || strings.Count(got, "signs") != 1 {
		t.Errorf("%s", got)
	}
	pair, _, err := d.gateway.Refresh(t.Context(), before.Refresh, tokens.Client{Address: "192.0.2.7"})
	if err != nil {
		t.Fatalf("the session of before, after the old key has retired: %v", err)
	}
	if _, err := d.gateway.Verify(pair.Access); err != nil {
		t.Errorf("its new token: %v", err)
	}
}

// The package installs the configuration for root and the group of the gateway, which must be able to read the key.
func TestTheNewKeyIsForThoseWhoReadTheConfiguration(t *testing.T) {
	owner, group := os.Geteuid(), os.Getegid()
	if owner == 0 { // only root can give files away
		owner, group = 12, 34
	}
	for mode, want := range map[fs.FileMode]fs.FileMode{0o640: 0o640, 0o600: 0o600, 0o644: 0o640, 0o660: 0o660} {
		d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
		d.must(os.WriteFile(d.config, []byte(rotatedShop+waysToWriteKeys["braces"]), 0o600))
		d.must(errors.Join(os.Chmod(d.config, mode), os.Chown(d.config, owner, group)))
		d.ok("keys", "rotate")
		for file, want := range map[string]fs.FileMode{d.config: mode, filepath.Join(filepath.Dir(d.config), "key-2027-01-15.pem"): want} {
			info, err := os.Stat(file)
			d.must(err)
			if u, g, _ := ownerOf(info); info.Mode() != want || u != owner || g != group {
				t.Errorf("%s has mode %v and is of %d:%d, want %v of %d:%d", file, info.Mode(), u, g, want, owner, group)
			}
		}
	}
}

// Some operators link to their configuration. Another file beside it must stay as it is.
func TestKeysRotateKeepsLinksAndOtherFiles(t *testing.T) {
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "config.yaml"), clock: tokenstest.NewClock()}
	real := filepath.Join(t.TempDir(), "real.yaml")
	for file, text := range map[string]string{real: rotatedShop + waysToWriteKeys["one line"], real + ".new": "mine"} {
		d.must(os.WriteFile(file, []byte(text), 0o600))
	}
	d.must(os.Symlink(real, d.config))
	d.ok("keys", "rotate")
	if to, err := os.Readlink(d.config); err != nil || to != real {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if kept, err := os.ReadFile(real + ".new"); string(kept) != "mine" {
		t.Errorf("the other file holds %q, %v", kept, err)
	}
	if text, err := os.ReadFile(real); err != nil || !strings.Contains(string(text), "key-2027-01-15.pem") {
		t.Errorf("%s, %v", text, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(real)); len(left) != 3 {
		t.Errorf("left behind: %v", left)
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
