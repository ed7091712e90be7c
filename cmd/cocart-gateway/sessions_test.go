package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

func TestSessionsAreListed(t *testing.T) {
	d := openDesk(t)
	first := d.login(bob)
	d.clock.Advance(time.Minute)
	second := d.login(alice)
	d.clock.Advance(time.Minute)
	third := d.login(alice)
	d.is(d.ok("sessions", "list"), `ID                      USER  LOGIN  DEVICE            ADDRESS    CREATED               LAST USED             EXPIRES
`+second.Session+`  7     alice  CoCart-Phone/1.0  192.0.2.7  2027-01-15T08:01:00Z  2027-01-15T08:01:00Z  2027-02-14T08:01:00Z
`+third.Session+`  7     alice  CoCart-Phone/1.0  192.0.2.7  2027-01-15T08:02:00Z  2027-01-15T08:02:00Z  2027-02-14T08:02:00Z
`+first.Session+`  12    bob    CoCart-Phone/1.0  192.0.2.7  2027-01-15T08:00:00Z  2027-01-15T08:00:00Z  2027-02-14T08:00:00Z
`)
	d.is(d.ok("sessions", "list", "--user", "12"), `ID                      USER  LOGIN  DEVICE            ADDRESS    CREATED               LAST USED             EXPIRES
`+first.Session+`  12    bob    CoCart-Phone/1.0  192.0.2.7  2027-01-15T08:00:00Z  2027-01-15T08:00:00Z  2027-02-14T08:00:00Z
`)
	d.is(d.ok("sessions", "list", "--user", "12", "--json"), `{
  "sessions": [
    {
      "id": "`+first.Session+`",
      "user_id": 12,
      "login": "bob",
      "device": "CoCart-Phone/1.0",
      "address": "192.0.2.7",
      "created": "2027-01-15T08:00:00Z",
      "last_used": "2027-01-15T08:00:00Z",
      "generation": 1,
      "expires": "2027-02-14T08:00:00Z"
    }
  ],
  "total": 1
}
`)
}

func TestNobodysSessionsAreAnEmptyList(t *testing.T) {
	d := openDesk(t)
	d.is(d.ok("sessions", "list"), "ID  USER  LOGIN  DEVICE  ADDRESS  CREATED  LAST USED  EXPIRES\n")
	d.is(d.ok("sessions", "list", "--json"), "{\n  \"sessions\": [],\n  \"total\": 0\n}\n")
}

// A User-Agent is a stranger's text: it must neither move the operator's cursor nor break his table.
func TestAListShowsStrangersTextsWithoutObeyingThem(t *testing.T) {
	d := openDesk(t)
	_, err := d.gateway.Issue(context.Background(), tokens.Identity{UserID: 7, Login: "al\u202eice"}, tokens.Client{Device: "a\u009b2Jb " + strings.Repeat("x", 200)})
	d.must(err)
	got := d.ok("sessions", "list")
	if want := `  al\u202eice  a\u009b2Jb ` + strings.Repeat("x", 28) + "…  -  "; !strings.Contains(strings.Join(strings.Fields(got), "  "), strings.Join(strings.Fields(want), "  ")) {
		t.Errorf("%q does not have %q", got, want)
	}
}

func TestASessionIsShown(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	d.clock.Advance(3 * time.Minute)
	d.is(d.ok("sessions", "show", pair.Session), `session     `+pair.Session+`
state       live
user        7 (alice)
device      CoCart-Phone/1.0
address     192.0.2.7
generation  1
created     2027-01-15T08:00:00Z, 3 minutes ago
last used   2027-01-15T08:00:00Z, 3 minutes ago
expires     2027-02-14T08:00:00Z, in 29 days
`)
	d.must(d.gateway.EndSession(context.Background(), pair.Session, tokens.CauseLogout))
	d.is(d.ok("sessions", "show", pair.Session), `session  `+pair.Session+`
state    ended
user     7
created  2027-01-15T08:00:00Z, 3 minutes ago
ended    2027-01-15T08:03:00Z, just now (logout)
`)
	d.is(d.ok("sessions", "show", pair.Session, "--json"), `{
  "state": "ended",
  "id": "`+pair.Session+`",
  "user_id": 7,
  "created": "2027-01-15T08:00:00Z",
  "last_used": "2027-01-15T08:00:00Z",
  "generation": 1,
  "expires": "2027-02-14T08:00:00Z",
  "ended": "2027-01-15T08:03:00Z",
  "cause": "logout"
}
`)
}

