package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
)

func TestTokensAreCreatedWithTheFingerprintOfALiveSession(t *testing.T) {
	d := openDesk(t)
	d.login(tokens.Identity{UserID: 7, Login: "alice", Fingerprint: "before-the-password-changed"})
	d.clock.Advance(time.Minute)
	d.login(alice)
	d.clock.Advance(time.Minute)
	got := created(t, d.ok("tokens", "create", "--user", "7", "--json"))
	access, err := d.gateway.Verify(got.AccessToken)
	d.must(err)
	if access.UserID != 7 || access.Login != "alice" || access.Fingerprint != alice.Fingerprint || access.Session != got.Session {
		t.Errorf("%+v", access)
	}
	if want := d.clock.Now().Add(10 * 24 * time.Hour).UTC(); !got.AccessExpires.Equal(want) {
		t.Errorf("expires %v, want %v", got.AccessExpires, want)
	}
	session, err := d.gateway.Session(context.Background(), got.Session)
	d.must(err)
	if session.Device != "cocart-gateway tokens create" || session.Address != "" {
		t.Errorf("%+v", session)
	}
	_, who, err := d.gateway.Refresh(context.Background(), got.RefreshToken, tokens.Client{})
	if err != nil || who.UserID != 7 || who.Fingerprint != alice.Fingerprint {
		t.Errorf("refresh: %+v, %v", who, err)
	}
}

func created(t *testing.T, text string) (pair admin.IssuedTokens) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &pair); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return pair
}

// Neither Redis nor the configuration knows the fingerprint of an account: the error says who does.
func TestTokensForAStrangerNeedAFingerprint(t *testing.T) {
	d := openDesk(t)
	want := said{exitFailed, "", `cocart-gateway: user 7 has no live session to take the fingerprint of the account from; give --fingerprint.
Only WordPress can compute it, and that is on purpose: the secrets of the gateway alone must not be enough to become
a customer. In the folder of WordPress:

  wp eval 'echo CoCartGateway\fingerprint( get_userdata( 7 ) );'
`}
	if got := d.run("tokens", "create", "--user", "7"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text := d.ok("tokens", "create", "--user", "7", "--fingerprint", "given", "--login", "alice")
	lines := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "  ")
		lines[name] = strings.TrimSpace(value)
	}
	access, err := d.gateway.Verify(lines["access token"])
	d.must(err)
	if access.Fingerprint != "given" || access.Login != "alice" || lines["user"] != "7 (alice)" || lines["expires"] != "2027-02-14T08:00:00Z, in 30 days" {
		t.Errorf("%+v from\n%s", access, text)
	}
	if _, _, err := d.gateway.Refresh(context.Background(), lines["refresh token"], tokens.Client{}); err != nil {
		t.Error(err)
	}
}

func TestAGoodAccessTokenIsInspected(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	d.clock.Advance(3 * time.Minute)
	got := d.ok("tokens", "inspect", pair.Access)
	table, rest, _ := strings.Cut(got, "\nheader\n")
	d.is(table, `token          access
good           yes
               It would be accepted now.
key            k1 (HS256)
user           7 (alice)
issued         2027-01-15T08:00:00Z, 3 minutes ago
not before     2027-01-15T08:00:00Z, 3 minutes ago
expires        2027-01-25T08:00:00Z, in 9 days
session        `+pair.Session+`
of generation  1

its session now
state       live
user        7 (alice)
device      CoCart-Phone/1.0
address     192.0.2.7
generation  1
created     2027-01-15T08:00:00Z, 3 minutes ago
last used   2027-01-15T08:00:00Z, 3 minutes ago
expires     2027-02-14T08:00:00Z, in 29 days
`)
	header, claims, _ := strings.Cut(rest, "\nclaims\n")
	d.is(header, "{\n  \"alg\": \"HS256\",\n  \"typ\": \"JWT\",\n  \"kid\": \"k1\"\n}\n")
	var says map[string]any
	if err := json.Unmarshal([]byte(claims), &says); err != nil || says["sid"] != pair.Session {
		t.Errorf("%v in %s", err, claims)
	}
}

