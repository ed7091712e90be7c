package memory

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Interval is how often idleness is looked for.
const Interval = 20 * time.Second

// trimWhenIdle returns memory to the operating system at each tick before which the process did little, until ctx ends.
//
// After ten thousand connections have closed, a quarter of a gigabyte of buffers and stacks is free. The runtime frees it
// at the next collections, which without load are two minutes apart, and keeps part of it for ever. Only a collection
// shows what is free; it takes some milliseconds of a process that has nothing else to do. Under load the runtime collects
// often enough by itself, and would have to ask for the memory again.
func trimWhenIdle(ctx context.Context, tick <-chan time.Time) {
	samples := newSamples()
	for last := read(samples); ; last = read(samples) {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		if read(samples).isIdle(last) {
			giveBack()
		}
	}
}

// giveBack returns all free memory to the operating system.
func giveBack() {
	runtime.GC() // a sync.Pool keeps its buffers for one collection
	debug.FreeOSMemory()
}

// usage is how much memory the process uses, in bytes.
type usage struct {
	allocated uint64 // since the start
	held      uint64 // from the operating system
}

func newSamples() []metrics.Sample {
	return []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
}

func read(samples []metrics.Sample) usage {
	metrics.Read(samples)
	return usage{allocated: samples[0].Value.Uint64(), held: samples[1].Value.Uint64() - samples[2].Value.Uint64()}
}

// isIdle reports whether less was allocated since last than one collection frees: so hardly any has run.
func (u usage) isIdle(last usage) bool { return u.allocated-last.allocated < floor/2 }
