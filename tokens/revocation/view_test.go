package revocation

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

func TestSessionIDsCarryTheirTime(t *testing.T) {
	for _, created := range []int64{0, 1, 1_800_000_000_123, 1<<48 - 1} {
		id := NewSessionID(created)
		back, ok := ParseSessionID(id.String())
		if id.Created() != created || !ok || back != id || len(id.String()) != sessionIDText {
			t.Errorf("%d became %s and %d", created, id, id.Created())
		}
	}
	if one, another := NewSessionID(1), NewSessionID(1); one == another {
		t.Error("two sessions got one id")
	}
}

// The documentation promises a figure per million revocations; memory that was freed is given back.
func TestMemoryOfAMillionRevocations(t *testing.T) {
	const million = 1_000_000
	before := heapBytes()
	var table sessionTable
	for i := range million {
		table.revoke(NewSessionID(int64(i)), endedGeneration, 1000)
	}
	bytes := int64(heapBytes()-before) / million
	t.Logf("%d bytes per ended session", bytes)
	if bytes > 32 {
		t.Errorf("a revocation takes %d bytes, want at most 32", bytes)
	}
	table.forget(2)
	if after := int64(heapBytes() - before); after > million {
		t.Errorf("%d bytes stay behind after all was forgotten", after)
	}
	runtime.KeepAlive(&table)
}

func TestTheTableKeepsSessionsInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	var table sessionTable
	want := map[SessionID]revokedSession{}
	for range 20_000 {
		id := SessionID{5: byte(random.IntN(8)), 14: byte(random.IntN(2)), 10: byte(random.IntN(256)), 15: byte(random.IntN(4))}
		below, at := uint32(random.IntN(100)), random.IntN(1000)
		table.revoke(id, below, int64(at)*1000)
		old := want[id]
		want[id] = revokedSession{id, max(old.below, below), max(old.at, uint32(at))} //nolint:gosec // below 1000
	}
	check := func() {
		t.Helper()
		for id, w := range want {
			if got := table.revokedBelow(id); got != uint64(w.below) {
				t.Fatalf("session %v is revoked below %d, want %d", id, got, w.below)
			}
		}
		if table.size() != len(want) {
			t.Fatalf("%d sessions, want %d", table.size(), len(want))
		}
	}
	check()
	table.forget(990)
	maps.DeleteFunc(want, func(_ SessionID, w revokedSession) bool { return w.at < 990 })
	check()
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestGenerationsAreRevokedInTimeInAnyOrder(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	id := NewSessionID(1)
	var view View
	view.Apply(GenerationsEnded(id, 3, 1_000_020), now)
	view.Apply(GenerationsEnded(id, 2, 1_000_010), now)
	view.Apply(GenerationsEnded(id, 2, 1_000_010), now)
	dead := func(at int64, generation uint64) bool {
		return view.Covers(Token{Session: id, Created: 1, Generation: generation}, time.UnixMilli(at))
	}
	for _, row := range []struct {
		at         int64
		generation uint64
		dead       bool
	}{{1_000_009, 1, false}, {1_000_010, 1, true}, {1_000_010, 2, false}, {1_000_019, 2, false}, {1_000_020, 2, true}, {1_000_020, 3, false}} {
		if got := dead(row.at, row.generation); got != row.dead {
			t.Errorf("at %d generation %d dead: %v", row.at, row.generation, got)
		}
	}
	view.Apply(SessionEnded(id, 1_000_020), now)
	if !dead(1_000_020, 1<<40) {
		t.Error("a generation outlives its session")
	}
}

func TestCutoffsCoverWhatWasCreatedBefore(t *testing.T) {
	now := time.UnixMilli(2_000)
	for name, row := range map[string]struct {
		entry   Entry
		token   Token
		covered bool
	}{
		"all, created then":             {AllCutoff(1_000), Token{User: 1, Created: 1_000}, true},
		"all, created later":            {AllCutoff(1_000), Token{User: 1, Created: 1_001}, false},
		"the user":                      {UserCutoff(1, "", 1_000), Token{User: 1, Created: 1_000, Fingerprint: "f"}, true},
		"another user":                  {UserCutoff(2, "", 1_000), Token{User: 1, Created: 1_000}, false},
		"the fingerprint":               {UserCutoff(1, "f", 1_000), Token{User: 1, Created: 1_000, Fingerprint: "f"}, true},
		"another fingerprint":           {UserCutoff(1, "g", 1_000), Token{User: 1, Created: 1_000, Fingerprint: "f"}, false},
		"any fingerprint, plugin token": {UserCutoff(1, "g", 1_000), Token{User: 1, Created: 1_000, Plugin: true}, true},
		"plugin token issued later":     {UserCutoff(1, "g", 1_000), Token{User: 1, Created: 1_001, Plugin: true}, false},
	} {
		var view View
		view.Apply(row.entry, now)
		if got := view.Covers(row.token, now); got != row.covered {
			t.Errorf("%s: covered %v, want %v", name, got, row.covered)
		}
	}
}

func TestEntriesAreReadAsTheyWereWritten(t *testing.T) {
	id := NewSessionID(1)
	for _, e := range []Entry{SessionEnded(id, 5), GenerationsEnded(id, 7, 5), UserCutoff(3, "f", 5), AllCutoff(5)} {
		values, fields := e.Values(), map[string]any{}
		for i := 0; i < len(values); i += 2 {
			fields[values[i].(string)] = fmt.Sprint(values[i+1]) // as Redis returns them
		}
		if got, ok := ParseEntry(fields); !ok || got != e {
			t.Errorf("%v was read as %v (%v)", e, got, ok)
		}
		delete(fields, "at")
		if _, ok := ParseEntry(fields); ok {
			t.Errorf("%v was read without its time", e)
		}
	}
	if _, ok := ParseEntry(map[string]any{"kind": "unknown", "at": "5"}); ok {
		t.Error("an entry of an unknown kind was read")
	}
}
