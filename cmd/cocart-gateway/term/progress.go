package term

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// ProgressAfter is how long work may take before anything is written about it, and the time between two lines.
const ProgressAfter = time.Second

// Progress writes what a command does at the moment, in one line of a terminal, and removes the line at the end. A nil Progress
// writes nothing.
type Progress struct {
	w     io.Writer
	text  string
	count atomic.Int64

	once    sync.Once
	stop    chan struct{}
	stopped chan struct{}
}

// StartProgress writes the text at each tick, beginning with the first. End must be called before anything else is written.
func StartProgress(w io.Writer, ticks <-chan time.Time, text string) *Progress {
	p := &Progress{w: w, text: text, stop: make(chan struct{}), stopped: make(chan struct{})}
	go p.run(ticks)
	return p
}

func (p *Progress) run(ticks <-chan time.Time) {
	defer close(p.stopped)
	for passed := ProgressAfter; ; passed += ProgressAfter {
		select {
		case <-p.stop:
			if passed > ProgressAfter {
				fmt.Fprint(p.w, eraseLine)
			}
			return
		case <-ticks:
			fmt.Fprint(p.w, eraseLine+p.line(passed))
		}
	}
}

// eraseLine puts the cursor to the begin of its line and empties that (ECMA-48, EL).
const eraseLine = "\r\x1b[K"

func (p *Progress) line(passed time.Duration) string {
	if n := p.count.Load(); n > 0 {
		return fmt.Sprintf("%s: %d (%s)", p.text, n, passed)
	}
	return fmt.Sprintf("%s (%s)", p.text, passed)
}

// Count adds to the number behind the text.
func (p *Progress) Count(n int) {
	if p != nil {
		p.count.Add(int64(n))
	}
}

// End removes the line. It may be called again.
func (p *Progress) End() {
	if p != nil {
		p.once.Do(func() { close(p.stop) })
		<-p.stopped
	}
}
