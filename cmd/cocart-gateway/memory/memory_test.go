package memory

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"cocart-gateway/tokens/tokenstest"
)

func TestASmallHeapGrowsToTheFloorAndALargeOneByHalf(t *testing.T) {
	for _, row := range []struct {
		live uint64
		want int
	}{
		{0, usual}, {1 << 20, most}, {6 << 20, 300}, {8 << 20, 200}, {12 << 20, usual}, {floor, usual}, {1 << 30, usual},
	} {
		if got := percentFor(row.live); got != row.want {
			t.Errorf("%d bytes alive: GOGC %d, want %d", row.live, got, row.want)
		}
	}
}

// kept starts Keep with a clock of the test. tick waits until a tick has been dealt with.
func kept(t *testing.T, environment map[string]string) (tick func()) {
	t.Helper()
	clock := make(chan time.Time)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		Keep(ctx, func(name string) (string, bool) { text, ok := environment[name]; return text, ok }, slog.New(slog.DiscardHandler), clock)
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return func() { clock <- time.Time{}; clock <- time.Time{} }
}

// gogc is the value in force.
func gogc() int {
	percent := debug.SetGCPercent(usual)
	debug.SetGCPercent(percent)
	return percent
}

func TestGOGCOfTheOperatorStaysInForce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	tick := kept(t, map[string]string{"GOGC": "70"})
	runtime.GC()
	tick()
	if got := gogc(); got != 70 {
		t.Errorf("GOGC %d", got)
	}
}

func TestASmallHeapIsCollectedLessOften(t *testing.T) {
	kept(t, nil)
	tokenstest.Eventually(t, "GOGC is raised", func() bool {
		runtime.GC()
		return gogc() > usual
	})
}

func TestMemoryIsReturnedAfterTheStart(t *testing.T) {
	samples := newSamples()
	giveBack()
	before := read(samples).held
	start := make([][]byte, 100)
	for i := range start {
		start[i] = make([]byte, 1<<20)
	}
	clear(start)
	kept(t, nil)
	tokenstest.Eventually(t, "what the start used is returned", func() bool { return read(samples).held < before+50<<20 })
}

func TestMemoryIsReturnedAfterLoad(t *testing.T) {
	samples := newSamples()
	tick := kept(t, nil)
	tick()
	before := read(samples).held
	load := make([][]byte, 100)
	for i := range load {
		load[i] = make([]byte, 1<<20)
	}
	tick() // not idle: all of this was just allocated
	if held := read(samples).held; held < before+90<<20 {
		t.Errorf("%d MB are held, %d before", held>>20, before>>20)
	}
	clear(load)
	runtime.KeepAlive(load)
	tick()
	if held := read(samples).held; held > before+10<<20 {
		t.Errorf("%d MB are held, %d before", held>>20, before>>20)
	}
}

func TestTheLimitOfTheOperatorStaysInForce(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "1TiB")
	kept(t, nil)()
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("limit %d", got)
	}
}
