package tokens

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
)

// sessionID is 16 bytes: the creation time as 48 bits of Unix milliseconds, then 80 random bits. The time lets a
// cutoff be compared with any token of the session, without asking anybody. As text it has 22 characters.
type sessionID [16]byte

const sessionIDText = 22

func newSessionID(created int64) sessionID {
	var id sessionID
	rand.Read(id[6:])
	binary.BigEndian.PutUint16(id[:2], uint16(created>>32))
	binary.BigEndian.PutUint32(id[2:6], uint32(created))
	return id
}

// created is when the session began, in Unix milliseconds.
func (id sessionID) created() int64 {
	return int64(binary.BigEndian.Uint16(id[:2]))<<32 | int64(binary.BigEndian.Uint32(id[2:6]))
}

func (id sessionID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// parseSessionID accepts the one spelling that String writes.
func parseSessionID(text string) (id sessionID, ok bool) {
	if len(text) != sessionIDText {
		return id, false
	}
	n, err := strictBase64.Decode(id[:], []byte(text))
	return id, err == nil && n == len(id)
}

// strictBase64 also refuses stray bits at the end. It still skips line breaks, so callers look for those.
var strictBase64 = base64.RawURLEncoding.Strict()
