// Package pace says how long a client may take to send or to take a body.
//
// Attack: a client sends one byte shortly before each timeout, or takes its answer one byte at a time. Each byte renews a
// timeout that is only about standing still, so a few thousand such clients hold connections, here and to PHP, for ever.
//
// Prevention: a body has a minimum rate. A client has an allowance of time; waiting for it uses the allowance up, and each
// byte earns some of it back. Only time in which the gateway waits for the client counts: WordPress may compute for as
// long as it likes, and event streams may be silent. A client that keeps the rate has no absolute deadline.
package pace

import "time"

// Pace is one direction of one body. The zero value sets no deadline. It does no I/O and reads no clock; it is not safe
// for concurrent use.
type Pace struct {
	// Stall is how long nothing may move; not positive: for ever.
	Stall time.Duration
	// Allowance is how long the client may be waited for besides the time that its bytes earn, and the most that it can
	// save up. Not positive: only Stall counts.
	Allowance time.Duration
	// Rate is how many bytes earn a second. With 0 they earn nothing: Allowance is for the whole body.
	Rate int64
	// Slack is how much later than necessary a deadline may be: setting one costs about as much as a small write.
	Slack time.Duration
	// First is what the first deadline has besides.
	First time.Duration

	used  time.Duration // of the allowance; less than zero never
	until time.Time     // the deadline that is set, less Slack
}

// Deadline is the next deadline, when it is time to set it.
func (p *Pace) Deadline(now time.Time) (at time.Time, due bool) {
	if p.Stall <= 0 && p.Allowance <= 0 {
		return at, false
	}
	left := p.Stall
	if rest := p.Allowance - p.used; p.Allowance > 0 && (left <= 0 || rest < left) {
		left = rest
	}
	until := now.Add(left)
	if !p.until.IsZero() && until.Sub(p.until).Abs() <= p.Slack {
		return at, false
	}
	first := p.until.IsZero()
	p.until, at = until, until.Add(p.Slack)
	if first {
		at = at.Add(p.First)
	}
	return at, true
}

// Moved accounts for bytes that moved while the client was waited for. What the first deadline had besides is not the
// client's time, and neither is that wait.
func (p *Pace) Moved(bytes int, waited time.Duration) {
	if p.First > 0 {
		p.First, waited = 0, 0
	}
	p.used += waited
	if p.Rate > 0 {
		p.used -= time.Duration(float64(bytes) / float64(p.Rate) * float64(time.Second))
	}
	p.used = max(0, p.used)
}
