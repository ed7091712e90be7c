package revocation

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
)

// SessionID is 16 bytes: the creation time as 48 bits of Unix milliseconds, then 80 random bits. The time lets a
// cutoff be compared with any token of the session without I/O. As text it has 22 characters.
type SessionID [16]byte

const sessionIDText = 22

// NewSessionID makes the id of a session that begins at a time (Unix ms).
func NewSessionID(created int64) SessionID {
	var id SessionID
	rand.Read(id[6:])
	binary.BigEndian.PutUint16(id[:2], uint16(created>>32))
	binary.BigEndian.PutUint32(id[2:6], uint32(created))
	return id
}

// Created returns when the session began, in Unix milliseconds.
func (id SessionID) Created() int64 {
	return int64(binary.BigEndian.Uint16(id[:2]))<<32 | int64(binary.BigEndian.Uint32(id[2:6]))
}

// String returns the id as unpadded base64url.
func (id SessionID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseSessionID reads the one spelling that String writes.
func ParseSessionID(text string) (id SessionID, ok bool) {
	if len(text) != sessionIDText {
		return id, false
	}
	n, err := strictBase64.Decode(id[:], []byte(text))
	return id, err == nil && n == len(id)
}

// strictBase64 also refuses stray bits at the end. It skips line breaks, which the length check above finds.
var strictBase64 = base64.RawURLEncoding.Strict()
