// Package repeats remembers for two seconds which requests with a password were refused, so that the same request of the
// same client is answered without WordPress and counted once. CoCart's SDKs refresh their tokens when a login is refused
// and send it once more, which would use up two attempts for one mistake, and mail two codes for one login.
//
// An attacker gains no guess by it: the answer is the one that the same guess has just got. What differs in one byte of the
// password, the second factor or the body is another request.
//
// It holds no password: a request is known by a hash under a key of this process. Gateways do not share it. A repetition
// that a load balancer sends to another gateway is counted again, as it was before. To keep it in Redis would keep hashes
// of wrong passwords, which are often right elsewhere, where others can read them, and cost each refusal a round trip.
package repeats

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"cocart-gateway/gateway/respond"
	"cocart-gateway/tokens/attempts"
)

const (
	// Life is how long a refusal is remembered, from when it was answered.
	Life = 2 * time.Second
	// most is how many refusals are remembered. Then the oldest one is forgotten.
	most = 1000
	// LongestBody is the longest body in bytes of an answer that is remembered, so that all of them need 16 MiB at most.
	LongestBody = 16 << 10
)

// Name stands for a client and its request; the zero Name for none.
type Name [sha256.Size]byte

// Answer is a refusal as it was sent.
type Answer struct {
	Status  int
	Header  http.Header
	Body    []byte
	Limit   *attempts.State  // the counter of the address after it
	Failure *respond.Failure // nil if it is WordPress's answer
	Outcome string           // for the log
	at      time.Time
}

// Memory is what one process remembers. It is safe for concurrent use.
type Memory struct {
	key     []byte
	mu      sync.Mutex
	answers map[Name]*Answer
	order   []Name // oldest first
}

// New returns an empty Memory with a key of its own.
func New() *Memory {
	m := &Memory{key: make([]byte, 32), answers: map[Name]*Answer{}}
	_, _ = rand.Read(m.key) // never fails
	return m
}

// Name returns the name of a request that consists of these parts. Each counts with its length, so that no part can
// continue in the next one.
func (m *Memory) Name(parts ...string) (n Name) {
	h := hmac.New(sha256.New, m.key)
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		_, _ = h.Write([]byte(part))
	}
	h.Sum(n[:0])
	return n
}

// Find returns the refusal that a request got less than [Life] ago; nil if there is none. Finding it does not extend its
// life: who goes on repeating a guess is counted every two seconds.
func (m *Memory) Find(n Name, now time.Time) *Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	return m.answers[n]
}

// Keep remembers a refusal. The caller must not change it afterwards.
func (m *Memory) Keep(n Name, a *Answer, now time.Time) {
	if n == (Name{}) || len(a.Body) > LongestBody {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	if m.answers[n] != nil { // of the same request at the same time
		return
	}
	if len(m.order) == most {
		m.drop()
	}
	a.at = now
	m.answers[n], m.order = a, append(m.order, n)
}

// forget drops what is too old, and also what is from the future after the clock was set back.
func (m *Memory) forget(now time.Time) {
	for len(m.order) > 0 {
		if age := now.Sub(m.answers[m.order[0]].at); age >= 0 && age < Life {
			return
		}
		m.drop()
	}
}

func (m *Memory) drop() {
	delete(m.answers, m.order[0])
	m.order = m.order[1:]
}
