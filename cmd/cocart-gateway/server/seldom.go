package server

import (
	"sync"
	"time"
)

// Seldom is for events that clients can cause as often as they like, and of which the operator has to learn. Its zero
// value is ready.
type Seldom struct {
	mu   sync.Mutex
	last time.Time
}

// Due is true once a minute at most.
func (s *Seldom) Due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < time.Minute {
		return false
	}
	s.last = now
	return true
}
