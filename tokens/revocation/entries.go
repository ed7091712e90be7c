package revocation

import (
	"iter"
	"math"
)

// Entries yields what the view knows as entries of the log, in no order: to write back what Redis lost. Applying them
// anywhere changes nothing that is known there.
func (v *View) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if at := v.all.Load(); at > 0 && !yield(AllCutoff(at)) {
			return
		}
		for _, part := range []func() []Entry{v.users.entries, v.pending.entries} {
			for _, e := range part() {
				if !yield(e) {
					return
				}
			}
		}
		for i := range v.sessions.shards {
			for _, e := range v.sessions.shards[i].entries() {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// EndedSession returns the session that an entry ends as a whole. With grace its access tokens are valid until later.
func (e Entry) EndedSession() (id SessionID, grace, ok bool) {
	grace = e.kind == kindGenerations && e.below == math.MaxUint64
	return e.session, grace, grace || e.kind == kindSession
}

// Cutoff returns the user and fingerprint of a cutoff, or user 0 for that of all, and its time in Unix milliseconds.
func (e Entry) Cutoff() (user int64, fingerprint string, at int64, ok bool) {
	return e.user, e.fingerprint, e.at, e.kind == kindUser || e.kind == kindAll
}

func (s *sessionShard) entries() []Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Entry, 0, len(s.revoked))
	for _, r := range s.revoked {
		at := int64(r.at) * 1000
		if r.below == endedGeneration {
			all = append(all, SessionEnded(r.id, at))
		} else {
			all = append(all, GenerationsEnded(r.id, uint64(r.below), at))
		}
	}
	return all
}

func (t *userTable) entries() (all []Entry) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for user, of := range t.cutoffs {
		for fingerprint, at := range of {
			all = append(all, UserCutoff(user, fingerprint, at))
		}
	}
	return all
}

func (t *pendingTable) entries() []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Entry(nil), t.heap...)
}
