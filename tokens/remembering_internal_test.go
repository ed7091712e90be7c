package tokens

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// memoryShop is an authority on an embedded store of its own, or on the one given.
func memoryShop(t testing.TB, m *miniredis.Miniredis, now *time.Time, accessTTL time.Duration) *Authority {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr()})
	t.Cleanup(func() { rdb.Close() })
	key, err := keys.NewHMAC("k1", "HS256", []byte("a-secret-for-tests-only-0123456789"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Issuer: "i", Keys: []keys.Key{key}, AccessTTL: accessTTL, Now: func() time.Time { return *now }}, rdb, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	a.redisTime = func(context.Context) (time.Time, error) { return *now, nil }
	return a
}

func TestNothingIsForgottenWhileATokenItConcernsCanLive(t *testing.T) {
	now, ctx := time.Unix(1_800_000_000, 0), context.Background()
	a := memoryShop(t, miniredis.RunT(t), &now, time.Hour)
	ended, cut := issued(t, a, 2), issued(t, a, 3)
	rotated := issued(t, a, 4)
	if _, _, err := a.Refresh(ctx, rotated.Refresh, Client{}); err != nil {
		t.Fatal(err)
	}
	if err := a.EndSession(ctx, ended.Session, CauseLogout); err != nil {
		t.Fatal(err)
	}
	if _, err := a.EndUser(ctx, 3, "", CauseAdmin); err != nil {
		t.Fatal(err)
	}
	last := now.Add(time.Hour + a.cfg.Leeway - time.Second) // the last second of all three tokens
	now = last
	tended(t, a)
	for _, dead := range []Pair{ended, cut, rotated} {
		refuse(t, a, dead.Access, Revoked)
	}
	now = last.Add(lifetimeSlack + a.cfg.RefreshGrace + time.Minute)
	tended(t, a)
	if sessions, users, pending := a.revoked.Size(); sessions+users+pending != 0 {
		t.Errorf("still remembered: %d sessions, %d users, %d pending", sessions, users, pending)
	}
	refuse(t, a, ended.Access, Expired)
}

func issued(t *testing.T, a *Authority, userID int64) Pair {
	t.Helper()
	pair, err := a.Issue(context.Background(), Identity{UserID: userID}, Client{})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func tended(t *testing.T, a *Authority) {
	t.Helper()
	if err := a.tend(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// An operator shortens the lifetime: tokens of the old one live on, and so must what revoked them.
func TestAShorterLifetimeForgetsNothingEarly(t *testing.T) {
	now, m := time.Unix(1_800_000_000, 0), miniredis.RunT(t)
	before := memoryShop(t, m, &now, 100*time.Hour)
	pair := issued(t, before, 2)
	if err := before.EndSession(context.Background(), pair.Session, CauseLogout); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	after := memoryShop(t, m, &now, 15*time.Minute)
	for range 99 {
		if err := after.CatchUp(context.Background()); err != nil {
			t.Fatal(err)
		}
		tended(t, after)
		refuse(t, after, pair.Access, Revoked)
		now = now.Add(time.Hour)
	}
	now = now.Add(time.Hour)
	tended(t, after)
	if sessions, _, _ := after.revoked.Size(); sessions != 0 {
		t.Error("it is remembered for ever")
	}
	if n := after.store.ZCard(context.Background(), after.store.lifetimes()).Val(); n != 0 {
		t.Errorf("%d old lifetimes are remembered for ever", n)
	}
}

func TestTheLogIsTrimmedByAge(t *testing.T) {
	now, ctx := time.Now(), context.Background()
	a := memoryShop(t, miniredis.RunT(t), &now, time.Hour)
	old := decimal(now.Add(-2*time.Hour).UnixMilli()) + "-1"
	young := decimal(now.Add(-30*time.Minute).UnixMilli()) + "-1"
	for _, id := range []string{old, young} {
		e := revocation.SessionEnded(revocation.NewSessionID(1), now.UnixMilli())
		if err := a.store.XAdd(ctx, &redis.XAddArgs{Stream: a.store.revocations(), ID: id, Values: e.Values()}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	tended(t, a)
	left := a.store.XRange(ctx, a.store.revocations(), "-", "+").Val()
	if len(left) != 1 || left[0].ID != young {
		t.Errorf("the log holds %v, want only %s", left, young)
	}
}

func TestNotesAreBoundedAndMerged(t *testing.T) {
	var n useNotes
	first := revocation.NewSessionID(1)
	n.add(first, note{generation: 2, seen: 20})
	n.add(first, note{generation: 1, seen: 30})
	for range mostNotes {
		n.add(revocation.NewSessionID(2), note{generation: 1, seen: 1})
	}
	if len(n.notes) != mostNotes {
		t.Errorf("%d notes are kept, want %d", len(n.notes), mostNotes)
	}
	if got := n.notes[first]; got != (note{generation: 2, seen: 30}) {
		t.Errorf("merged to %+v", got)
	}
	total := 0
	for batch := n.take(); len(batch) > 0; batch = n.take() {
		if len(batch) > noteBatch {
			t.Fatalf("a batch of %d", len(batch))
		}
		total += len(batch)
	}
	if total != mostNotes {
		t.Errorf("took %d notes of %d", total, mostNotes)
	}
}

func refuse(t *testing.T, a *Authority, token string, want Rejection) {
	t.Helper()
	if _, err := a.Verify(token); !errors.Is(err, want) {
		t.Errorf("verify: %v, want %v", err, want)
	}
}

func TestAnOutageIsReportedAtGrowingIntervals(t *testing.T) {
	var r outageReports
	start, lines := time.Now(), 0
	for at := time.Duration(0); at < 10*time.Minute; at += tryEvery {
		if _, due := r.due(start.Add(at)); due {
			lines++
		}
	}
	if lines < 10 || lines > 20 {
		t.Errorf("%d lines in ten minutes", lines)
	}
}
