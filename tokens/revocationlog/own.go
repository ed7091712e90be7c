package revocationlog

import (
	"sync"
	"time"

	"cocart-gateway/tokens/revocation"
)

// ownEntries are the latest entries that this process wrote. A failover can lose what Redis had acknowledged; the
// process that wrote it writes it again.
type ownEntries struct {
	mu      sync.Mutex // guards entries
	entries []ownEntry
}

type ownEntry struct {
	entry revocation.Entry
	at    time.Time
}

const (
	ownKept = 4096        // entries remembered at most
	ownLife = time.Minute // and how long: replication lags by seconds at worst
)

func (o *ownEntries) add(e revocation.Entry, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.entries) >= ownKept {
		o.entries = append(o.entries[:0], o.entries[ownKept/2:]...)
	}
	o.entries = append(o.entries, ownEntry{e, now})
}

// recent returns what was written less than ownLife ago and drops the rest.
func (o *ownEntries) recent(now time.Time) (out []revocation.Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.entries[:0]
	for _, e := range o.entries {
		if now.Sub(e.at) < ownLife {
			kept, out = append(kept, e), append(out, e.entry)
		}
	}
	o.entries = kept
	return out
}
