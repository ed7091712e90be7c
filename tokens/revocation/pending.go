package revocation

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
)

// pendingTable holds entries that take effect later: after a rotation the earlier generations are revoked when the
// grace is over. It never holds more than the rotations of one grace.
type pendingTable struct {
	next atomic.Int64 // when the first one is due (Unix ms) + 1; 0 = never. It saves Covers the lock
	mu   sync.Mutex   // guards heap
	heap byTime
}

func (t *pendingTable) add(e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	heap.Push(&t.heap, e)
	t.announce()
}

// due removes the entries that take effect up to now and applies them. Concurrent callers wait for it, so that none of
// them misses an entry that is removed but not yet applied.
func (t *pendingTable) due(now int64, apply func(Entry)) {
	if next := t.next.Load(); next == 0 || next-1 > now {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.heap) > 0 && t.heap[0].at <= now {
		apply(heap.Pop(&t.heap).(Entry))
	}
	t.announce()
}

// announce stores when the first entry is due. The caller holds mu.
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

type byTime []Entry

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].at < h[j].at }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byTime) Push(x any)        { *h = append(*h, x.(Entry)) }
func (h *byTime) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
