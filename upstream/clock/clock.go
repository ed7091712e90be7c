// Package clock knows how far the clock of a WordPress server is ahead of the gateway's. It learns that from the times in
// signed replies, and follows small differences: what the gateway signs has WordPress's time then, and the few seconds that
// WordPress allows for clocks that differ need not grow. It does no I/O.
package clock

import (
	"sync/atomic"
	"time"
)

const (
	// Tolerance is the largest difference that is followed. Beyond it the gateway keeps its own time, and WordPress refuses
	// what it signs: a clock that is so far off is a fault, which must show.
	Tolerance = 30 * time.Second
	// Notable is the difference from which operators should hear of it.
	Notable = 5 * time.Second
	// negligible differences are not followed. They are as large as the error of a reading may be.
	negligible = 2 * time.Second
	// slewed is more than what adjusting a clock slowly changes between two readings.
	slewed = time.Second
)

// Clock is the clock of one server. It is safe for concurrent use; all but Learn cost an atomic load and the look at a clock.
type Clock struct {
	now, steady func() time.Time
	last        atomic.Pointer[reading]
}

// reading is what was learned last.
type reading struct {
	ahead        time.Duration
	wall, steady time.Time // of the gateway, when it was learned
}

// New returns a clock of which nothing is known. now is the gateway's time. steady runs on while that is set; nil means the
// monotonic clock that the times of now carry.
func New(now, steady func() time.Time) *Clock { return &Clock{now: now, steady: steady} }

func (c *Clock) moment() (wall, steady time.Time) {
	wall = c.now()
	if c.steady == nil {
		return wall, wall
	}
	return wall, c.steady()
}

// Learn notes a time of the server, in Unix seconds, from an answer that has just arrived, took after it was asked for.
//
// The server's clock was read between question and answer, and cut to seconds. What was known before is kept while it fits
// into these bounds, so that a slow answer changes nothing. Otherwise the middle is taken.
func (c *Clock) Learn(theirs int64, took time.Duration) {
	wall, steady := c.moment()
	least := time.Unix(theirs, 0).Sub(wall)
	most := time.Unix(theirs+1, 0).Sub(wall.Add(-took))
	ahead, _ := c.ahead(wall, steady)
	if ahead < least || ahead > most {
		ahead = least + (most-least)/2
	}
	c.last.Store(&reading{ahead, wall.Round(0), steady})
}

// ahead corrects what was learned by how far the gateway's own clock has been set since.
func (c *Clock) ahead(wall, steady time.Time) (_ time.Duration, known bool) {
	r := c.last.Load()
	if r == nil {
		return 0, false
	}
	return r.ahead - r.step(wall, steady), true
}

func (r *reading) step(wall, steady time.Time) time.Duration {
	return wall.Sub(r.wall) - steady.Sub(r.steady)
}

// Known reports whether Learn was called.
func (c *Clock) Known() bool { return c.last.Load() != nil }

// Ahead returns how far the server's clock is ahead of the gateway's, to about a second; less than zero if it is behind.
func (c *Clock) Ahead() (_ time.Duration, known bool) { return c.ahead(c.moment()) }

// Followed returns the difference by which Now is ahead of the gateway's time: 0 if it is not known, negligible, or larger
// than [Tolerance].
func (c *Clock) Followed() time.Duration { return c.followed(c.moment()) }

func (c *Clock) followed(wall, steady time.Time) time.Duration {
	ahead, _ := c.ahead(wall, steady)
	if ahead.Abs() <= negligible || Beyond(ahead) {
		return 0
	}
	return ahead
}

// Now returns the time of the server, as far as it is followed.
func (c *Clock) Now() time.Time {
	wall, steady := c.moment()
	return wall.Add(c.followed(wall, steady))
}

// Beyond reports whether a difference is larger than [Tolerance]. It rounds, because a reading is only exact to a second.
func Beyond(ahead time.Duration) bool { return ahead.Round(time.Second).Abs() > Tolerance }

// Stepped reports whether the gateway's clock was set since the last reading, as far as it shows: if the machine slept, the
// clocks that run on while it is set may have stood still, and what Ahead makes of them is wrong. A new reading is due.
func (c *Clock) Stepped() bool {
	r := c.last.Load()
	return r != nil && r.step(c.moment()).Abs() > slewed
}
