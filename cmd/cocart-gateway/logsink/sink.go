// Package logsink writes log lines without ever blocking the code that logs.
//
// A reader of stderr that stops (a full pipe, a stuck log shipper, a journal on a full disk) blocks write(2). A request
// that waits for its log line then waits for ever, and so does SIGTERM. So lines go into a queue of limited size, and one
// goroutine writes them in their order. Lines that do not fit are dropped and counted.
//
//	sink.go     the queue and its writer
//	handler.go  request lines may fill only part of the queue, so that others have room
//	switch.go   a handler that a reload replaces
//	metrics.go  counts of dropped lines, and the size of the queue
package logsink

import (
	"context"
	"io"
	"sync"
)

// Reasons for dropping a line; the label of the metric.
const (
	droppedFull  = "full"  // the queue had no room
	droppedError = "error" // write(2) failed: the other end of the pipe is closed, or the disk is full
)

// Sink is a queue of log lines in front of a writer. Its methods may be called from any goroutine.
type Sink struct {
	to   io.Writer
	size int // bytes that may wait

	// recovered is called by the writing goroutine when lines are written again, with the number of lines that were
	// dropped since it was last called. It may log.
	recovered func(lines int)

	mu      sync.Mutex // guards what follows
	lines   [][]byte
	waiting int            // bytes in lines
	lost    int            // lines dropped since recovered was last called
	dropped map[string]int // lines dropped since the start, by reason
	closed  bool
	wake    chan struct{} // takes one without blocking: there is a line, or the sink is closed
	ended   chan struct{} // closed when the writing goroutine has ended
}

// DefaultSize is the number of bytes that wait at most: about two seconds of a busy gateway.
const DefaultSize = 8 << 20

// New starts a sink that writes to w. recovered may be nil. Close ends it.
func New(w io.Writer, size int, recovered func(lines int)) *Sink {
	s := &Sink{to: w, size: size, recovered: recovered, dropped: map[string]int{droppedFull: 0, droppedError: 0},
		wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go s.run()
	return s
}

// Write queues one line. It never blocks and never fails, because callers of a logger cannot handle its errors.
func (s *Sink) Write(line []byte) (int, error) {
	s.queue(line, s.size)
	return len(line), nil
}

// Ordinary returns the same queue for lines that may fill only three quarters of it.
func (s *Sink) Ordinary() io.Writer { return ordinary{s} }

type ordinary struct{ s *Sink }

func (o ordinary) Write(line []byte) (int, error) {
	o.s.queue(line, o.s.size/4*3)
	return len(line), nil
}

func (s *Sink) queue(line []byte, room int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.waiting+len(line) > room {
		s.drop(droppedFull)
		return
	}
	s.lines = append(s.lines, append([]byte(nil), line...))
	s.waiting += len(line)
	s.wakeUp()
}

// drop is called with the lock held.
func (s *Sink) drop(why string) {
	s.dropped[why]++
	s.lost++
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
		line, end := s.next()
		switch {
		case end:
			return
		case line == nil:
			<-s.wake
		default:
			_, err := s.to.Write(line)
			s.wrote(len(line), err)
		}
	}
}

// next takes the oldest line; nil if the queue is empty. The line keeps its room until it is written.
func (s *Sink) next() (line []byte, end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) > 0 {
		line, s.lines[0] = s.lines[0], nil
		s.lines = s.lines[1:]
		return line, false
	}
	s.lines = nil // so that the array of a flood is freed
	return nil, s.closed
}

// wrote accounts for one line. Dropped lines are reported as soon as one is written again.
func (s *Sink) wrote(n int, err error) {
	s.mu.Lock()
	s.waiting -= n
	lost := 0
	if err != nil {
		s.drop(droppedError)
	} else {
		lost, s.lost = s.lost, 0
	}
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
	s.wakeUp()
	s.mu.Unlock()
	select {
	case <-s.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
