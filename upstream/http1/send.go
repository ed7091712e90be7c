package http1

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bytes is a request's body that is in memory. It is sent together with the header if it is short.
type Bytes struct{ bytes.Reader }

// NewBytes returns a body of these bytes, which must not change any more.
func NewBytes(b []byte) *Bytes {
	body := &Bytes{}
	body.Reset(b)
	return body
}

// Close does nothing.
func (*Bytes) Close() error { return nil }

// shortBody is sent with the header. It fits into the buffers of an empty connection, so that a server which answers without
// reading it does not stop the write.
const shortBody = 16 << 10

// continueWait is how long a body waits for 100 Continue, as in net/http's DefaultTransport.
const continueWait = time.Second

// sentWait is how long the end of a request may take after that of its answer. The connection is closed then.
const sentWait = 50 * time.Millisecond

// buffers hold what is written: the header of a request, or a part of its body.
var buffers = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, shortBody)} }}

type buffer struct{ b []byte }

func (b *buffer) free() {
	if cap(b.b) <= 4*shortBody {
		b.b = b.b[:0]
		buffers.Put(b)
	}
}

func noBody(req *http.Request) bool { return req.Body == nil || req.Body == http.NoBody }

// length is that of the body that follows a header; less than zero: unknown.
func length(req *http.Request) int64 {
	if noBody(req) || req.ContentLength != 0 {
		return max(req.ContentLength, -1)
	}
	if b, ok := req.Body.(*Bytes); ok && b.Len() == 0 {
		return 0
	}
	return -1
}

// send writes a request. A body that is not in memory, or long, is sent by a goroutine.
func (c *conn) send(req *http.Request, timeout time.Duration) error {
	out := buffers.Get().(*buffer)
	defer out.free()
	size := length(req)
	short := noBody(req)
	if b, ok := req.Body.(*Bytes); ok && b.Len() <= shortBody && !expectsContinue(req) && (size < 0 || size == int64(b.Len())) {
		short = true
	}
	var err error
	if out.b, err = appendHead(out.b, req, size); err != nil {
		closeBody(req)
		return err
	}
	if short {
		c.expect(timeout)
		out.b = appendBody(out.b, req, size)
		closeBody(req)
		return c.write(out.b)
	}
	c.expect(0)
	c.writeInTime(c.t.cfg.WriteTimeout)
	if err := c.write(out.b); err != nil {
		closeBody(req)
		return err
	}
	c.upload = &upload{conn: c, body: req.Body, length: size, timeout: timeout, done: make(chan struct{})}
	if expectsContinue(req) {
		c.upload.ready = make(chan bool, 1)
	}
	go c.upload.run()
	return nil
}

func (c *conn) write(b []byte) error {
	n, err := c.Write(b)
	c.wrote += int64(n)
	if err != nil {
		return fmt.Errorf("http1: sending a request: %w", err)
	}
	return nil
}

// appendBody appends a body that is in memory.
func appendBody(out []byte, req *http.Request, size int64) []byte {
	b, ok := req.Body.(*Bytes)
	if !ok {
		return out
	}
	if size >= 0 {
		return appendAll(out, b)
	}
	if n := b.Len(); n > 0 {
		out = strconv.AppendInt(out, int64(n), 16)
		out = append(out, "\r\n"...)
		out = append(appendAll(out, b), "\r\n"...)
	}
	return append(out, "0\r\n\r\n"...)
}

func appendAll(out []byte, b *Bytes) []byte {
	n, at := b.Len(), len(out)
	if cap(out)-at < n {
		out = append(make([]byte, 0, at+n+16), out...)
	}
	_, _ = b.Read(out[at : at+n]) // it has as many
	return out[:at+n]
}

func expectsContinue(req *http.Request) bool {
	values := req.Header["Expect"]
	return len(values) > 0 && !noBody(req) && req.ProtoAtLeast(1, 1) && strings.Contains(strings.ToLower(values[0]), "100-continue")
}

// upload sends the body of one request while the answer is waited for. A nil one has nothing to send.
type upload struct {
	conn    *conn
	body    io.ReadCloser
	length  int64 // less than zero: chunked
	timeout time.Duration
	ready   chan bool // takes one: whether the server wants the body; nil: it was not asked
	done    chan struct{}

	mu       sync.Mutex
	answer   bool  // the answer has begun
	complete bool  // all of the body was sent
	failed   error // the body could not be read, or the server does not accept it
}

