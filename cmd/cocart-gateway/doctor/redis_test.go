package doctor

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/checkup"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// A real Redis cannot be made to report each of these.
func TestEachStateOfARedisServerHasItsReport(t *testing.T) {
	good := checkup.Server{Version: "7.0.15", Role: "master", Policy: "noeviction", AOF: true, Latency: time.Millisecond}
	states := map[string]func(*checkup.Server){
		"all is well":      func(*checkup.Server) {},
		"too old":          func(s *checkup.Server) { s.Version = "6.0.16" },
		"ten is newer":     func(s *checkup.Server) { s.Version = "10.0.0" },
		"no version":       func(s *checkup.Server) { s.Version = "" },
		"a replica":        func(s *checkup.Server) { s.Role = "slave" },
		"no policy":        func(s *checkup.Server) { s.Policy = "" },
		"a full disk":      func(s *checkup.Server) { s.SaveFailed = true },
		"snapshots only":   func(s *checkup.Server) { s.AOF, s.Snapshots, s.SnapshotsKnown = false, true, true },
		"who knows":        func(s *checkup.Server) { s.AOF = false },
		"evicting":         func(s *checkup.Server) { s.Evicted = 12 },
		"full":             func(s *checkup.Server) { s.Used, s.Limit = 101<<20, 100<<20 },
		"full, of a cache": func(s *checkup.Server) { s.Used, s.Limit, s.Policy = 101<<20, 100<<20, "allkeys-lru" },
		"nearly full":      func(s *checkup.Server) { s.Used, s.Limit = 95<<20, 100<<20 },
		"far away":         func(s *checkup.Server) { s.Latency = 80 * time.Millisecond },
		"a clock ahead":    func(s *checkup.Server) { s.Clock = 4 * time.Second },
		"a clock behind":   func(s *checkup.Server) { s.Clock = -time.Hour },
	}
	var got strings.Builder
	for _, name := range slices.Sorted(maps.Keys(states)) {
		r, s := &Report{OK: true, group: "redis"}, good
		states[name](&s)
		r.server(s, false)
		fmt.Fprintf(&got, "== %s\n", name)
		for _, c := range r.Checks {
			if c.Status != OK {
				fmt.Fprintf(&got, "%s %s: %s → %s\n", c.Status, c.ID, c.Found, c.Advice)
			}
		}
	}
	const file = "testdata/redis.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || got.String() != string(want) {
		t.Errorf("%v; -update accepts what was found:\n%s", err, &got)
	}
}

// Each master of a cluster has checks of its own.
func TestChecksOfAClusterNameTheServer(t *testing.T) {
	r := &Report{group: "redis"}
	r.server(checkup.Server{Addr: "10.0.0.7:6379", Version: "7.0.15", Policy: "volatile-lru"}, true)
	got := r.Checks[2]
	if got.ID != "redis.eviction-10.0.0.7:6379" || got.Status != Problem || !strings.HasPrefix(got.Found, "10.0.0.7:6379: When its memory is full") {
		t.Errorf("got %+v", got)
	}
}
