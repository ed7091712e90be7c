package revocation

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
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
	const at = 1_800_000_000_123
	for _, e := range []Entry{SessionEnded(id, at), GenerationsEnded(id, math.MaxUint64, at), GenerationsEnded(id, 1<<40+7, at), UserCutoff(1, "f", at), UserCutoff(1<<53-1, "", at), AllCutoff(at), AllCutoff(1)} {
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
	for _, fields := range []map[string]any{
		{"kind": "unknown", "at": "5"}, {"kind": "all", "at": "0"}, {"kind": "all", "at": "-5"}, {"kind": "user", "uid": "0", "at": "5"},
		{"kind": "user", "uid": "-1", "at": "5"}, {"kind": "session", "sid": "AAAA", "at": "5"},
	} {
		if e, ok := ParseEntry(fields); ok {
			t.Errorf("%v was read as %v", fields, e)
		}
	}
}

// Two spellings of an id would be two sessions to a log, and one to Redis.
func TestASessionIDHasOneSpelling(t *testing.T) {
	id := NewSessionID(1_800_000_000_123).String()
	for _, text := range []string{"", id[:21], id + "A", id + "==", "\n\n" + id[:20], id[:21] + "_", id[:21] + "=", "+" + id[1:], strings.Repeat("A", 23)} {
		if _, ok := ParseSessionID(text); ok {
			t.Errorf("%q was read", text)
		}
	}
	var bits SessionID
	for range 100 {
		for i, b := range NewSessionID(0) {
			bits[i] |= b
		}
	}
	if want := (SessionID{6: 255, 7: 255, 8: 255, 9: 255, 10: 255, 11: 255, 12: 255, 13: 255, 14: 255, 15: 255}); bits != want {
		t.Errorf("of 100 ids these bits are set: %x", bits)
	}
}

func TestASessionIsOverByItsEndAndByCutoffs(t *testing.T) {
	now := time.UnixMilli(2_000)
	ended, rotated := NewSessionID(1_500), NewSessionID(1_500)
	var view View
	for _, e := range []Entry{
		SessionEnded(ended, 2_000), GenerationsEnded(rotated, 3, 2_000),
		UserCutoff(1, "f", 1_200), UserCutoff(1, "f", 1_100), UserCutoff(1, "g", 1_300), AllCutoff(1_000), AllCutoff(900),
	} {
		view.Apply(e, now)
	}
	for name, row := range map[string]struct {
		token Token
		over  bool
	}{
		"ended":                  {Token{Session: ended, User: 1, Created: 1_500}, true},
		"rotated":                {Token{Session: rotated, User: 1, Created: 1_500}, false},
		"before the cutoff":      {Token{User: 1, Created: 1_200, Fingerprint: "f"}, true},
		"after the cutoff":       {Token{User: 1, Created: 1_201, Fingerprint: "f"}, false},
		"before that of all":     {Token{User: 2, Created: 1_000}, true},
		"after that of all":      {Token{User: 2, Created: 1_001}, false},
		"of another fingerprint": {Token{User: 1, Created: 1_200, Fingerprint: "h"}, false},
	} {
		if got := view.Ended(row.token); got != row.over {
			t.Errorf("%s: over %v", name, got)
		}
	}
	if f, g, all, plugin := view.LatestCutoff(1, "f"), view.LatestCutoff(1, "g"), view.LatestCutoff(2, ""), view.LatestPluginCutoff(1); f != 1_200 || g != 1_300 || all != 1_000 || plugin != 1_300 {
		t.Errorf("the latest cutoffs are %d, %d, %d and %d", f, g, all, plugin)
	}
}

func TestTheFirstGenerationThatLives(t *testing.T) {
	now := time.UnixMilli(2_000)
	ended, rotated, pending := NewSessionID(1_500), NewSessionID(1_500), NewSessionID(1_500)
	var view View
	for _, e := range []Entry{SessionEnded(ended, 2_000), GenerationsEnded(rotated, 3, 2_000), GenerationsEnded(pending, 5, 3_000)} {
		view.Apply(e, now)
	}
	for id, want := range map[SessionID]uint64{ended: math.MaxUint64, rotated: 3, pending: 0, NewSessionID(1): 0} {
		if got := view.AliveFrom(id, now); got != want {
			t.Errorf("alive from %d, want %d", got, want)
		}
	}
	if got := view.AliveFrom(pending, time.UnixMilli(3_000)); got != 5 {
		t.Errorf("after its grace alive from %d", got)
	}
}

func TestTheEntriesOfAViewSayAllThatItKnows(t *testing.T) {
	now := time.UnixMilli(2_000)
	want := []Entry{AllCutoff(1), UserCutoff(1, "", 2_000), UserCutoff(1, "f", 3_000), SessionEnded(NewSessionID(1), 4_000), GenerationsEnded(NewSessionID(1), 3, 2_000), GenerationsEnded(NewSessionID(1), 3, 9_000)}
	var view View
	for range view.Entries() {
		t.Error("an empty view has an entry")
	}
	for _, e := range want {
		view.Apply(e, now)
	}
	for n := range len(want) + 1 {
		read := 0
		for e := range view.Entries() {
			if read == n {
				break
			}
			read++
			if !slices.Contains(want, e) {
				t.Errorf("%+v was not applied", e)
			}
		}
		if read != n {
			t.Errorf("%d entries, want %d", read, n)
		}
	}
	sessions, cutoffs := 0, []string{}
	for e := range view.Entries() {
		if _, _, ok := e.EndedSession(); ok {
			sessions++
		}
		if user, fingerprint, at, ok := e.Cutoff(); ok {
			cutoffs = append(cutoffs, fmt.Sprintf("%d %s %d", user, fingerprint, at))
		}
	}
	if slices.Sort(cutoffs); sessions != 1 || !slices.Equal(cutoffs, []string{"0  1", "1  2000", "1 f 3000"}) {
		t.Errorf("%d ended sessions and the cutoffs %q", sessions, cutoffs)
	}
}

func TestWhatConcernsNoTokenAnyMoreIsForgotten(t *testing.T) {
	var view View
	for _, e := range []Entry{SessionEnded(NewSessionID(1), 5_000), UserCutoff(1, "f", 5_000), UserCutoff(1, "g", 4_999), UserCutoff(2, "", 4_999)} {
		view.Apply(e, time.UnixMilli(5_000))
	}
	size := func() string { return fmt.Sprint(view.Size()) }
	if got := size(); got != "1 3 0" {
		t.Errorf("it holds %s", got)
	}
	if view.Forget(time.UnixMilli(5_000)); size() != "1 1 0" {
		t.Errorf("it holds %s", size())
	}
	if view.Forget(time.UnixMilli(6_000)); size() != "0 0 0" || len(view.users.cutoffs) != 0 {
		t.Errorf("it holds %s, and %d users", size(), len(view.users.cutoffs))
	}
	view.Apply(GenerationsEnded(NewSessionID(1), 2, 9_000), time.UnixMilli(6_000))
	if got := size(); got != "0 0 1" {
		t.Errorf("it holds %s", got)
	}
}
