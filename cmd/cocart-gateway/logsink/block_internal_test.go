package logsink

import (
	"bytes"
	"testing"
)

// Under load several blocks are full while one is written.
func TestWrittenBlocksAreUsedAgain(t *testing.T) {
	var q queue
	line := bytes.Repeat([]byte("x"), 1000)
	round := func() {
		for range 3 * blockSize / len(line) {
			q.add(line)
		}
		for !q.empty() {
			q.recycle(q.take())
		}
	}
	round()
	if n := testing.AllocsPerRun(10, round); n > 6 { // the array of the queue grows
		t.Errorf("%v allocations for three blocks", n)
	}
}

func TestFewWrittenBlocksAreKept(t *testing.T) {
	var q queue
	for range 100 {
		q.recycle(&block{})
	}
	q.recycle(&block{text: make([]byte, 0, 3*blockSize)})
	if len(q.spares) != mostSpares {
		t.Errorf("%d blocks are kept", len(q.spares))
	}
}
