package tokens

import (
	"math"
	"sync"
)

// sessionTable maps session ids to the generations that died. It is cut into shards so that tidying up stops
// Verify for no more than a shard, and so that a shard can shrink: Go's maps never give memory back.
type sessionTable struct {
	shards [64]sessionShard
}

type sessionShard struct {
	mu   sync.RWMutex // guards dead and peak
	dead map[sessionID]death
	peak int // most entries since the map was made
}

// death says that all generations below died, and when, in Unix seconds (good until 2106).
type death struct{ below, at uint32 }

// shard spreads by a random byte of the id.
func (t *sessionTable) shard(id sessionID) *sessionShard { return &t.shards[id[15]%64] }

// deadBelow is the first generation of the session that is not dead; 0 when nothing died.
func (t *sessionTable) deadBelow(id sessionID) uint64 {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if below := s.dead[id].below; below != gone {
		return uint64(below)
	}
	return math.MaxUint64
}

// kill only ever adds: more generations, and a later time to remember them by.
func (t *sessionTable) kill(id sessionID, below uint32, at int64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		s.dead = map[sessionID]death{}
	}
	old := s.dead[id]
	s.dead[id] = death{below: max(old.below, below), at: max(old.at, seconds(at))}
	s.peak = max(s.peak, len(s.dead))
}

// seconds rounds up, so that nothing is forgotten early.
func seconds(ms int64) uint32 { return uint32(min(max(0, (ms+999)/1000), int64(gone))) }

func (t *sessionTable) forget(before int64) {
	for i := range t.shards {
		t.shards[i].forget(before)
	}
}

func (s *sessionShard) forget(before int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.dead {
		if int64(d.at) < before {
			delete(s.dead, id)
		}
	}
	if len(s.dead) < s.peak/4 {
		s.shrink()
	}
}

func (s *sessionShard) shrink() {
	small := make(map[sessionID]death, len(s.dead))
	for id, d := range s.dead {
		small[id] = d
	}
	s.dead, s.peak = small, len(small)
}

func (t *sessionTable) size() (n int) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.RLock()
		n += len(s.dead)
		s.mu.RUnlock()
	}
	return n
}
