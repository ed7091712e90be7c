// Package refreshtoken makes and reads refresh tokens. It does no I/O. What a token of a generation leads to is decided by
// package tokens and Redis.
//
// A refresh token is 64 bytes as 128 lower-case hex digits, the form the PHP plugin's clients know:
//
//	session id 16 | generation 8 | secret id 8 | outer tag 16 | inner tag 16
//
// The outer tag needs only the refresh secret, so garbage is refused before Redis is asked. The inner tag needs
// the session's salt as well, which lives only in Redis: neither the server alone nor Redis alone can forge one.
// Nothing is random but the id and the salt, so the current token can be computed again.
package refreshtoken

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"cocart-gateway/tokens/keys"
	"cocart-gateway/tokens/revocation"
)

// Token is a refresh token that was read, and of which all is checked that can be checked without Redis.
type Token struct {
	Session    revocation.SessionID
	Generation uint64
	secret     *secretKeys
	inner      [tagBytes]byte
}

// The errors of Parse.
var (
	ErrMalformed     = errors.New("malformed")                      // not the form of our tokens
	ErrUnknownSecret = errors.New("made with an unknown secret")    // or with one that was removed
	ErrForged        = errors.New("not made with the named secret") // the outer tag does not fit
)

// SaltBytes is the length of a session's salt.
const SaltBytes = 32

const (
	tagBytes      = 16
	refreshBytes  = 64
	refreshDigits = 2 * refreshBytes
	atGeneration  = 16
	atSecret      = 24
	atOuter       = 32
	atInner       = 48
)

// secretKeys is one secret with what is derived from it.
type secretKeys struct {
	raw   []byte
	id    [8]byte
	outer []byte
}

func newSecretKeys(raw []byte) *secretKeys {
	s := &secretKeys{raw: raw, outer: derive(raw, nil, "outer tag")}
	copy(s.id[:], derive(raw, nil, "secret id"))
	return s
}

// derive separates the uses of one secret (RFC 5869). It cannot fail for 32 bytes.
func derive(secret, salt []byte, use string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, "cocart-gateway refresh: "+use, sha256.Size)
	if err != nil {
		panic(err) // only in FIPS mode with a short secret, which New refuses: unreachable at run time
	}
	return key
}

// Ring mints and parses refresh tokens. The first secret mints, all parse.
type Ring []*secretKeys

func NewRing(secrets [][]byte, table []keys.Key) Ring {
	var ring Ring
	for _, s := range secrets {
		ring = append(ring, newSecretKeys(append([]byte(nil), s...)))
	}
	if len(ring) > 0 {
		return ring
	}
	for _, k := range table {
		if k.Material() != nil {
			ring = append(ring, newSecretKeys(derive(k.Material(), nil, "secret of a key")))
		}
	}
	return ring
}

// Mint returns the token of a session's generation.
func (r Ring) Mint(session revocation.SessionID, generation uint64, salt []byte) string {
	raw := r.head(session, generation)
	raw = append(raw, tag(r[0].inner(salt), raw)...)
	return hex.EncodeToString(raw)
}

// Parse reads a token and checks all that can be checked without Redis.
func (r Ring) Parse(text string) (Token, error) {
	raw, ok := lowerHex(text)
	if !ok {
		return Token{}, ErrMalformed
	}
	t := Token{
		Session:    revocation.SessionID(raw[:atGeneration]),
		Generation: binary.BigEndian.Uint64(raw[atGeneration:]),
		secret:     r.find([8]byte(raw[atSecret:atOuter])),
		inner:      [tagBytes]byte(raw[atInner:]),
	}
	if t.secret == nil {
		return Token{}, ErrUnknownSecret
	}
	if !hmac.Equal(raw[atOuter:atInner], tag(t.secret.outer, raw[:atOuter])) {
		return Token{}, ErrForged
	}
	return t, nil
}

// Read returns what a text says if it has the form of a refresh token: the session, its generation, and which secret of
// the ring it names, counted from 1; 0 for another one. Nothing of that is checked.
func (r Ring) Read(text string) (session revocation.SessionID, generation uint64, secret int, ok bool) {
	raw, ok := lowerHex(text)
	if !ok {
		return session, 0, 0, false
	}
	named := [8]byte(raw[atSecret:atOuter])
	return revocation.SessionID(raw[:atGeneration]), binary.BigEndian.Uint64(raw[atGeneration:]),
		1 + slices.IndexFunc(r, func(s *secretKeys) bool { return s.id == named }), true
}

// lowerHex accepts exactly one spelling of a token. With two spellings a token could be distinguished from itself.
func lowerHex(text string) (raw [refreshBytes]byte, ok bool) {
	if len(text) != refreshDigits {
		return raw, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > 'f' || '9' < c && c < 'a' {
			return raw, false
		}
	}
	_, err := hex.Decode(raw[:], []byte(text))
	return raw, err == nil
}

func (r Ring) find(id [8]byte) *secretKeys {
	for _, s := range r {
		if s.id == id {
			return s
		}
	}
	return nil
}

// Genuine reports whether the inner tag fits the salt that Redis keeps.
func (t Token) Genuine(salt []byte) bool {
	var raw [atInner]byte
	copy(raw[:], t.Session[:])
	binary.BigEndian.PutUint64(raw[atGeneration:], t.Generation)
	copy(raw[atSecret:], t.secret.id[:])
	copy(raw[atOuter:], tag(t.secret.outer, raw[:atOuter]))
	return len(salt) == SaltBytes && hmac.Equal(t.inner[:], tag(t.secret.inner(salt), raw[:]))
}

func (s *secretKeys) inner(salt []byte) []byte { return derive(s.raw, salt, "inner tag") }

func tag(key, message []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return mac.Sum(nil)[:tagBytes]
}

// Proof returns 24 bits that follow from a token's inner tag, as text. The session's hash has those of some generations, so
// that rotate.lua refuses what a thief of the refresh secret made, without the salt, before it moves the session. They
// show nothing of the tag.
func (t Token) Proof() string {
	sum := sha256.Sum256(append([]byte("cocart-gateway refresh: proof\x00"), t.inner[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:3])
}

// proofsKept is of how many generations a hash has proofs.
const proofsKept = 6

// Proofs returns those of a generation, its parent and its successors, as rotate.lua reads them.
func (r Ring) Proofs(session revocation.SessionID, generation uint64, salt []byte) string {
	first := max(generation, 1) - 1
	text := strconv.FormatUint(first, 10) + ":"
	inner := r[0].inner(salt)
	for g := first; g < first+proofsKept; g++ {
		text += Token{inner: [tagBytes]byte(tag(inner, r.head(session, g)))}.Proof()
	}
	return text
}

// head returns what the tags of a token cover. The inner one also covers the outer one.
func (r Ring) head(session revocation.SessionID, generation uint64) []byte {
	raw := make([]byte, atInner, refreshBytes)
	copy(raw, session[:])
	binary.BigEndian.PutUint64(raw[atGeneration:], generation)
	copy(raw[atSecret:], r[0].id[:])
	copy(raw[atOuter:], tag(r[0].outer, raw[:atOuter]))
	return raw
}

// LastProven returns the last generation of a row of proofs; 0 without proofs.
func LastProven(proofs string) uint64 {
	first, row, _ := strings.Cut(proofs, ":")
	n, err := strconv.ParseUint(first, 10, 64)
	if err != nil || len(row) < 4 {
		return 0
	}
	return n + uint64(len(row)/4) - 1
}
