package revocation

import "sync"

// userTable holds the cutoffs of each user by fingerprint: sessions created up to then are over.
type userTable struct {
	mu      sync.RWMutex // guards cutoffs
	cutoffs map[int64]map[string]int64
}

// cutsOff reports whether a cutoff covers a token. A plugin token carries no fingerprint to compare, so any cutoff of
// its user counts: the account changed after it was issued.
func (t *userTable) cutsOff(token Token) bool {
	if token.Plugin {
		return token.Created <= t.latestOfAny(token.User)
	}
	return token.Created <= t.latest(token.User, token.Fingerprint)
}

// latestOfAny returns the latest cutoff of a user, of any fingerprint.
func (t *userTable) latestOfAny(user int64) (latest int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, at := range t.cutoffs[user] {
		latest = max(latest, at)
	}
	return latest
}

// latest returns the latest cutoff of a user that covers sessions with the fingerprint.
func (t *userTable) latest(user int64, fingerprint string) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	of := t.cutoffs[user]
	return max(of[""], of[fingerprint])
}

func (t *userTable) add(e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cutoffs == nil {
		t.cutoffs = map[int64]map[string]int64{}
	}
	if t.cutoffs[e.user] == nil {
		t.cutoffs[e.user] = map[string]int64{}
	}
	of := t.cutoffs[e.user]
	of[e.fingerprint] = max(of[e.fingerprint], e.at)
}

func (t *userTable) forget(before int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for user, of := range t.cutoffs {
		for fingerprint, at := range of {
			if at < before {
				delete(of, fingerprint)
			}
		}
		if len(of) == 0 {
			delete(t.cutoffs, user)
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
