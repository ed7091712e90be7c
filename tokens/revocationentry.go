package tokens

import (
	"strconv"

	"github.com/redis/go-redis/v9"
)

// entry is one line of the revocation log. Applying one twice, or late, changes nothing.
type entry struct {
	kind        entryKind
	session     sessionID // endSession, endGenerations
	below       uint64    // endGenerations: earlier generations die
	userID      int64     // endUser
	fingerprint string    // endUser; "" = every session of the user
	at          int64     // when it takes effect; for cutoffs: what was created up to then dies (Unix ms)
}

type entryKind string

const (
	endSession     entryKind = "session"
	endGenerations entryKind = "generations"
	endUser        entryKind = "user"
	endAll         entryKind = "all"
)

func sessionEnded(id sessionID, at int64) entry { return entry{kind: endSession, session: id, at: at} }

func generationsEnded(id sessionID, below uint64, from int64) entry {
	return entry{kind: endGenerations, session: id, below: below, at: from}
}

func userCutoff(userID int64, fingerprint string, at int64) entry {
	return entry{kind: endUser, userID: userID, fingerprint: fingerprint, at: at}
}

func allCutoff(at int64) entry { return entry{kind: endAll, at: at} }

// values is the entry as fields of a stream entry.
func (e entry) values() []any {
	v := []any{"kind", string(e.kind), "at", e.at}
	switch e.kind {
	case endSession:
		return append(v, "sid", e.session.String())
	case endGenerations:
		return append(v, "sid", e.session.String(), "below", e.below)
	case endUser:
		return append(v, "uid", e.userID, "fp", e.fingerprint)
	}
	return v
}

// parseEntry reads a stream entry. A kind it does not know comes from a newer gateway or a stranger.
func parseEntry(m redis.XMessage) (e entry, ok bool) {
	word := func(name string) string { s, _ := m.Values[name].(string); return s }
	e = entry{kind: entryKind(word("kind")), at: number(word("at"))}
	switch e.kind {
	case endSession, endGenerations:
		e.session, ok = parseSessionID(word("sid"))
		e.below, _ = strconv.ParseUint(word("below"), 10, 64)
	case endUser:
		e.userID, e.fingerprint = number(word("uid")), word("fp")
		ok = e.userID > 0
	case endAll:
		ok = true
	}
	return e, ok && e.at > 0
}
