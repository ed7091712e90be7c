package main

import (
	"sync"
	"time"
)

// seldom is for what strangers can bring about as often as they like, and the operator must learn of nevertheless.
type seldom struct {
	mu   sync.Mutex
	last time.Time
}

// due is true once a minute at most.
func (s *seldom) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && now.Sub(s.last) < time.Minute {
		return false
	}
	s.last = now
	return true
}