func (u *upload) run() {
	defer close(u.done)
	defer func() { _ = u.body.Close() }()
	if u.ready != nil && !u.wanted() {
		return
	}
	failed, err := u.copy()
	u.conn.writeInTime(0)
	u.mu.Lock()
	defer u.mu.Unlock()
	if failed == nil && !u.answer && isTimeout(err) {
		failed = fmt.Errorf("http1: the server does not accept the body: %w", err)
	}
	u.failed, u.complete = failed, failed == nil && err == nil
	switch {
	case failed != nil:
		_ = u.conn.Close() // half a request must not be taken for a whole one, and the answer is not waited for any longer
	case !u.answer:
		u.conn.expect(u.timeout)
	}
}

// wanted waits until the server asks for the body, or has not answered for so long that it may not know the question
// (RFC 9110 section 10.1.1).
func (u *upload) wanted() bool {
	timer := time.NewTimer(continueWait)
	defer timer.Stop()
	select {
	case wanted := <-u.ready:
		return wanted
	case <-timer.C:
		return true
	}
}

// copy returns an error of reading the body, and one of sending it.
func (u *upload) copy() (failed, err error) {
	out := buffers.Get().(*buffer)
	defer out.free()
	var body io.Reader = u.body
	if u.length >= 0 {
		body = io.LimitReader(body, u.length)
	}
	piece := out.b[:shortBody]
	for sent := int64(0); ; {
		const before, after = 8, 2 // room for the size of a chunk in front of it, and for the end of its line
		n, failed := body.Read(piece[before : shortBody-after])
		sent += int64(n)
		if err := u.write(piece, before, n); err != nil {
			return nil, err
		}
		switch {
		case failed == io.EOF: //nolint:errorlint // what a Reader returns at its end
			return u.end(sent)
		case failed != nil:
			return failed, nil
		}
	}
}

// write sends n bytes of the body, which are in piece from at on.
func (u *upload) write(piece []byte, at, n int) error {
	if n == 0 {
		return nil
	}
	u.conn.writeInTime(u.conn.t.cfg.WriteTimeout)
	if u.length >= 0 {
		_, err := u.conn.Write(piece[at : at+n])
		return err
	}
	var size [8]byte
	head := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
	begin := at - len(head)
	copy(piece[begin:], head)
	copy(piece[at+n:], "\r\n")
	_, err := u.conn.Write(piece[begin : at+n+2])
	return err
}

// end checks that a body has the length that the header said, and ends one without a length.
func (u *upload) end(sent int64) (failed, err error) {
	if u.length < 0 {
		u.conn.writeInTime(u.conn.t.cfg.WriteTimeout)
		_, err := io.WriteString(u.conn, "0\r\n\r\n")
		return nil, err
	}
	more, failed := io.Copy(io.Discard, u.body)
	if failed == nil && sent+more != u.length {
		failed = fmt.Errorf("http1: the body has %d bytes instead of %d", sent+more, u.length)
	}
	return failed, nil
}

// proceed hands on 100 Continue.
func (u *upload) proceed(is bool) {
	if is {
		u.say(true)
	}
}

// answered notes that the answer has begun. A server that was asked for 100 Continue and answers at once gets the body only
// if the connection stays open.
func (u *upload) answered(stays bool) {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.answer = true
	u.mu.Unlock()
	u.say(stays)
}

func (u *upload) say(wanted bool) {
	if u == nil || u.ready == nil {
		return
	}
	select {
	case u.ready <- wanted:
	default: // it knows already
	}
}

// abandon waits until nothing uses the body any more, after the connection was closed. It returns why the body could not be
// sent, which comes before all other errors: the connection was closed for that.
func (u *upload) abandon() error {
	if u == nil {
		return nil
	}
	u.say(false)
	<-u.done
	return u.failed
}

// sent reports whether the whole body was sent.
func (u *upload) sent() bool {
	if u == nil {
		return true
	}
	select {
	case <-u.done:
		return u.complete
	default:
	}
	timer := time.NewTimer(sentWait)
	defer timer.Stop()
	select {
	case <-u.done:
		return u.complete
	case <-timer.C:
		return false
	}
}
