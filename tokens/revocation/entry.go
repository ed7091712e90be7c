package revocation

import "strconv"

// Entry is one line of the revocation log. Applying one twice, or late, changes nothing.
type Entry struct {
	kind        kind
	session     SessionID // kindSession, kindGenerations
	below       uint64    // kindGenerations: earlier generations are revoked
	user        int64     // kindUser
	fingerprint string    // kindUser; "" = every session of the user
	at          int64     // when it takes effect; of a cutoff: what was created up to then is revoked (Unix ms)
}

type kind string

const (
	kindSession     kind = "session"
	kindGenerations kind = "generations"
	kindUser        kind = "user"
	kindAll         kind = "all"
)

// SessionEnded revokes every access token of a session.
func SessionEnded(id SessionID, at int64) Entry { return Entry{kind: kindSession, session: id, at: at} }

// GenerationsEnded revokes the access tokens of a session's generations below one, from a time on.
func GenerationsEnded(id SessionID, below uint64, from int64) Entry {
	return Entry{kind: kindGenerations, session: id, below: below, at: from}
}

// UserCutoff revokes what was issued to a user up to a time: sessions with the fingerprint, or all of them if it is "".
func UserCutoff(user int64, fingerprint string, at int64) Entry {
	return Entry{kind: kindUser, user: user, fingerprint: fingerprint, at: at}
}

// AllCutoff revokes everything that was created up to a time.
func AllCutoff(at int64) Entry { return Entry{kind: kindAll, at: at} }

// Values returns the entry as the fields of a stream entry, names and values in turn.
func (e Entry) Values() []any {
	v := []any{"kind", string(e.kind), "at", e.at}
	switch e.kind {
	case kindSession:
		return append(v, "sid", e.session.String())
	case kindGenerations:
		return append(v, "sid", e.session.String(), "below", e.below)
	case kindUser:
		return append(v, "uid", e.user, "fp", e.fingerprint)
	}
	return v
}

// ParseEntry reads the fields of a stream entry. It refuses what Values cannot have written: an unknown kind comes from
// a newer gateway or from somewhere else.
func ParseEntry(fields map[string]any) (e Entry, ok bool) {
	word := func(name string) string { s, _ := fields[name].(string); return s }
	number := func(name string) int64 { n, _ := strconv.ParseInt(word(name), 10, 64); return n } // not a number: 0
	e = Entry{kind: kind(word("kind")), at: number("at")}
	switch e.kind {
	case kindSession, kindGenerations:
		e.session, ok = ParseSessionID(word("sid"))
		e.below, _ = strconv.ParseUint(word("below"), 10, 64)
	case kindUser:
		e.user, e.fingerprint = number("uid"), word("fp")
		ok = e.user > 0
	case kindAll:
		ok = true
	}
	return e, ok && e.at > 0
}
