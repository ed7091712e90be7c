package load

import (
	"bytes"
	"strconv"
)

// answer is what is known of an answer whose bytes arrive.
type answer struct {
	status int
	head   int // bytes of its header; 0 while it is not complete
	body   int // bytes of its body; -1: chunked
	last   bool
}

var (
	endOfHead   = []byte("\r\n\r\n")
	endOfChunks = []byte("\r\n0\r\n\r\n")
	length      = []byte("\r\ncontent-length:")
	chunked     = []byte("\r\ntransfer-encoding:")
	closes      = []byte("\r\nconnection: close")
)

// complete reads what has arrived, and says whether it is the whole answer. The servers here are our own, so the bytes
// behind a chunked body end it, and no header is folded.
func (a *answer) complete(b []byte) bool {
	if a.head == 0 {
		end := bytes.Index(b, endOfHead)
		if end < 0 || end < len("HTTP/1.1 200") {
			return false
		}
		a.read(b[:end+2], end+len(endOfHead))
	}
	if a.body < 0 {
		return bytes.HasSuffix(b[a.head-2:], endOfChunks)
	}
	return len(b) >= a.head+a.body
}

func (a *answer) read(head []byte, end int) {
	a.head = end
	a.status, _ = strconv.Atoi(string(head[9:12])) // 0 is no right answer
	if value, ok := field(head, length); ok {
		a.body, _ = strconv.Atoi(string(value)) // what is no number leaves the answer too short, which shows
	} else if _, ok := field(head, chunked); ok {
		a.body = -1
	}
	_, a.last = field(head, closes)
}

// field finds a header line by its lower-case name with the line end before it, and gives its value.
func field(head, name []byte) ([]byte, bool) {
	for rest := head; ; {
		at := bytes.Index(rest, name[:2])
		if at < 0 || len(rest) < at+len(name) {
			return nil, false
		}
		rest = rest[at:]
		if bytes.EqualFold(rest[:len(name)], name) {
			value, _, _ := bytes.Cut(rest[len(name):], name[:2])
			return bytes.TrimSpace(value), true
		}
		rest = rest[2:]
	}
}
