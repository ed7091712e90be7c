package main

import (
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/store"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// shopDesk is a desk with a WordPress, in which alice is user 7, and user 9 has her e-mail address for a login name.
func shopDesk(t *testing.T) (*desk, *upstreamtest.StatusServer) {
	t.Helper()
	d := openDesk(t)
	wordpress := upstreamtest.NewStatusServer(t)
	wordpress.Users = []upstreamtest.User{{ID: 7, Login: "alice"}, {ID: 12, Login: "bob"}, {ID: 9, Login: "carol"}, {ID: 10, Login: "carol@example.com"}}
	text, err := os.ReadFile(d.config)
	d.must(err)
	edited := strings.NewReplacer(`"http://127.0.0.1:1"`, `"`+wordpress.URL+`"`, "a shared secret of these tests, 32 bytes", upstreamtest.Secret,
		`site: {url: "http://127.0.0.1"}`, `site: {url: "`+upstreamtest.SiteURL+`"}`).Replace(string(text))
	d.must(os.WriteFile(d.config, []byte(edited), 0o600))
	d.gateway = d.another()
	return d, wordpress
}

func TestUsersAreNamedByIDLoginNameOrAddress(t *testing.T) {
	for _, name := range []string{"7", "alice", "Alice@Example.com"} {
		d, _ := shopDesk(t)
		pair := d.login(alice)
		d.login(bob)
		if got := d.ok("sessions", "list", "--user", name); strings.Count(got, "\n") != 2 || !strings.Contains(got, pair.Session) {
			t.Errorf("sessions list --user %s: %s", name, got)
		}
		if got := d.ok("tokens", "create", "--user", name); !strings.Contains(got, "7 (alice)") {
			t.Errorf("tokens create --user %s: %s", name, got)
		}
		d.is(d.ok("sessions", "end", "--user", name), "Ended 2 sessions of user 7.\n"+heard)
		d.lockOut(7)
		if got := d.ok("lockouts", "clear", "--user", name); !strings.Contains(got, "user:7") {
			t.Errorf("lockouts clear --user %s: %s", name, got)
		}
	}
}

// lockOut locks a user out after wrong passwords.
func (d *desk) lockOut(user int64) {
	d.Helper()
	cfg, err := loadConfig(d.config, noEnv)
	d.must(err)
	client, closeStore, err := store.Open(cfg.Redis)
	d.must(err)
	defer closeStore()
	g, err := newGuard(cfg, client, slog.New(slog.DiscardHandler))
	d.must(err)
	for range cfg.Attempts.Account.N {
		a, err := g.Begin(d.Context(), attempts.Try{Names: []string{"someone"}, Client: netip.MustParseAddr("192.0.2.7")})
		d.must(err)
		_, err = a.Refused(d.Context(), user)
		d.must(err)
	}
}

func TestAUserWhoIsNotNamedExactlyIsRefused(t *testing.T) {
	d, wordpress := shopDesk(t)
	for _, row := range []struct{ name, want string }{
		{"dave", "--user dave: no user of WordPress has this login name or e-mail address"},
		{"carol@example.com", `--user carol@example.com: two users of WordPress have this name, one as login name and one as e-mail address; name one of them by id: 9 (login name "carol"), 10 (login name "carol@example.com")`},
		{"99999999999999999999", "--user 99999999999999999999: user_id must be the id of a WordPress user: a number from 1 on"},
	} {
		for _, args := range [][]string{{"sessions", "list"}, {"sessions", "end"}, {"lockouts", "clear"}, {"tokens", "create"}} {
			if got, want := d.run(append(args, "--user", row.name)...), (said{exitFailed, "", "cocart-gateway: " + row.want + "\n"}); got != want {
				t.Errorf("%v --user %s: got %+v, want %+v", args, row.name, got, want)
			}
		}
	}
	wordpress.Lock()
	wordpress.NoPlugin = true
	wordpress.Unlock()
	got := d.run("sessions", "end", "--user", "alice")
	if got.code != exitFailed || !strings.Contains(got.stderr, "the must-use plugin does not answer") || !strings.Contains(got.stderr, "name the user by id, which sessions list --login shows without WordPress") {
		t.Errorf("without the plugin: %+v", got)
	}
}

// WordPress may be what is broken when sessions have to be ended.
func TestAnIDAndALoginNameOfSessionsNeedNoWordPress(t *testing.T) {
	d := openDesk(t) // its WordPress is away
	d.login(alice)
	d.login(bob)
	if got := d.ok("sessions", "list", "--login", "ALICE"); strings.Count(got, "\n") != 2 {
		t.Errorf("sessions list --login: %s", got)
	}
	d.is(d.ok("sessions", "end", "--user", "7"), "Ended 1 session of user 7.\n"+heard)
}
