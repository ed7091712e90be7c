package tokens

import "sync"

// userTable keeps per user up to when his sessions are dead, by fingerprint.
type userTable struct {
	mu      sync.RWMutex // guards cutoffs
	cutoffs map[int64]map[string]int64
}

// cutsOff tells whether a token is cut off. A plugin token carries no fingerprint to compare, so any cutoff of its
// user counts: the account changed after it was issued.
func (t *userTable) cutsOff(userID, created int64, fingerprint string, fromPlugin bool) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	of := t.cutoffs[userID]
	if !fromPlugin {
		return created <= max(of[""], of[fingerprint])
	}
	return created <= latestOf(of)
}

// latestOf is the latest cutoff, of whatever fingerprint.
func latestOf(cutoffs map[string]int64) (latest int64) {
	for _, at := range cutoffs {
		latest = max(latest, at)
	}
	return latest
}

// latestForPlugin is the latest cutoff of a user that a token of the PHP plugin falls under.
func (t *userTable) latestForPlugin(userID int64) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return latestOf(t.cutoffs[userID])
}

func (t *userTable) latest(userID int64, fingerprint string) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	of := t.cutoffs[userID]
	return max(of[""], of[fingerprint])
}

func (t *userTable) add(e entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cutoffs == nil {
		t.cutoffs = map[int64]map[string]int64{}
	}
	if t.cutoffs[e.userID] == nil {
		t.cutoffs[e.userID] = map[string]int64{}
	}
	of := t.cutoffs[e.userID]
	of[e.fingerprint] = max(of[e.fingerprint], e.at)
}

func (t *userTable) forget(before int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for userID, of := range t.cutoffs {
		for fingerprint, at := range of {
			if at < before {
				delete(of, fingerprint)
			}
		}
		if len(of) == 0 {
			delete(t.cutoffs, userID)
		}
	}
}

func (t *userTable) size() (n int) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, of := range t.cutoffs {
		n += len(of)
	}
	return n
}
