package tokens_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
)

// segment decodes one part of a token.
func segment(t testing.TB, token string, n int) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAccessTokenHasThePluginsShape(t *testing.T) {
	w := embedded(t)
	a := w.authority(func(c *tokens.Config) { c.Audience = "shop" })
	pair := w.login(a, alice)

	if got, want := segment(t, pair.Access, 0), `{"alg":"HS256","typ":"JWT","kid":"k1"}`; got != want {
		t.Errorf("header %s, want %s", got, want)
	}
	var payload struct {
		Data struct{ User struct{ PAT string } }
	}
	w.must(json.Unmarshal([]byte(segment(t, pair.Access, 1)), &payload))
	pat := payload.Data.User.PAT
	if !strings.HasPrefix(pat, "pat_") || len(pat) != 28 || strings.Trim(pat[4:], "0123456789abcdef") != "" {
		t.Errorf("pat is %q, want pat_ and 24 hex digits", pat)
	}
	want := fmt.Sprintf(`{"iss":"https://shop.example","iat":1800000000,"nbf":1800000000,"exp":1800864000,"sub":"2","aud":"shop",`+
		`"sid":%q,"gen":1,"fp":"fp-alice-1","data":{"user":{"id":2,"username":"alice","ip":"192.0.2.7","device":"CoCart-Phone/1.0","pat":%q}}}`,
		pair.Session, pat)
	if got := segment(t, pair.Access, 1); got != want {
		t.Errorf("payload\n%s, want\n%s", got, want)
	}
}

func TestLoginHandsOutAPairThatVerifies(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		got, err := a.Verify(pair.Access)
		w.must(err)
		want := &tokens.Access{UserID: 2, Login: "alice", Session: pair.Session, Fingerprint: "fp-alice-1", KeyID: "k1",
			Generation: 1, IssuedAt: w.clock.Now(), Expiry: w.clock.Now().Add(240 * time.Hour)}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("verified %+v, want %+v", got, want)
		}
		if len(pair.Refresh) != 128 || strings.Trim(pair.Refresh, "0123456789abcdef") != "" {
			t.Errorf("refresh token %q is not 128 lower-case hex digits", pair.Refresh)
		}
		if !pair.AccessExpiry.Equal(want.Expiry) || !pair.RefreshExpiry.Equal(w.clock.Now().Add(720*time.Hour)) {
			t.Errorf("expiries %v and %v", pair.AccessExpiry, pair.RefreshExpiry)
		}
	})
}

func TestExtraClaimsStayWithTheSession(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	who := alice
	who.Claims = map[string]any{"shop": map[string]any{"tier": "gold"}, "big": int64(9007199254740993), "exp": 1}
	pair := w.login(a, who)
	for range 2 {
		if want := `,"big":9007199254740993,"exp":1,"shop":{"tier":"gold"}}}}`; !strings.HasSuffix(segment(t, pair.Access, 1), want) {
			t.Errorf("payload %s does not end in %s", segment(t, pair.Access, 1), want)
		}
		pair = w.refresh(a, pair.Refresh)
	}
	w.accessIs(a, pair.Access, nil)
	_, again, err := a.Refresh(context.Background(), pair.Refresh, phone)
	w.must(err)
	if !reflect.DeepEqual(again.Claims["shop"], map[string]any{"tier": "gold"}) || again.Login != "alice" || again.Fingerprint != "fp-alice-1" {
		t.Errorf("a refresh knows %+v", again)
	}
}

func TestExtraClaimsChangeNothingOfTheGateways(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	plain := w.login(a, alice)
	who := alice
	who.Claims = map[string]any{"id": 1, "ID": 1, "username": "bob", "ip": "192.0.2.66", "device": "x", "pat": "pat_x", "PAT": nil, "data": map[string]any{"user": map[string]any{"id": 1}}, "sub": "1"}
	pair := w.login(a, who)
	w.accessIs(a, pair.Access, nil)
	var said, usual struct {
		Subject string `json:"sub"`
		Data    struct{ User map[string]any }
	}
	w.must(json.Unmarshal([]byte(segment(t, pair.Access, 1)), &said))
	w.must(json.Unmarshal([]byte(segment(t, plain.Access, 1)), &usual))
	want := usual.Data.User
	want["pat"], want["data"], want["sub"] = said.Data.User["pat"], map[string]any{"user": map[string]any{"id": 1.0}}, "1"
	if said.Subject != usual.Subject || !reflect.DeepEqual(said.Data.User, want) || want["pat"] == "pat_x" {
		t.Errorf("data.user is %v, want %v", said.Data.User, want)
	}
}

func TestClaimsThatMakeATokenTooLongAreRefusedAtLogin(t *testing.T) {
	w := embedded(t)
	who := alice
	who.Claims = map[string]any{"long": strings.Repeat("x", 8<<10)}
	if pair, err := w.authority().Issue(context.Background(), who, phone); err == nil {
		t.Errorf("issued a token of %d bytes", len(pair.Access))
	}
}

func TestDeviceIsKeptShortAndPrintable(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair, err := a.Issue(context.Background(), alice, tokens.Client{Address: "192.0.2.7", Device: "\x1b[31m\xff" + strings.Repeat("é", 200)})
	w.must(err)
	s, err := a.Session(context.Background(), pair.Session)
	w.must(err)
	if len(s.Device) > 255 || !utf8.ValidString(s.Device) || strings.ContainsRune(s.Device, 0x1b) || !strings.HasPrefix(s.Device, "[31mé") {
		t.Errorf("kept %q (%d bytes)", s.Device, len(s.Device))
	}
	w.accessIs(a, pair.Access, nil)
}

