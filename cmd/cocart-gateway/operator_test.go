package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// desk is where an operator sits: a configuration, the Redis it names, and a gateway that uses the same. It is
// 2027-01-15 08:00:00 UTC there until the clock is moved.
type desk struct {
	named string // by COCART_GATEWAY_CONFIG
	*testing.T
	config  string
	clock   *tokenstest.Clock
	gateway *tokens.Authority
	stdin   io.Reader
}

func openDesk(t *testing.T) *desk {
	t.Helper()
	return deskWith(t, "redis: {address: \""+tokenstest.Redis(t).Addr()+"\"}\n")
}

func deskWith(t *testing.T, redisBlock string) *desk {
	t.Helper()
	d := &desk{T: t, config: configWith(t, redisBlock), clock: tokenstest.NewClock(), stdin: strings.NewReader("")}
	d.gateway = d.another()
	return d
}

// configWith writes a configuration with the blocks given. Redis may take its time, on a machine that has much to do.
func configWith(t *testing.T, blocks string) string {
	t.Helper()
	blocks = strings.NewReplacer("redis: {", "redis: {timeout: 1m, ", "redis:\n", "redis:\n  timeout: 1m\n").Replace(blocks)
	path := configFile(t, "127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, blocks...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// another makes another gateway of the same configuration.
func (d *desk) another() *tokens.Authority {
	d.Helper()
	cfg, err := loadConfig(d.config, noEnv)
	d.must(err)
	client, closeStore, err := store.Open(cfg.Redis)
	d.must(err)
	d.Cleanup(closeStore)
	a, err := newAuthority(cfg, client, prometheus.NewRegistry(), d.clock.Now, slog.New(slog.DiscardHandler))
	d.must(err)
	return a
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// said is how a command ended and what it said.
type said struct {
	code           int
	stdout, stderr string
}

// run runs a command with --config.
func (d *desk) run(args ...string) said {
	d.Helper()
	return d.runBare(append(args, "--config", d.config)...)
}

func (d *desk) runBare(args ...string) said {
	d.Helper()
	var stdout, stderr strings.Builder
	env := noEnv
	if d.named != "" {
		env = func(name string) (string, bool) { return d.named, name == configVariable }
	}
	code := terminal{env: env, in: d.stdin, out: &stdout, err: &stderr, now: d.clock.Now}.run(context.Background(), args)
	return said{code, stdout.String(), stderr.String()}
}

// ok runs a command that must work and returns what it prints.
func (d *desk) ok(args ...string) string {
	d.Helper()
	got := d.run(args...)
	if got.code != exitOK || got.stderr != "" {
		d.Fatalf("%s: exit %d: %s", strings.Join(args, " "), got.code, got.stderr)
	}
	return got.stdout
}

// is compares a whole output.
func (d *desk) is(got, want string) {
	d.Helper()
	if got != want {
		d.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func (d *desk) login(who tokens.Identity) tokens.Pair {
	d.Helper()
	pair, err := d.gateway.Issue(context.Background(), who, tokens.Client{Address: "192.0.2.7", Device: "CoCart-Phone/1.0"})
	d.must(err)
	return pair
}

var (
	alice = tokens.Identity{UserID: 7, Login: "alice", Fingerprint: "fingerprint-of-alice"}
	bob   = tokens.Identity{UserID: 12, Login: "bob", Fingerprint: "fingerprint-of-bob"}
)

// A command that needs sessions says why there are none to be seen, instead of an empty list.
func TestCommandsOnSessionsNeedARedis(t *testing.T) {
	embedded := &desk{T: t, config: configWith(t, ""), clock: tokenstest.NewClock()}
	gone := freeAddress(t)
	away := &desk{T: t, config: configWith(t, "redis: {address: \""+gone+"\"}\n"), clock: tokenstest.NewClock()}
	for _, args := range [][]string{
		{"sessions", "list"}, {"sessions", "show", "AaMYMgQwTIOi1sF3lXq2RA"}, {"sessions", "end", "--user", "7"},
		{"tokens", "create", "--user", "7"},
	} {
		if got, want := embedded.run(args...), (said{exitFailed, "", "cocart-gateway: " + errEmbedded.Error() + "\n"}); got != want {
			t.Errorf("%v: %+v", args, got)
		}
		want := said{exitFailed, "", fmt.Sprintf("cocart-gateway: reading revocations: session store unavailable: dial tcp %s: connect: connection refused\n", gone)}
		if got := away.run(args...); got != want {
			t.Errorf("%v: got %+v, want %+v", args, got, want)
		}
	}
}

// What is missing is said before anything is done, and is wrong usage.
func TestCommandsSayWhatTheyNeed(t *testing.T) {
	d := &desk{T: t, config: filepath.Join(t.TempDir(), "none.yaml"), clock: tokenstest.NewClock()}
	for _, row := range []struct{ args, want string }{
		{"sessions list --confg f", "unknown flag: --confg; did you mean --config?"},
		{"config check -c f g", "config check takes one file: FILE or --config FILE"},
		{"tokens inspect -c f", "accepts 1 arg(s), received 0"},
		{"tokens create -c f", "tokens create needs --user USER"},
		{"tokens create -c f --user 0", "--user must be the id, the login name or the e-mail address of a WordPress user"},
		{"sessions list -c f --user -3", "--user must be the id, the login name or the e-mail address of a WordPress user"},
		{"sessions end -c f", "sessions end needs one of: the ID of a session, --user USER, --all"},
		{"sessions end -c f --user 7 --all --yes", "sessions end needs one of: the ID of a session, --user USER, --all"},
		{"sessions end -c f --all", "--all logs out every customer of the shop: add --yes if that is meant"},
		{"sessions end -c f a b", "accepts at most 1 arg(s), received 2"},
		{"keys generate --id a/b", "--id must be 1 to 64 letters, digits, - and _; write e.g. 2026-01"},
		{"keys generate --algorithm hs256", "--algorithm must be HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA; did you mean HS256?"},
	} {
		want := said{exitUsage, "", "cocart-gateway: " + row.want + "\nhint: cocart-gateway help\n"}
		if got := d.runBare(strings.Fields(row.args)...); got != want {
			t.Errorf("%s: got %+v, want %+v", row.args, got, want)
		}
	}
}
