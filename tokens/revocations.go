package tokens

import (
	"math"
	"sync/atomic"
	"time"
)

// revocations is this process's view of the log: what Verify asks. It keeps per ended session 16 bytes of id and 8 of
// what died and when; nothing in it is forgotten before every token it concerns has expired.
type revocations struct {
	sessions sessionTable
	users    userTable
	pending  pendingTable
	all      atomic.Int64 // everything created up to then is dead (Unix ms)
}

// gone marks a session of which every generation is dead.
const gone = math.MaxUint32

// covers tells whether a token is revoked. It takes read locks and no I/O.
func (r *revocations) covers(v *verified, now time.Time) bool {
	if v.created <= r.all.Load() || r.users.cutsOff(v.access.UserID, v.created, v.access.Fingerprint, v.fromPlugin()) {
		return true
	}
	if v.fromPlugin() {
		return false
	}
	r.promote(now)
	return v.access.Generation < r.sessions.deadBelow(v.session)
}

// cutsOff tells whether a session is dead by a cutoff or ended, as far as is known here.
func (r *revocations) cutsOff(s *record) bool {
	return s.created <= r.latestCutoff(s.userID, s.fingerprint) || r.sessions.deadBelow(s.id) >= gone ||
		s.handed != 0 && s.handed <= r.users.latest(s.userID, PluginFingerprint)
}

// latestCutoff is the latest time up to which sessions of the user with the fingerprint are dead; 0 = none known.
func (r *revocations) latestCutoff(userID int64, fingerprint string) int64 {
	return max(r.all.Load(), r.users.latest(userID, fingerprint))
}

// apply takes an entry in. It is idempotent and does not depend on the order of entries.
func (r *revocations) apply(e entry, now time.Time) {
	switch e.kind {
	case endSession:
		r.sessions.kill(e.session, gone, e.at)
	case endGenerations:
		r.pending.add(e)
		r.promote(now)
	case endUser:
		r.users.add(e)
	case endAll:
		raise(&r.all, e.at)
	}
}

// promote lets the generations die whose grace is over.
func (r *revocations) promote(now time.Time) {
	r.pending.due(now.UnixMilli(), func(e entry) { r.sessions.kill(e.session, saturate(e.below), e.at) })
}

// saturate fits a generation into the table. A session that was rotated four billion times has lived enough.
func saturate(generation uint64) uint32 { return uint32(min(generation, gone)) }

// forget drops what took effect before the horizon: every token it concerns has expired since.
func (r *revocations) forget(horizon time.Time) {
	r.sessions.forget(horizon.Unix())
	r.users.forget(horizon.UnixMilli())
}

// size counts what is remembered, by kind.
func (r *revocations) size() (sessions, users, pending int) {
	return r.sessions.size(), r.users.size(), r.pending.size()
}
