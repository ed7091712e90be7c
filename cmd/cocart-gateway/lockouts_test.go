package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens/attempts"
)

// lockedShop is a configuration whose Redis has a locked account and a locked address.
func lockedShop(t *testing.T) (config string, again func()) {
	t.Helper()
	redis := miniredis.RunT(t)
	config = filepath.Join(t.TempDir(), "config.yaml")
	text := fmt.Sprintf(`
upstream: {url: "http://127.0.0.1:1", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "http://127.0.0.1"}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
redis: {address: %q}
limits: {login: {account: 1/15m, address: 1/15m}}
`, redis.Addr())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(config, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	again = func() {
		t.Helper()
		client, closeStore, err := store.Open(cfg.Redis)
		if err != nil {
			t.Fatal(err)
		}
		defer closeStore()
		g, err := newGuard(cfg, client, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		a, err := g.Begin(t.Context(), attempts.Try{Names: []string{"alice"}, Client: netip.MustParseAddr("2001:db8::1")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Refused(t.Context(), 17); err != nil {
			t.Fatal(err)
		}
	}
	again()
	return config, again
}

func command(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	out := newOutput()
	code = run(t.Context(), args, noEnv, out, out)
	return code, out.String()
}

func TestLockoutsAreListedAndClearedFromTheCommandLine(t *testing.T) {
	for name, row := range map[string]struct {
		clear []string
		ended []string
		left  []string
	}{
		"user":    {[]string{"--user", "17"}, []string{"account"}, []string{"address"}},
		"address": {[]string{"--address", "2001:db8::ffff"}, []string{"address"}, []string{"account"}},
		"all":     {[]string{"--all"}, []string{"account", "address"}, nil},
		"another": {[]string{"--user", "18"}, nil, []string{"account", "address"}},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := lockedShop(t)
			code, said := command(t, "lockouts", "list", "--config", config)
			if code != 0 || !strings.Contains(said, "account  user:17") || strings.Contains(said, "alice") || strings.Count(said, "\n") != 3 {
				t.Fatalf("exit %d: %s", code, said)
			}
			code, said = command(t, append([]string{"lockouts", "clear", "--config", config}, row.clear...)...)
			if ended := countersIn(said); code != 0 || fmt.Sprint(ended) != fmt.Sprint(row.ended) {
				t.Fatalf("exit %d, want %v: %s", code, row.ended, said)
			}
			_, said = command(t, "lockouts", "list", "--config", config)
			if left := countersIn(said); fmt.Sprint(left) != fmt.Sprint(row.left) {
				t.Errorf("left: %v, want %v", left, row.left)
			}
		})
	}
}

// countersIn returns the first column of a table of lockouts.
func countersIn(table string) (counters []string) {
	for line := range strings.Lines(table) {
		if counter, _, more := strings.Cut(strings.TrimSpace(line), "  "); more && counter != "counter" {
			counters = append(counters, counter)
		}
	}
	return counters
}

func TestAClearedAccountMayTryAgain(t *testing.T) {
	config, again := lockedShop(t)
	command(t, "lockouts", "clear", "--config", config, "--all")
	again()
}

func TestLockoutsSayWhatIsMissing(t *testing.T) {
	config, _ := lockedShop(t)
	embedded := configFile(t, "127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1")
	for name, row := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no file":          {[]string{"list"}, exitFailed, "/etc/cocart-gateway/config.yaml: the file cannot be read"},
		"clear, no file":   {[]string{"clear", "--all"}, exitFailed, "/etc/cocart-gateway/config.yaml: the file cannot be read"},
		"clear what":       {[]string{"clear", "--config", config}, exitUsage, "needs one of --user USER, --address ADDRESS and --all"},
		"clear two things": {[]string{"clear", "--config", config, "--all", "--user", "1"}, exitUsage, "needs one of"},
		"user below zero":  {[]string{"clear", "--config", config, "--user", "-1"}, exitUsage, "--user must be the id"},
		"no address":       {[]string{"clear", "--config", config, "--address", "shop.example"}, exitUsage, "must be an IP address"},
		"embedded":         {[]string{"list", "--config", embedded}, exitFailed, "redis.address is embedded"},
		"no such file":     {[]string{"list", "--config", "/nonexistent.yaml"}, exitFailed, "/nonexistent.yaml"},
	} {
		if code, said := command(t, append([]string{"lockouts"}, row.args...)...); code != row.code || !strings.Contains(said, row.want) {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
	}
}

// libraryLines counts what the Redis library logs.
type libraryLines struct{ n atomic.Int32 }

func (l *libraryLines) Printf(context.Context, string, ...any) { l.n.Add(1) }

func TestLockoutsWithoutARedisSayTheCauseAlone(t *testing.T) {
	var library libraryLines
	redis.SetLogger(&library)
	t.Cleanup(func() { redis.SetLogger(libraryLog{discard}) })
	gone := freeAddress(t)
	code, said := command(t, "lockouts", "list", "--config", configWith(t, "redis: {address: \""+gone+"\"}\n"))
	if want := fmt.Sprintf("cocart-gateway: reading lockouts: dial tcp %s: connect: connection refused\n", gone); code != exitFailed || said != want {
		t.Errorf("exit %d: %s", code, said)
	}
	if n := library.n.Load(); n != 0 {
		t.Errorf("the library logs %d lines beside it", n)
	}
}

// The flood of package attempts is played with the limits of a configuration that says nothing.
func TestTheFloodIsPlayedWithTheDefaultLimits(t *testing.T) {
	limit := func(n int, per time.Duration) config.Limit { return config.Limit{N: n, Per: per} }
	got := config.Default().Attempts
	want := config.Attempts{
		Account: limit(10, 15*time.Minute), AccountNetwork: limit(5, 15*time.Minute),
		Address: limit(50, 15*time.Minute), Subnet: limit(200, 15*time.Minute), Network: limit(500, 15*time.Minute),
		Overall: limit(1000, time.Minute), Newcomer: config.Newcomer{Account: limit(10, time.Hour), Address: limit(3, 24*time.Hour), Network: limit(12, 24*time.Hour)},
		SecondFactor: got.SecondFactor, Refresh: got.Refresh, Validate: got.Validate, SiteLogin: true, UniformErrors: true,
	}
	if got != want {
		t.Errorf("%+v; the flood in tokens/attempts and the table in deploy/docs/configure/password-limits.md are of %+v", got, want)
	}
}
