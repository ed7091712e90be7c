package revocation

import (
	"bytes"
	"math"
	"slices"
	"sync"
)

// sessionTable holds the revoked generations of sessions. It is cut into shards so that neither forget nor a shard that
// grows blocks Covers for long.
type sessionTable struct {
	shards [1024]sessionShard
}

// sessionShard keeps its sessions in the order of their ids, which begin with the time of the login: a new one is most often
// the last. A Go map would need twice the memory, because it doubles when it is full, and would never give any back.
type sessionShard struct {
	mu      sync.RWMutex // guards revoked
	revoked []revokedSession
}

type revokedSession struct {
	id    SessionID
	below uint32 // all generations below this one are revoked
	at    uint32 // since when, in Unix seconds (good until 2106)
}

// shard chooses by random bits of the id.
func (t *sessionTable) shard(id SessionID) *sessionShard {
	return &t.shards[(int(id[14])<<8|int(id[15]))%len(t.shards)]
}

// find returns where a session is, or where it would be inserted.
func (s *sessionShard) find(id SessionID) (index int, found bool) {
	return slices.BinarySearchFunc(s.revoked, id, func(r revokedSession, id SessionID) int { return bytes.Compare(r.id[:], id[:]) })
}

// revokedBelow returns the first generation of the session that is not revoked; 0 when none is.
func (t *sessionTable) revokedBelow(id SessionID) uint64 {
	s := t.shard(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, found := s.find(id)
	switch {
	case !found:
		return 0
	case s.revoked[i].below == endedGeneration:
		return math.MaxUint64
	}
	return uint64(s.revoked[i].below)
}

// revoke adds generations, or a later time until which they are remembered. It never takes any back.
func (t *sessionTable) revoke(id SessionID, below uint32, at int64) {
	s := t.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.find(id)
	if !found {
		s.insert(i, revokedSession{id: id, below: below, at: seconds(at)})
		return
	}
	r := &s.revoked[i]
	r.below, r.at = max(r.below, below), max(r.at, seconds(at))
}

// insert grows a full shard by an eighth. append would double it.
func (s *sessionShard) insert(i int, r revokedSession) {
	n := len(s.revoked)
	if n == cap(s.revoked) {
		grown := make([]revokedSession, n, n+n/8+4)
		copy(grown, s.revoked)
		s.revoked = grown
	}
	s.revoked = s.revoked[:n+1]
	copy(s.revoked[i+1:], s.revoked[i:])
	s.revoked[i] = r
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
	s.revoked = slices.DeleteFunc(s.revoked, func(r revokedSession) bool { return int64(r.at) < before })
	if len(s.revoked) < cap(s.revoked)/4 {
		s.revoked = slices.Clone(s.revoked)
	}
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
