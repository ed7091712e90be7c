package memory

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// floor is the size in bytes at which a small heap is collected. With GOGC alone it is twice what is alive, which is 10 MB
// in a gateway with few clients: it would collect 40 times a second under load, and spend a tenth of its time on that.
const floor = 24 << 20

// The range of GOGC. The upper bound keeps a heap that grows quickly from growing to a multiple between two collections.
const (
	usual = 100 // of the Go runtime
	most  = 400
)

// percentFor returns GOGC for a number of bytes that are alive.
func percentFor(live uint64) int {
	if live == 0 {
		return usual
	}
	return int(min(max((floor-min(live, floor))*100/live, usual), most))
}

// keepFloor sets GOGC after each collection until stop is called.
func keepFloor() (stop func()) {
	var stopped atomic.Bool
	current := usual
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var collected func(int)
	collected = func(int) {
		if stopped.Load() {
			return
		}
		metrics.Read(sample)
		if percent := percentFor(sample[0].Value.Uint64()); percent > current+current/10 || percent < current-current/10 {
			debug.SetGCPercent(percent)
			current = percent
		}
		afterCollection(collected)
	}
	afterCollection(collected)
	return func() {
		stopped.Store(true)
		debug.SetGCPercent(usual)
	}
}

// afterCollection calls f once, on another goroutine, after the next collection.
func afterCollection(f func(int)) {
	runtime.AddCleanup(&struct{ _ [16]byte }{}, f, 0)
}