func TestNobodyWithoutAUserIDGetsASession(t *testing.T) {
	w := embedded(t)
	for _, id := range []int64{0, -1, 1 << 53} {
		if _, err := w.authority().Issue(context.Background(), tokens.Identity{UserID: id}, phone); err == nil {
			t.Errorf("user id %d got a session", id)
		}
	}
}

func TestTheOldestSessionIsReallyEndedBeyondTheLimit(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, other := w.authority(limit(2)), w.authority(limit(2))
		first := w.login(a, alice)
		w.clock.Advance(time.Second)
		second := w.login(a, alice)
		w.clock.Advance(time.Second)
		third := w.login(a, alice)

		w.accessIs(a, first.Access, tokens.Revoked)
		w.catchUp(other)
		w.accessIs(other, first.Access, tokens.Revoked)
		w.refreshIs(other, first.Refresh, tokens.Ended)
		for _, alive := range []tokens.Pair{second, third} {
			w.accessIs(other, alive.Access, nil)
			w.refresh(other, alive.Refresh)
		}
		if s, err := a.Session(context.Background(), first.Session); err != nil || s.Cause != tokens.CauseLimit {
			t.Errorf("the first session says %+v, %v", s, err)
		}
	})
}

func TestUnlimitedSessionsAreAllKept(t *testing.T) {
	w := embedded(t)
	a := w.authority(limit(-1))
	first := w.login(a, alice)
	for range 20 {
		w.login(a, alice)
	}
	w.accessIs(a, first.Access, nil)
}

func TestSessionsThatEndedDoNotCountForTheLimit(t *testing.T) {
	w := embedded(t)
	a := w.authority(limit(2))
	first, second := w.login(a, alice), w.login(a, alice)
	w.must(a.EndSession(context.Background(), second.Session, tokens.CauseLogout))
	w.login(a, alice)
	w.accessIs(a, first.Access, nil)
}

func limit(n int) func(*tokens.Config) { return func(c *tokens.Config) { c.MaxSessions = n } }

func TestPairsDoNotPrintTheirTokens(t *testing.T) {
	w := embedded(t)
	pair := w.login(w.authority(), alice)
	for _, text := range []string{fmt.Sprint(pair), fmt.Sprintf("%+v %#v %s", pair, pair, pair), pair.LogValue().String()} {
		if strings.Contains(text, pair.Access) || strings.Contains(text, pair.Refresh) {
			t.Errorf("a pair prints its tokens: %s", text)
		}
	}
	if text := fmt.Sprintf("%v %#v %s", tokenstest.Key(t, "k1"), tokenstest.Key(t, "k1"), tokenstest.Key(t, "k1").LogValue()); strings.Contains(text, "secret") {
		t.Errorf("a key prints its secret: %s", text)
	}
}

// Clients decode the payload by hand, some with the alphabet of base64 and as ASCII.
func TestThePayloadIsPlainASCII(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	who := alice
	who.Login = "jürgen😀 >?~>>??~~"
	who.Claims = map[string]any{"name": "Zoë 李雷 >>>???~~~ \x7f\x7f\x7f", "n": 1}
	for i := range 6 { // at each place of a group of three bytes
		who.Login += "?"
		pair, err := a.Issue(context.Background(), who, tokens.Client{Address: "192.0.2.7", Device: "Bröwser" + strings.Repeat("?", i)})
		w.must(err)
		payload := strings.Split(pair.Access, ".")[1]
		if strings.ContainsAny(payload, "-_") {
			t.Errorf("%s is not plain base64", payload)
		}
		text, err := base64.RawStdEncoding.DecodeString(payload)
		w.must(err)
		if bytes.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("%s is not ASCII", text)
		}
		access, err := a.Verify(pair.Access)
		if err != nil || access.Login != who.Login {
			t.Errorf("%v: %q, want %q", err, access.Login, who.Login)
		}
	}
}

// Sessions come to an end by themselves for years, and no one lists them.
func TestWithoutALimitTheIndexOfAUserDoesNotGrow(t *testing.T) {
	for _, apart := range []bool{false, true} {
		t.Run(fmt.Sprintf("keys apart %v", apart), func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				a, ctx := w.authority(limit(-1)), context.Background()
				if apart {
					tokens.KeysApart(a)
				}
				alive := map[string]bool{}
				for i := range 400 {
					w.clock.Advance(time.Duration(7919*i) * time.Millisecond)
					session := w.login(a, alice).Session
					if i%40 == 0 {
						alive[session] = true
					} else {
						w.must(w.rdb.Del(ctx, "cocart:s:"+session).Err())
					}
				}
				indexed, err := w.rdb.ZRange(ctx, "cocart:u:2", 0, -1).Result()
				w.must(err)
				if len(indexed) > 60 {
					t.Errorf("%d sessions are in the index, %d are alive", len(indexed), len(alive))
				}
				for _, session := range indexed {
					delete(alive, session)
				}
				if len(alive) > 0 {
					t.Errorf("live sessions are missing in the index: %v", alive)
				}
			})
		})
	}
}