func TestARefreshTokenIsInspectedFromStandardInput(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	d.stdin = strings.NewReader("Bearer " + pair.Refresh + "\n")
	d.is(d.ok("tokens", "inspect", "-"), `token           refresh
good            yes
                It is the current one: a refresh issues a new pair.
refresh secret  number 1
session         `+pair.Session+`
of generation   1

its session now
state       live
user        7 (alice)
device      CoCart-Phone/1.0
address     192.0.2.7
generation  1
created     2027-01-15T08:00:00Z, just now
last used   2027-01-15T08:00:00Z, just now
expires     2027-02-14T08:00:00Z, in 30 days
`)
	d.stdin = strings.NewReader(" \n")
	if got, want := d.run("tokens", "inspect", "-"), (said{exitFailed, "", "cocart-gateway: there is no token to inspect\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestInspectionSaysWhyATokenIsRefused(t *testing.T) {
	d := openDesk(t)
	spent := d.login(alice)
	_, _, err := d.gateway.Refresh(context.Background(), spent.Refresh, tokens.Client{})
	d.must(err)
	ended := d.login(bob)
	d.must(d.gateway.EndSession(context.Background(), ended.Session, tokens.CauseLogout))
	for _, row := range []struct {
		name, token, want string
		code              int
	}{
		{"garbage", "x", "token  neither an access nor a refresh token\ngood   no: malformed\n       " + refusals[tokens.Malformed], exitFailed},
		{"spent moments ago", spent.Refresh, "token           refresh\ngood            yes\n                " + outlooks[tokens.OutcomeConcurrent], exitOK},
		{"of an ended session", ended.Access, "token          access\ngood           no: revoked\n               " + refusals[tokens.Revoked], exitFailed},
		{"signed by another", ended.Access[:len(ended.Access)-4] + "AAAA", "token          access\ngood           no: bad_signature\n               " + refusals[tokens.BadSignature], exitFailed},
	} {
		got := d.run("tokens", "inspect", row.token)
		if got.code != row.code || got.stderr != "" || !strings.HasPrefix(got.stdout, row.want+"\n") {
			t.Errorf("%s: exit %d, %q\n%s", row.name, got.code, got.stderr, got.stdout)
		}
	}
}

func TestInspectionForMachines(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	d.is(d.ok("tokens", "inspect", "--json", pair.Refresh), `{
  "good": true,
  "why": "It is the current one: a refresh issues a new pair.",
  "kind": "refresh",
  "session_id": "`+pair.Session+`",
  "generation": 1,
  "secret": 1,
  "verdict": "rotated",
  "state": "live",
  "session": {
    "id": "`+pair.Session+`",
    "user_id": 7,
    "login": "alice",
    "device": "CoCart-Phone/1.0",
    "address": "192.0.2.7",
    "created": "2027-01-15T08:00:00Z",
    "last_used": "2027-01-15T08:00:00Z",
    "generation": 1,
    "expires": "2027-02-14T08:00:00Z"
  }
}
`)
	want := said{exitFailed, "{\n  \"good\": false,\n  \"why\": \"" + refusals[tokens.Malformed] + "\",\n  \"rejection\": \"malformed\"\n}\n", ""}
	if got := d.run("tokens", "inspect", "--json", "x"); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// What the store of a trial gateway has of a token cannot be known from outside; what the token says can.
func TestInspectionWithoutRedisSaysWhatItCan(t *testing.T) {
	d := deskWith(t, "")
	pair := d.login(alice)
	for _, row := range []struct{ token, want string }{
		{pair.Access, "token          access\ngood           not known\n               Nothing is wrong with the token itself, but its session cannot be looked at: redis.address is embedded: "},
		{pair.Refresh, "token           refresh\ngood            not known\n                Nothing is wrong with the token itself, but its session cannot be looked at: redis.address is embedded: "},
		{"x", "token  neither an access nor a refresh token\ngood   no: malformed\n"},
	} {
		if got := d.run("tokens", "inspect", row.token); got.code != exitFailed || !strings.HasPrefix(got.stdout, row.want) {
			t.Errorf("%+v", got)
		}
	}
	if got := d.run("tokens", "inspect", "--json", pair.Access); !strings.HasPrefix(got.stdout, "{\n  \"good\": null,\n") {
		t.Errorf("%+v", got)
	}
}

func TestInspectionShowsNothingThatCouldBeSpent(t *testing.T) {
	d := openDesk(t)
	pair := d.login(alice)
	signature := pair.Access[strings.LastIndexByte(pair.Access, '.')+1:]
	payload := strings.Split(pair.Access, ".")[1]
	for _, token := range []string{pair.Access, pair.Refresh} {
		for _, asJSON := range []string{"--json=false", "--json"} {
			text := d.ok("tokens", "inspect", asJSON, token)
			for _, secret := range []string{signature, payload, pair.Refresh[64:96], pair.Refresh[96:]} {
				if strings.Contains(text, secret) {
					t.Errorf("%s is in\n%s", secret, text)
				}
			}
		}
	}
}

// A token may say anything to the terminal of whoever looks at it.
func TestInspectionShowsStrangersTextsWithoutObeyingThem(t *testing.T) {
	d := openDesk(t)
	head := encodedPart(`{"alg":"HS256","typ":"JWT","kid":"k\u001b]0;x` + "\u009b2J" + `"}`)
	got := d.run("tokens", "inspect", head+"."+encodedPart(`{"data":{"user":{"id":"7","username":"\u001b[2J"}},"iat":1e99}`)+".AAAA")
	if got.code != exitFailed || strings.ContainsAny(got.stdout, "\x1b\u009b") || !strings.Contains(got.stdout, `k\x1b]0;x\u009b2J`) {
		t.Errorf("%q", got.stdout)
	}
}

func TestEveryRejectionAndEveryOutlookHasItsSentence(t *testing.T) {
	for _, r := range tokens.Rejections() {
		if !strings.HasSuffix(whyRefused(r), ".") {
			t.Errorf("%s: %q", r, whyRefused(r))
		}
	}
	good := 0
	for _, v := range tokens.Outcomes() {
		if whyGood(tokens.Inspection{Kind: tokens.KindRefresh, Outcome: v}) != "" {
			good++
		}
	}
	if good != len(outlooks) || good != 6 {
		t.Errorf("%d outlooks of %d", good, len(outlooks))
	}
}

func encodedPart(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
