package tokens

import (
	"cmp"
	"context"
	"sync"
	"time"

	"cocart-gateway/tokens/cluster"
	"cocart-gateway/tokens/revocation"
)

// useNotes collects which generations of which sessions Verify has seen. Run writes them to Redis: whether a successor
// was ever used decides what a spent parent means, and operators see when a session was last used. So Verify itself does
// no I/O. What a refresh leaves to be written goes the same way.
type useNotes struct {
	mu    sync.Mutex // guards notes
	notes map[revocation.SessionID]note
}

type note struct {
	generation uint64
	seen       int64  // Unix ms
	settled    string // what the revocation log has of the session: step.go
	proofs     string // of its next refresh tokens
}

const (
	noteEvery = 5 * time.Minute // per token: how exact "last used" is
	mostNotes = 1 << 18         // sessions noted while Redis is away; more are not
	noteBatch = 500             // written in one round trip
)

// noteUse notes the first use of a token at once, and later ones every noteEvery.
func (a *Authority) noteUse(v *verified, now time.Time) {
	at, last := now.UnixMilli(), v.noted.Load()
	if v.fromPlugin() || last != 0 && at-last < milliseconds(noteEvery) || !v.noted.CompareAndSwap(last, at) {
		return
	}
	a.notes.add(v.session, note{generation: v.access.Generation, seen: at})
}

func (n *useNotes) settle(id revocation.SessionID, owed string) { n.add(id, note{settled: owed}) }

func (n *useNotes) proofs(id revocation.SessionID, proofs string) { n.add(id, note{proofs: proofs}) }

// add merges a note into that of its session. Of what was settled and of the proofs the latest counts.
func (n *useNotes) add(id revocation.SessionID, fresh note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.notes == nil {
		n.notes = map[revocation.SessionID]note{}
	}
	old, known := n.notes[id]
	if !known && len(n.notes) >= mostNotes {
		return
	}
	n.notes[id] = note{max(old.generation, fresh.generation), max(old.seen, fresh.seen),
		cmp.Or(fresh.settled, old.settled), cmp.Or(fresh.proofs, old.proofs)}
}

// take removes and returns up to one batch.
func (n *useNotes) take() map[revocation.SessionID]note {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.notes) <= noteBatch {
		all := n.notes
		n.notes = nil
		return all
	}
	some := make(map[revocation.SessionID]note, noteBatch)
	for id, one := range n.notes {
		if len(some) == noteBatch {
			break
		}
		some[id] = one
		delete(n.notes, id)
	}
	return some
}

// writeNotes writes all notes to Redis. It keeps what could not be written for the next time.
func (a *Authority) writeNotes(ctx context.Context) error {
	for batch := a.notes.take(); len(batch) > 0; batch = a.notes.take() {
		if err := a.store.note(ctx, batch); err != nil {
			for id, one := range batch {
				a.notes.add(id, one)
			}
			return unavailable("noting used sessions", err)
		}
	}
	return nil
}

// note runs use.lua for each session in one round trip.
func (s store) note(ctx context.Context, batch map[revocation.SessionID]note) error {
	calls := make([]cluster.Call, 0, len(batch))
	for id, one := range batch {
		calls = append(calls, cluster.Call{Script: useScript, Key: s.session(id), Args: []any{one.generation, one.seen, one.settled, one.proofs}})
	}
	return cluster.Run(ctx, s.UniversalClient, calls)
}

// lastNotes writes the last notes when Run ends. If Redis is away then, only these notes are lost.
func (a *Authority) lastNotes(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCall)
	defer cancel()
	if err := a.writeNotes(ctx); err != nil {
		a.cfg.Log.Warn("the last uses of sessions could not be written to Redis", "cause", err)
	}
	_ = a.epoch.Leave(ctx) // else a gateway that begins after the next start of Redis may take its data for older
	return nil
}
