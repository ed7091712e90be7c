package tokens_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/tokenstest"
)

func (w *world) inspect(a *tokens.Authority, token string) tokens.Inspection {
	w.Helper()
	i, err := a.Inspect(context.Background(), token)
	w.must(err)
	return i
}

func TestInspectionOfAGoodAccessTokenSaysAllOfIt(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.refresh(a, w.login(a, alice).Refresh)
		got := w.inspect(a, pair.Access)
		session, err := a.Session(context.Background(), pair.Session)
		w.must(err)
		want := tokens.Inspection{Kind: tokens.KindAccess, Header: json.RawMessage(segment(t, pair.Access, 0)), Claims: json.RawMessage(segment(t, pair.Access, 1)),
			SessionID: pair.Session, Generation: 2, State: tokens.StateLive, Session: &session}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestInspectionSaysWhyATokenIsRefused(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	stranger := w.authority(func(c *tokens.Config) { c.Keys = []keys.Key{tokenstest.Key(t, "k2")} })
	namesake := w.authority(func(c *tokens.Config) { c.Issuer = "https://other.example" })
	pair, ended, cut := w.login(a, alice), w.login(a, alice), w.login(a, tokens.Identity{UserID: 3, Login: "bob"})
	w.must(a.EndSession(context.Background(), ended.Session, tokens.CauseLogout))
	other := w.authority()
	_, err := other.EndUser(context.Background(), 3, "", tokens.CauseAdmin) // a has not heard of it yet
	w.must(err)
	for name, row := range map[string]struct {
		token string
		want  tokens.Rejection
		state tokens.State
	}{
		"garbage":                             {"x", tokens.Malformed, ""},
		"three parts that are no JSON":        {"a.b.c", tokens.Malformed, ""},
		"another signature":                   {pair.Access[:len(pair.Access)-4] + "AAAA", tokens.BadSignature, tokens.StateLive},
		"a key we do not have":                {w.login(stranger, alice).Access, tokens.UnknownKey, tokens.StateLive},
		"a refresh token of a stranger":       {w.login(stranger, alice).Refresh, tokens.UnknownKey, tokens.StateLive},
		"another issuer":                      {w.login(namesake, alice).Access, tokens.WrongIssuer, tokens.StateLive},
		"the session was ended":               {ended.Access, tokens.Revoked, tokens.StateEnded},
		"the user was cut off elsewhere":      {cut.Access, tokens.Revoked, tokens.StateEnded},
		"a refresh token of an ended session": {ended.Refresh, tokens.Ended, tokens.StateEnded},
		"a refresh token of no session":       {strings.Repeat("0", 128), tokens.UnknownKey, tokens.StateUnknown},
	} {
		if got := w.inspect(a, row.token); got.Rejection != row.want || got.State != row.state {
			t.Errorf("%s: %q, session %q, want %q, session %q", name, got.Rejection, got.State, row.want, row.state)
		}
	}
	w.clock.Advance(30 * 24 * time.Hour)
	for name, token := range map[string]string{"access": pair.Access, "refresh": pair.Refresh} {
		if got := w.inspect(a, token); got.Rejection != tokens.Expired || got.State != tokens.StateExpired {
			t.Errorf("an old %s token: %q, session %q", name, got.Rejection, got.State)
		}
	}
}

func TestInspectionUsesNothingUp(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.login(a, alice)
	before := w.list(a, 2)
	for range 3 {
		if got := w.inspect(a, pair.Refresh); got.Outcome != tokens.OutcomeRotated || got.Rejection != "" {
			t.Errorf("%+v", got)
		}
		w.inspect(a, pair.Access)
	}
	if after := w.list(a, 2); !reflect.DeepEqual(after, before) {
		t.Errorf("got %+v, want %+v", after, before)
	}
	w.refresh(a, pair.Refresh)
}

func TestInspectionShowsNothingThatCouldBeSpent(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	pair := w.login(a, alice)
	for _, row := range []struct{ token, secret string }{
		{pair.Access, pair.Access[strings.LastIndexByte(pair.Access, '.')+1:]},
		{pair.Refresh, pair.Refresh[64:96]},
		{pair.Refresh, pair.Refresh[96:]},
	} {
		text, err := json.Marshal(w.inspect(a, row.token))
		w.must(err)
		if strings.Contains(string(text), row.secret) {
			t.Errorf("%s", text)
		}
	}
}

func TestInspectionTellsWhichSecretMadeARefreshToken(t *testing.T) {
	w := embedded(t)
	secrets := func(names ...string) func(*tokens.Config) {
		return func(c *tokens.Config) {
			for _, name := range names {
				c.RefreshSecrets = append(c.RefreshSecrets, []byte(tokenstest.Secret+name))
			}
		}
	}
	old := w.login(w.authority(secrets("old")), alice)
	rotating := w.authority(secrets("new", "old"))
	fresh := w.login(rotating, alice)
	for _, row := range []struct {
		token string
		want  int
	}{{fresh.Refresh, 1}, {old.Refresh, 2}, {strings.Repeat("0", 128), 0}} {
		if got := w.inspect(rotating, row.token).Secret; got != row.want {
			t.Errorf("secret %d, want %d", got, row.want)
		}
	}
}

func TestInspectionWithoutRedisSaysWhatItCan(t *testing.T) {
	server := tokenstest.Redis(t)
	w := &world{t, server.Client(), tokenstest.NewClock()}
	a := w.authority(func(c *tokens.Config) { c.MaxStaleness, c.OnStale = time.Minute, tokens.Deny })
	pair := w.login(a, alice)
	server.Stop()
	for _, row := range []struct {
		token string
		want  tokens.Inspection
	}{
		{pair.Access, tokens.Inspection{Kind: tokens.KindAccess, Header: json.RawMessage(segment(t, pair.Access, 0)), Claims: json.RawMessage(segment(t, pair.Access, 1)), SessionID: pair.Session, Generation: 1}},
		{pair.Refresh, tokens.Inspection{Kind: tokens.KindRefresh, SessionID: pair.Session, Generation: 1, Secret: 1}},
		{"x", tokens.Inspection{Rejection: tokens.Malformed}},
	} {
		got, err := a.Inspect(context.Background(), row.token)
		if !errors.Is(err, tokens.ErrUnavailable) || !reflect.DeepEqual(got, row.want) {
			t.Errorf("got %+v, %v, want %+v", got, err, row.want)
		}
	}
}

func TestSessionStateKnowsWhatNobodyHasLookedAtSince(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		cut := w.login(a, alice)
		w.must(w.authority().EndAll(context.Background(), tokens.CauseAdmin))
		w.clock.Advance(time.Second)
		live, ended := w.login(a, alice), w.login(a, alice)
		w.must(a.EndSession(context.Background(), ended.Session, tokens.CauseLogout))
		for _, row := range []struct {
			session string
			want    tokens.State
		}{
			{cut.Session, tokens.StateEnded}, {ended.Session, tokens.StateEnded}, {live.Session, tokens.StateLive},
			{strings.Repeat("A", 22), tokens.StateUnknown},
		} {
			s, state, err := a.SessionState(context.Background(), row.session)
			if known := s.ID == row.session; err != nil || state != row.want || known != (row.want != tokens.StateUnknown) {
				t.Errorf("%+v is %q, %v, want %q", s, state, err, row.want)
			}
		}
		if _, _, err := a.SessionState(context.Background(), "x"); !errors.Is(err, tokens.Malformed) {
			t.Errorf("x: %v", err)
		}
	})
}
