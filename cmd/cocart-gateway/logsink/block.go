package logsink

import "bytes"

// blockSize is how many bytes are written at once; a longer line is a block of its own. It is what a pipe holds on Linux.
const blockSize = 64 << 10

// block is a number of whole lines.
type block struct{ text []byte }

// linesAfter returns how many lines were not written completely when n bytes were.
func (b *block) linesAfter(n int) int { return bytes.Count(b.text[n:], []byte{'\n'}) }

// queue holds lines in blocks, the oldest first. Its zero value is empty.
type queue struct {
	blocks []*block
	spares []*block // written blocks, for the next lines
}

// mostSpares is how many written blocks are kept: while one is written and one filled, others may be full.
const mostSpares = 4

func (q *queue) empty() bool { return len(q.blocks) == 0 }

// add appends a line, and reports whether a block is full.
func (q *queue) add(line []byte) (full bool) {
	last := len(q.blocks) - 1
	if last < 0 || len(q.blocks[last].text)+len(line) > blockSize {
		q.blocks = append(q.blocks, q.fresh())
		last++
	}
	b := q.blocks[last]
	b.text = append(b.text, line...)
	return last > 0 || len(b.text) > blockSize
}

func (q *queue) fresh() *block {
	last := len(q.spares) - 1
	if last < 0 {
		return &block{}
	}
	b := q.spares[last]
	q.spares = q.spares[:last]
	return b
}

// take removes the oldest block.
func (q *queue) take() *block {
	b := q.blocks[0]
	q.blocks[0] = nil
	if q.blocks = q.blocks[1:]; len(q.blocks) == 0 {
		q.blocks = nil // so that the array of a flood is freed
	}
	return b
}

// recycle keeps a written block for the next lines, unless a long line has made it large, or enough are kept.
func (q *queue) recycle(b *block) {
	if cap(b.text) <= 2*blockSize && len(q.spares) < mostSpares {
		b.text = b.text[:0]
		q.spares = append(q.spares, b)
	}
}
