package revocation

import (
	"math"
	"sync"
)

// sessionTable maps session ids to their revoked generations. It is cut into shards so that forget blocks Covers for no
// longer than one shard takes, and so that a shard can shrink: Go's maps never give memory back.
type sessionTable struct {
	shards [64]sessionShard
}

type sessionShard struct {
	mu      sync.RWMutex // guards revoked and peak
	revoked map[SessionID]generations
	peak    int // most entries since the map was made
}

// generations says that all generations below one are revoked, and since when, in Unix seconds (good until 2106).
type generations struct{ below, at uint32 }

// shard chooses by a random byte of the id.
func (t *sessionTable) shard(id SessionID) *sessionShard { return &t.shards[id[15]%64] }

// revokedBelow returns the first generation of the session that is not revoked; 0 when none is.
func (t *sessionTable) revokedBelow(id SessionID) uint64 {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if below := s.revoked[id].below; below != endedGeneration {
		return uint64(below)
	}
	return math.MaxUint64
}

// revoke adds generations, or a later time until which they are remembered. It never takes any back.
func (t *sessionTable) revoke(id SessionID, below uint32, at int64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revoked == nil {
		s.revoked = map[SessionID]generations{}
	}
	old := s.revoked[id]
	s.revoked[id] = generations{below: max(old.below, below), at: max(old.at, seconds(at))}
	s.peak = max(s.peak, len(s.revoked))
}

// seconds rounds up, so that nothing is forgotten early.
func seconds(ms int64) uint32 { return uint32(min(max(0, (ms+999)/1000), int64(endedGeneration))) }

func (t *sessionTable) forget(before int64) {
	for i := range t.shards {
		t.shards[i].forget(before)
	}
}

func (s *sessionShard) forget(before int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.revoked {
		if int64(d.at) < before {
			delete(s.revoked, id)
		}
	}
	if len(s.revoked) < s.peak/4 {
		s.shrink()
	}
}

func (s *sessionShard) shrink() {
	small := make(map[SessionID]generations, len(s.revoked))
	for id, d := range s.revoked {
		small[id] = d
	}
	s.revoked, s.peak = small, len(small)
}

func (t *sessionTable) size() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		n += len(s.revoked)
		s.mu.RUnlock()
	}
	return n
}
