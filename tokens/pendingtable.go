package tokens

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
)

// pendingTable holds what takes effect later: after a rotation the earlier generations die when the grace is over.
// It never holds more than the rotations of one grace.
type pendingTable struct {
	next atomic.Int64 // when the first one is due (Unix ms) + 1; 0 = never: lets Verify pass without a lock
	mu   sync.Mutex   // guards heap
	heap byTime
}

func (t *pendingTable) add(e entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	heap.Push(&t.heap, e)
	t.announce()
}

// due hands over what takes effect up to now. Whoever comes meanwhile waits, so that none passes in between.
func (t *pendingTable) due(now int64, apply func(entry)) {
	if next := t.next.Load(); next == 0 || next-1 > now {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.heap) > 0 && t.heap[0].at <= now {
		apply(heap.Pop(&t.heap).(entry))
	}
	t.announce()
}

func (t *pendingTable) announce() {
	if len(t.heap) == 0 {
		t.next.Store(0)
		return
	}
	t.next.Store(min(t.heap[0].at, math.MaxInt64-1) + 1)
}

func (t *pendingTable) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.heap)
}

type byTime []entry

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].at < h[j].at }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(x any)        { *h = append(*h, x.(entry)) }
func (h *byTime) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
