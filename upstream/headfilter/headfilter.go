// Package headfilter lets pages pass whose header holds lines that net/http's
// client refuses, such as "X Powered By: shop" or a line without a colon. Web
// servers pass such lines on, and browsers ignore them; net/http refuses the whole
// answer (net/textproto, readContinuedLineSlice and ReadMIMEHeader).
//
// A filtered connection removes these lines from the header of each HTTP/1 answer
// and nothing else. Lines that decide where an answer ends are never removed, so
// that no part of a body is taken for another answer (response splitting, RFC 9112
// section 11.1): if one of them is malformed the answer is refused as before.
package headfilter

import (
	"bytes"
	"net"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// Conn is a connection to an HTTP/1 server. One goroutine may read.
type Conn struct {
	net.Conn
	limit   int64
	dropped func(lines int)
	armed   atomic.Bool // an answer begins with what is read next

	head []byte // of an answer whose header is not complete
	line int    // where its last line begins
	out  []byte // what is to be read next
	err  error  // after that
}

// New filters conn. A header longer than limit passes as it came. dropped is called
// with the number of lines that were removed from an answer.
func New(conn net.Conn, limit int64, dropped func(lines int)) *Conn {
	return &Conn{Conn: conn, limit: limit, dropped: dropped}
}

// Expect announces an answer: a request is about to be written. net/http calls
// httptrace's GotConn at this time, and uses a connection again only after the
// answer before was read to its end.
func (c *Conn) Expect() { c.armed.Store(true) }

// Read reads what net/http may see.
func (c *Conn) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		n, err := c.Conn.Read(p)
		if !c.armed.Load() {
			return n, err
		}
		c.head, c.err = append(c.head, p[:n]...), err
		c.take()
		if n == 0 && err == nil {
			return 0, nil
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// take moves complete headers from head to out, that of 100 Continue and its like
// with the one that follows.
func (c *Conn) take() {
	for c.armed.Load() {
		end, line := End(c.head, c.line)
		c.line = line
		if end < 0 {
			if int64(len(c.head)) > c.limit || c.err != nil {
				c.pass(len(c.head))
			}
			return
		}
		interim := isInterim(c.head[:end])
		kept, dropped := Clean(c.head[:end])
		if dropped > 0 {
			c.dropped(dropped)
		}
		c.out = append(c.out, kept...)
		c.head, c.line = c.head[end:], 0
		if !interim {
			c.pass(len(c.head))
		}
	}
}

// pass hands on n bytes as they came; a body follows.
func (c *Conn) pass(n int) {
	c.out = append(c.out, c.head[:n]...)
	c.head, c.line = nil, 0
	c.armed.Store(false)
}

// End returns the length of a header with its empty line; -1: it is not complete. from is where the search begins, 0 or the
// line that End returned for a part of the same header: the beginning of the last line, which was not complete.
func End(head []byte, from int) (end, line int) {
	for line = from; ; {
		i := bytes.IndexByte(head[line:], '\n')
		switch {
		case i < 0:
			return -1, line
		case i == 0, i == 1 && head[line] == '\r':
			return line + i + 1, line
		}
		line += i + 1
	}
}

// isInterim reports whether another header follows: 1xx, except for 101, after
// which the connection speaks another protocol.
func isInterim(head []byte) bool {
	_, status, _ := bytes.Cut(head, []byte(" "))
	status = bytes.TrimLeft(status, " ") // as net/http does
	return len(status) >= 3 && status[0] == '1' && !bytes.HasPrefix(status, []byte("101"))
}

// Clean returns a copy of a header without its malformed lines, and how many those are.
func Clean(head []byte) (kept []byte, dropped int) {
	kept, dropping := make([]byte, 0, len(head)), false
	for n, line := range bytes.SplitAfter(head, []byte("\n")) {
		switch folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t'); {
		case n == 0: // the status line
		case folded && n > 1: // belongs to the line before (obs-fold, RFC 9112 section 5.2)
		default:
			dropping = !isGood(bytes.TrimRight(line, "\r\n"))
			if dropping {
				dropped++
			}
		}
		if !dropping || n == 0 {
			kept = append(kept, line...)
		}
	}
	return kept, dropped
}

// isGood reports whether a line may stay, or has to because it frames the body.
func isGood(line []byte) bool {
	if len(line) == 0 {
		return true
	}
	name, value, colon := bytes.Cut(line, []byte(":"))
	if colon && httpguts.ValidHeaderFieldName(string(name)) && httpguts.ValidHeaderFieldValue(string(bytes.TrimLeft(value, " \t"))) {
		return true
	}
	return frames(line)
}

// framing are names that decide where an answer ends, or what follows it.
var framing = [][]byte{[]byte("content-length"), []byte("transfer-encoding"), []byte("connection"), []byte("upgrade"), []byte("trailer")}

// frames reports whether some reader could take the line for one of them: it holds
// such a name, whatever stands around it.
func frames(line []byte) bool {
	name, _, _ := bytes.Cut(bytes.ToLower(line), []byte(":"))
	for _, word := range framing {
		if bytes.Contains(name, word) {
			return true
		}
	}
	return false
}
