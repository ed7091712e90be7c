// Package revocation holds in memory which access tokens are revoked. A [View] applies the entries of the revocation
// log (entry.go) and answers whether a token is covered by one of them. It does no I/O: package tokens reads the log
// from Redis and applies it.
//
// A View consists of three tables: ended sessions and retired generations (sessions.go), cutoffs of users (users.go),
// and entries that take effect later (pending.go).
package revocation

import (
	"math"
	"sync/atomic"
	"time"
)

// View is one process's knowledge of the revocation log. An ended session takes 16 bytes of id and 8 of generation and
// time. The zero View is empty and ready. It is safe for concurrent use.
type View struct {
	sessions sessionTable
	users    userTable
	pending  pendingTable
	all      Latest // everything created up to then is revoked
}

// Token is what decides whether an access token, or a whole session, is revoked.
type Token struct {
	Session     SessionID
	Generation  uint64
	User        int64
	Created     int64 // of the session, or of a plugin token, in Unix milliseconds
	Fingerprint string
	Plugin      bool // issued by the PHP plugin: it has no session, and every cutoff of its user covers it
}

// endedGeneration marks a session of which every generation is revoked.
const endedGeneration = math.MaxUint32

// Covers reports whether a token is revoked. It takes read locks and does no I/O.
func (v *View) Covers(t Token, now time.Time) bool {
	if t.Created <= v.all.Load() || v.users.cutsOff(t) {
		return true
	}
	if t.Plugin {
		return false
	}
	v.promote(now)
	return t.Generation < v.sessions.revokedBelow(t.Session)
}

// AliveFrom returns the first generation of a session that is not revoked; 0 if none is, math.MaxUint64 if the session ended
// by itself. Cutoffs are not looked at.
func (v *View) AliveFrom(id SessionID, now time.Time) uint64 {
	v.promote(now)
	return v.sessions.revokedBelow(id)
}

// Ended reports whether the session of a token is over, by a cutoff or by itself, as far as this process knows.
func (v *View) Ended(t Token) bool {
	return t.Created <= v.LatestCutoff(t.User, t.Fingerprint) || v.sessions.revokedBelow(t.Session) >= endedGeneration
}

// LatestCutoff returns the latest time (Unix ms) up to which sessions of the user with the fingerprint are over; 0 if
// none is known.
func (v *View) LatestCutoff(user int64, fingerprint string) int64 {
	return max(v.all.Load(), v.users.latest(user, fingerprint))
}

// LatestPluginCutoff returns the latest time (Unix ms) up to which the PHP plugin's tokens of the user are revoked; 0
// if none is known.
func (v *View) LatestPluginCutoff(user int64) int64 {
	return max(v.all.Load(), v.users.latestOfAny(user))
}

// Apply adds an entry. It is idempotent and does not depend on the order of entries.
func (v *View) Apply(e Entry, now time.Time) {
	switch e.kind {
	case kindSession:
		v.sessions.revoke(e.session, endedGeneration, e.at)
	case kindGenerations:
		v.pending.add(e)
		v.promote(now)
	case kindUser:
		v.users.add(e)
	case kindAll:
		v.all.Raise(e.at)
	}
}

// promote revokes the generations whose grace is over.
func (v *View) promote(now time.Time) {
	v.pending.due(now.UnixMilli(), func(e Entry) { v.sessions.revoke(e.session, saturate(e.below), e.at) })
}

// saturate fits a generation into the table. A session that was rotated four billion times ends there.
func saturate(generation uint64) uint32 { return uint32(min(generation, endedGeneration)) }

// Forget drops what took effect before the horizon. The caller chooses a horizon before which every token that an
// entry concerns has expired.
func (v *View) Forget(horizon time.Time) {
	v.sessions.forget(horizon.Unix())
	v.users.forget(horizon.UnixMilli())
}

// Size counts what is remembered, by kind.
func (v *View) Size() (sessions, users, pending int) {
	return v.sessions.size(), v.users.size(), v.pending.size()
}

// Latest is a time in Unix milliseconds that only grows.
type Latest struct{ at atomic.Int64 }

// Load returns the time; 0 before the first Raise.
func (l *Latest) Load() int64 { return l.at.Load() }

// Raise sets the time, unless it is later already.
func (l *Latest) Raise(to int64) {
	for old := l.at.Load(); old < to && !l.at.CompareAndSwap(old, to); old = l.at.Load() {
	}
}
