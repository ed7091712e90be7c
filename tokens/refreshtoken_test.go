package tokens_test

import (
	"context"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

func TestResumeTellsTheCurrentTokenAgain(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, ctx := w.authority(), context.Background()
		pair := w.refresh(a, w.login(a, alice).Refresh)
		got, err := a.Resume(ctx, pair.Session)
		if err != nil || got != pair.Refresh {
			t.Errorf("resumed %q, %v, want the current token", got, err)
		}
		w.must(a.EndSession(ctx, pair.Session, tokens.CauseLogout))
		if _, err := a.Resume(ctx, pair.Session); err != tokens.Ended {
			t.Errorf("resuming an ended session: %v", err)
		}
		idle := w.login(a, alice)
		w.clock.Advance(720 * time.Hour)
		for session, want := range map[string]error{idle.Session: tokens.Expired, "": tokens.Malformed, "AAAAAAAAAAAAAAAAAAAAAA": tokens.Unknown} {
			if _, err := a.Resume(ctx, session); err != want {
				t.Errorf("resuming %q: %v, want %v", session, err, want)
			}
		}
	})
}

func TestEveryOtherSpellingOfARefreshTokenIsMalformed(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	good := w.login(a, alice).Refresh
	asked := w.countCommands()
	for name, text := range map[string]string{
		"upper case": upper(good), "blank after": good + " ", "blank before": " " + good, "newline": good + "\n", "short": good[:127], "empty": "",
		"long": good + "0", "not hex": "g" + good[1:], "access token": w.login(a, alice).Access,
	} {
		t.Run(name, func(t *testing.T) { (&world{t, w.rdb, w.clock}).refreshIs(a, text, tokens.Malformed) })
	}
	asked.reset()
	for i := range good {
		if i >= 96 {
			break // the inner tag needs the salt, so Redis
		}
		forged := []byte(good)
		forged[i] = "123456789abcdef0"[hexDigit(forged[i])]
		_, _, err := a.Refresh(context.Background(), string(forged), phone)
		if err != tokens.BadSignature && err != tokens.UnknownKey {
			t.Fatalf("digit %d changed: %v", i, err)
		}
	}
	if n := asked.reset(); n != 0 {
		t.Errorf("garbage cost %d Redis commands", n)
	}
	forged := []byte(good)
	forged[127] = "123456789abcdef0"[hexDigit(forged[127])]
	w.refreshIs(a, string(forged), tokens.BadSignature)
	w.refreshIs(a, good, nil)
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'f' {
			b[i] = c - 32
		}
	}
	return string(b)
}

func hexDigit(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}
