package tokenstest

import (
	"sync"
	"time"
)

// Clock is a time that moves only by Advance and Set. Hand its Now to tokens.Config.
type Clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

// NewClock starts at a whole second, so that what is cut to seconds is not cut in a test.
func NewClock() *Clock { return &Clock{now: time.Unix(1_800_000_000, 0)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves it; negative durations move it back.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Set moves it to a time.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}
