package term_test

import (
	"testing"
	"time"

	"cocart-gateway/cmd/cocart-gateway/term"
)

// lines passes on what is written.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

func TestLongWorkShowsItsProgressAndRemovesIt(t *testing.T) {
	written, ticks := make(lines, 10), make(chan time.Time)
	p := term.StartProgress(written, ticks, "Reading sessions")
	ticks <- time.Time{}
	if got := <-written; got != "\r\x1b[KReading sessions (1s)" {
		t.Errorf("after a second: %q", got)
	}
	p.Count(700)
	p.Count(500)
	ticks <- time.Time{}
	if got := <-written; got != "\r\x1b[KReading sessions: 1200 (2s)" {
		t.Errorf("after two: %q", got)
	}
	p.End()
	p.End()
	if got := <-written; got != "\r\x1b[K" || len(written) != 0 {
		t.Errorf("at the end: %q, and %d more", got, len(written))
	}
}

func TestShortWorkShowsNothing(t *testing.T) {
	written := make(lines, 10)
	p := term.StartProgress(written, make(chan time.Time), "Reading sessions")
	p.Count(3)
	p.End()
	if len(written) != 0 {
		t.Errorf("%q", <-written)
	}
	var none *term.Progress
	none.Count(1)
	none.End()
}
