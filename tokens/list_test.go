package tokens_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

func (w *world) list(a *tokens.Authority, userID int64) (all []tokens.Session) {
	w.Helper()
	for s, err := range a.Sessions(context.Background(), userID) {
		w.must(err)
		all = append(all, s)
	}
	return all
}

func TestListingSessions(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, ctx := w.authority(func(c *tokens.Config) { c.KeyPrefix = "shop[1]*:" }), context.Background()
		began := w.clock.Now()
		first := w.login(a, alice)
		w.clock.Advance(time.Hour)
		second, _, err := a.Refresh(ctx, first.Refresh, tokens.Client{Address: "2001:db8::1", Device: "Tablet"})
		w.must(err)
		ended := w.login(a, alice)
		bob := w.login(a, tokens.Identity{UserID: 3, Login: "bob"})
		w.must(a.EndSession(ctx, ended.Session, tokens.CauseLogout))
		w.clock.Advance(10 * time.Minute)
		w.use(a, second.Access)

		want := tokens.Session{ID: first.Session, UserID: 2, Login: "alice", Device: "Tablet", Address: "2001:db8::1",
			Created: began, LastUsed: w.clock.Now(), Generation: 2, Expires: began.Add(721 * time.Hour), Fingerprint: "fp-alice-1"}
		if got := w.list(a, 2); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("alice has %+v, want %+v", got, want)
		}
		if got, err := a.Session(ctx, first.Session); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("shown %+v, %v", got, err)
		}
		found := map[string]bool{}
		for _, s := range w.list(a, 0) {
			found[s.ID] = true
		}
		if !reflect.DeepEqual(found, map[string]bool{first.Session: true, bob.Session: true}) {
			t.Errorf("all sessions are %v", found)
		}
		tomb, err := a.Session(ctx, ended.Session)
		w.must(err)
		if tomb.Cause != tokens.CauseLogout || tomb.Ended.IsZero() || tomb.Login != "" || tomb.Address != "" || tomb.Fingerprint != "" {
			t.Errorf("the tombstone says %+v", tomb)
		}
		for id, want := range map[string]error{"x": tokens.Malformed, "AAAAAAAAAAAAAAAAAAAAAA": tokens.Unknown} {
			if _, err := a.Session(ctx, id); err != want {
				t.Errorf("session %q: %v, want %v", id, err, want)
			}
		}
	})
}

func TestTheIndexOfAUserIsRepairedWhenRead(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, ctx := w.authority(), context.Background()
		gone, lost := w.login(a, alice), w.login(a, alice)
		w.must(w.rdb.Del(ctx, "cocart:s:"+gone.Session).Err())
		w.must(w.rdb.ZRem(ctx, "cocart:u:2", lost.Session).Err())
		w.refresh(a, lost.Refresh) // puts itself back
		if got := w.list(a, 2); len(got) != 1 || got[0].ID != lost.Session {
			t.Errorf("listed %+v", got)
		}
		if members := w.rdb.ZRange(ctx, "cocart:u:2", 0, -1).Val(); !reflect.DeepEqual(members, []string{lost.Session}) {
			t.Errorf("the index holds %v", members)
		}
	})
}

func TestEveryKeyOfASessionExpires(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a, ctx := w.authority(), context.Background()
		pair := w.refresh(a, w.login(a, alice).Refresh)
		_, err := a.EndUser(ctx, 3, "", tokens.CauseAdmin)
		w.must(err)
		w.must(a.EndAll(ctx, tokens.CauseAdmin))
		life := 721 * time.Hour
		for _, key := range []string{"cocart:s:" + pair.Session, "cocart:u:2", "cocart:c:3", "cocart:cutoff", "cocart:newest"} {
			if left := w.rdb.PTTL(ctx, key).Val(); left < life || left > 744*time.Hour {
				t.Errorf("%s expires in %v", key, left)
			}
		}
		w.must(a.EndSession(ctx, pair.Session, tokens.CauseLogout))
		if left := w.rdb.PTTL(ctx, "cocart:s:"+pair.Session).Val(); left <= 167*time.Hour || left > 168*time.Hour {
			t.Errorf("the tombstone expires in %v", left)
		}
	})
}

func TestNothingIsCreatedForASessionThatIsGone(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		pair := w.login(a, alice)
		w.must(w.rdb.FlushAll(context.Background()).Err())
		w.use(a, pair.Access)
		w.refreshIs(a, pair.Refresh, tokens.Unknown)
		keys := w.rdb.Keys(context.Background(), "*").Val()
		keys = slices.DeleteFunc(keys, func(key string) bool { return key == "cocart:epoch" }) // says that the store lost its data
		if len(keys) != 0 {
			t.Errorf("keys came back: %v", keys)
		}
	})
}