func TestASessionThatIsNotThere(t *testing.T) {
	d := openDesk(t)
	for _, row := range []struct{ id, want string }{
		{"AaMYMgQwTIOi1sF3lXq2RA", "there is no session AaMYMgQwTIOi1sF3lXq2RA; one that ended is remembered for some days only"},
		{"x\ty", `x\ty is not the id of a session: it has 22 letters, digits, - and _`},
	} {
		if got, want := d.run("sessions", "show", row.id), (said{exitFailed, "", "cocart-gateway: " + row.want + "\n"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

const heard = "Running gateways refuse the access tokens as soon as they read the revocation log.\n"

func TestSessionsAreEnded(t *testing.T) {
	for _, row := range []struct {
		name string
		args func(mine tokens.Pair) []string
		says string
		left int // of the sessions of the same user, and of another
	}{
		{"one by its id", func(mine tokens.Pair) []string { return []string{mine.Session} }, "Ended 1 session.\n", 2},
		{"all of a user", func(tokens.Pair) []string { return []string{"--user", "7"} }, "Ended 2 sessions of user 7.\n", 1},
		{"everybody's", func(tokens.Pair) []string { return []string{"--all", "--yes"} }, "Ended 3 sessions.\n", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := openDesk(t)
			mine := d.login(alice)
			d.login(alice)
			d.login(bob)
			d.is(d.ok(append([]string{"sessions", "end"}, row.args(mine)...)...), row.says+heard)
			if _, _, err := d.gateway.Refresh(context.Background(), mine.Refresh, tokens.Client{}); !errors.Is(err, tokens.Ended) {
				t.Errorf("refresh: %v", err)
			}
			d.must(d.gateway.CatchUp(context.Background()))
			if _, err := d.gateway.Verify(mine.Access); !errors.Is(err, tokens.Revoked) {
				t.Errorf("verify: %v", err)
			}
			if got := strings.Count(d.ok("sessions", "list"), "\n") - 1; got != row.left {
				t.Errorf("%d sessions are left, want %d", got, row.left)
			}
		})
	}
}

func TestALossOfDataIsConfirmed(t *testing.T) {
	server := tokenstest.Redis(t)
	d := deskWith(t, "redis: {address: \""+server.Addr()+"\"}\n")
	d.is(d.ok("sessions", "keep"), "No loss of data was open.\n")
	d.must(server.Client().HSet(t.Context(), "cocart:epoch", "lost", "1800000000000", "why", "older").Err())
	d.is(d.ok("sessions", "keep"), "Confirmed: the loss of 2027-01-15T08:00:00Z (older) is no longer open.\n")
	d.is(d.ok("sessions", "keep"), "No loss of data was open.\n")
}

func TestEndingWhatIsOverRevokesItAllTheSame(t *testing.T) {
	d := openDesk(t)
	const unknown = "AaMYMgQwTIOi1sF3lXq2RA"
	d.is(d.ok("sessions", "end", unknown), fmt.Sprintf("Ended 0 sessions: %s is over or unknown, but was revoked all the same.\n%s", unknown, heard))
	d.is(d.ok("sessions", "end", "--user", "7", "--json"), "{\n  \"ended\": 0\n}\n")
	got := d.run("sessions", "end", "x")
	if want := (said{exitFailed, "", "cocart-gateway: x is not the id of a session: it has 22 letters, digits, - and _\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A session that was cut off with all others is not shown as live, although nobody has looked at it since.
func TestACutOffSessionIsShownAsEnded(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	d.ok("sessions", "end", "--all", "--yes")
	if got := d.ok("sessions", "show", pair.Session); !strings.Contains(got, "state       ended\n") {
		t.Errorf("%s", got)
	}
}

func TestSessionsListIsPaged(t *testing.T) {
	d := openDesk(t)
	for range 3 {
		d.login(alice)
		d.clock.Advance(time.Second)
	}
	first := d.ok("sessions", "list", "--sort", "created", "--desc", "--limit", "2")
	_, next, found := strings.Cut(first, "2 of 3 sessions. The next page: the same command with --after ")
	if !found {
		t.Fatalf("the first page:\n%s", first)
	}
	rest := d.ok("sessions", "list", "--sort", "created", "--desc", "--limit", "2", "--after", strings.TrimSpace(next))
	if strings.Count(rest, "\n") != 2 || strings.Contains(rest, "next page") {
		t.Errorf("the second page:\n%s", rest)
	}
	if got := d.run("sessions", "list", "--sort", "device"); got.code != exitUsage || !strings.Contains(got.stderr, "--sort must be user_id, created or last_used") {
		t.Errorf("%+v", got)
	}
}
