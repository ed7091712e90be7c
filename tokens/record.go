package tokens

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/revocation"
)

// record is a session as its Redis hash holds it; times are Unix milliseconds.
type record struct {
	id          revocation.SessionID
	userID      int64
	login       string
	fingerprint string
	extra       jsontext.Value // Identity.Claims, exactly as they were encoded at login; see mint.go
	salt        []byte
	created     int64
	active      int64 // last login or refresh: where the idle limit counts from
	seen        int64 // last use of an access token, to about five minutes
	generation  uint64
	address     string
	device      string
	ended       int64 // 0 while it lives
	cause       Cause
	owed        string // what the revocation log does not have yet: see rotate.lua
	proofs      string // only written: see refreshtoken.Ring.Proofs
	recent      string // only written: generations that count as retired at the beginning, see IssueExchanged
}

// recordFields are the hash fields in the order in which parseRecord reads them.
var recordFields = []string{"uid", "login", "fp", "ext", "salt", "created", "active", "seen", "gen", "ip", "ua", "ended", "cause", "owe"}

// fields returns what a new session writes, names and values in turn.
func (s *record) fields() []any {
	f := []any{"uid", s.userID, "login", s.login, "fp", s.fingerprint, "salt", s.salt, "created", s.created,
		"active", s.active, "gen", s.generation, "ip", s.address, "ua", s.device,
		"by", Client{Address: s.address, Device: s.device}.digest(), "p", s.proofs}
	if s.recent != "" {
		f = append(f, "recent", s.recent)
	}
	if s.extra != nil {
		f = append(f, "ext", []byte(s.extra))
	}
	return f
}

// parseRecord reads an answer to HMGET recordFields, or to more fields behind them; nil if there is no such session. No script writes "created" and
// "uid", so a hash without them is not a session.
func parseRecord(id revocation.SessionID, values []any) *record {
	text := make([]string, len(recordFields))
	for i := range text {
		text[i], _ = values[i].(string)
	}
	s := &record{id: id, userID: number(text[0]), login: text[1], fingerprint: text[2], salt: []byte(text[4]),
		created: number(text[5]), active: number(text[6]), seen: number(text[7]), generation: uint64(number(text[8])),
		address: text[9], device: text[10], ended: number(text[11]), cause: Cause(text[12]), owed: text[13]}
	if text[3] != "" {
		s.extra = jsontext.Value(text[3])
	}
	if s.userID == 0 || s.created == 0 {
		return nil
	}
	return s
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // anything else counts as missing
	return n
}

// read parses the answer of one HMGET.
func read(id revocation.SessionID, answer *redis.SliceCmd) (*record, error) {
	values, err := answer.Result()
	if err != nil {
		return nil, err
	}
	return parseRecord(id, values), nil
}

// over reports whether a session is over by a cutoff or ended, as far as this process knows.
func (a *Authority) over(s *record) bool {
	t := revocation.Token{Session: s.id, User: s.userID, Created: s.created, Fingerprint: s.fingerprint}
	return a.revoked.Ended(t)
}

// identity returns the customer as WordPress named him at login.
func (s *record) identity() (Identity, error) {
	who := Identity{UserID: s.userID, Login: s.login, Fingerprint: s.fingerprint}
	if s.extra == nil {
		return who, nil
	}
	if err := json.Unmarshal(s.extra, &who.Claims); err != nil {
		return who, fmt.Errorf("reading extra claims of session %s: %w", s.id, err)
	}
	return who, nil
}

// expires returns when the session ends by itself: at its idle or its absolute limit, whichever is earlier.
func (a *Authority) expires(s *record) time.Time {
	at := time.UnixMilli(s.active).Add(a.cfg.RefreshTTL)
	if a.cfg.SessionTTL > 0 {
		if end := time.UnixMilli(s.created).Add(a.cfg.SessionTTL); end.Before(at) {
			return end
		}
	}
	return at
}

// session returns a session as operators see it.
func (a *Authority) session(s *record) Session {
	out := Session{ID: s.id.String(), UserID: s.userID, Login: s.login, Device: s.device, Address: s.address,
		Created: time.UnixMilli(s.created), LastUsed: time.UnixMilli(max(s.active, s.seen)),
		Generation: s.generation, Expires: a.expires(s), Fingerprint: s.fingerprint}
	if s.ended != 0 {
		out.Ended, out.Cause = time.UnixMilli(s.ended), s.cause.known()
	}
	return out
}
