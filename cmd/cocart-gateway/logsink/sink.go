// Package logsink writes log lines without ever blocking the code that logs.
//
// A reader of stderr that stops (a full pipe, a stuck log shipper, a journal on a full disk) blocks write(2). A request
// that waits for its log line then waits for ever, and so does SIGTERM. So lines go into a queue of limited size, and one
// goroutine writes them in their order. Lines that do not fit are dropped and counted.
//
// Lines about single requests are written together, at least every [FlushAfter], because a write(2) for each costs as much
// as everything else about a line. Other lines are written at once, and all lines before them too. A process that is
// killed loses the request lines of that time.
//
//	sink.go     the queue and its writer
//	block.go    lines that are written together
//	handler.go  request lines may fill only part of the queue, so that others have room
//	switch.go   a handler that a reload replaces
//	metrics.go  counts of dropped lines, and the size of the queue
package logsink

import (
	"context"
	"io"
	"sync"
	"time"
)

// Reasons for dropping a line; the label of the metric.
const (
	droppedFull  = "full"  // the queue had no room
	droppedError = "error" // write(2) failed: the other end of the pipe is closed, or the disk is full
)

// FlushAfter is how long a line about a request waits at most for others to be written with it.
const FlushAfter = 100 * time.Millisecond

// Sink is a queue of log lines in front of a writer. Its methods may be called from any goroutine.
type Sink struct {
	to   io.Writer
	size int // bytes that may wait

	// recovered is called by the writing goroutine when lines are written again, with the number of lines that were
	// dropped since it was last called. It may log.
	recovered func(lines int)

	mu      sync.Mutex // guards what follows
	queue   queue
	waiting int            // bytes in the queue and in the block that is being written
	lost    int            // lines dropped since recovered was last called
	dropped map[string]int // lines dropped since the start, by reason
	due     bool           // what is in the queue is to be written now
	closed  bool
	flush   *time.Timer   // makes a queue of request lines due
	wake    chan struct{} // takes one without blocking: the queue is due, or the sink is closed
	ended   chan struct{} // closed when the writing goroutine has ended
}

// DefaultSize is the number of bytes that wait at most: about two seconds of a busy gateway.
const DefaultSize = 8 << 20

// New starts a sink that writes to w. recovered may be nil. Close ends it.
func New(w io.Writer, size int, recovered func(lines int)) *Sink {
	s := &Sink{to: w, size: size, recovered: recovered, dropped: map[string]int{droppedFull: 0, droppedError: 0},
		wake: make(chan struct{}, 1), ended: make(chan struct{})}
	s.flush = time.AfterFunc(FlushAfter, s.makeDue)
	s.flush.Stop()
	go s.run()
	return s
}

// Write queues one line, to be written at once. It never blocks and never fails, because callers of a logger cannot handle
// its errors.
func (s *Sink) Write(line []byte) (int, error) {
	s.add(line, s.size, true)
	return len(line), nil
}

// Ordinary returns the same queue for lines that may wait for [FlushAfter] and fill only three quarters of it.
func (s *Sink) Ordinary() io.Writer { return ordinary{s} }

type ordinary struct{ s *Sink }

func (o ordinary) Write(line []byte) (int, error) {
	o.s.add(line, o.s.size/4*3, false)
	return len(line), nil
}

func (s *Sink) add(line []byte, room int, now bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting+len(line) > room {
		s.drop(droppedFull, 1)
		return
	}
	first := s.queue.empty()
	full := s.queue.add(line)
	s.waiting += len(line)
	switch {
	case s.due: // the writing goroutine has been woken
	case now, full:
		s.due = true
		s.wakeUp()
	case first:
		s.flush.Reset(FlushAfter)
	}
}

func (s *Sink) makeDue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = true
	s.wakeUp()
}

// drop is called with the lock held.
func (s *Sink) drop(why string, lines int) {
	s.dropped[why] += lines
	s.lost += lines
}

func (s *Sink) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Sink) run() {
	defer close(s.ended)
	for {
		b, end := s.next()
		switch {
		case end:
			return
		case b == nil:
			<-s.wake
		default:
			n, err := s.to.Write(b.text)
			s.wrote(b, n, err)
		}
	}
}

// next takes the oldest block; nil if no block is due. It keeps its room until it is written.
func (s *Sink) next() (b *block, end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue.empty() {
		s.due = false
		return nil, s.closed
	}
	if !s.due && !s.closed {
		return nil, false
	}
	return s.queue.take(), false
}

// wrote accounts for a block of which n bytes were written. Dropped lines are reported as soon as lines are written again.
func (s *Sink) wrote(b *block, n int, err error) {
	s.mu.Lock()
	s.waiting -= len(b.text)
	lost := 0
	if err != nil {
		s.drop(droppedError, b.linesAfter(n))
	} else {
		lost, s.lost = s.lost, 0
	}
	s.queue.recycle(b)
	s.mu.Unlock()
	if lost > 0 && s.recovered != nil {
		s.recovered(lost)
	}
}

// Close writes the lines that wait and ends the sink; lines that are not written when ctx ends are lost with the process.
// Later lines are dropped. The writing goroutine cannot be ended while its write blocks: then it keeps running.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.flush.Stop()
	s.wakeUp()
	s.mu.Unlock()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
