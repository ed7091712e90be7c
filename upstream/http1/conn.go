package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"syscall"
	"time"
)

const readBuffer = 16 << 10

// conn is a connection to the server. One exchange uses it at a time.
type conn struct {
	net.Conn
	t     *Transport
	in    *bufio.Reader
	used  bool      // for an exchange before this one
	until time.Time // the deadline that is set; zero: none
	since time.Time // idle since

	raw  syscall.RawConn // nil: not a socket
	look func(fd uintptr)
	dead bool // what look found

	stop   func() bool // ends the watch over the context of this exchange
	abort  func()      // closes the connection
	upload *upload     // sends the body of this request; nil: all was sent at once
	wrote  int64       // bytes of this request, without those of upload
}

func newConn(t *Transport, dialled net.Conn) *conn {
	c := &conn{Conn: dialled, t: t, in: bufio.NewReaderSize(dialled, readBuffer)}
	c.look, c.abort = c.lookAt, func() { _ = c.Close() }
	if socket, ok := dialled.(syscall.Conn); ok {
		c.raw, _ = socket.SyscallConn() // without it, only writing shows that the server has hung up
	}
	return c
}

// exchange sends a request and reads the header of its answer. On an error the connection is closed; again reports whether
// the request may be sent on another one.
func (c *conn) exchange(req *http.Request, call Call, trace *httptrace.ClientTrace) (resp *http.Response, again bool, err error) {
	ctx := req.Context()
	c.stop = context.AfterFunc(ctx, c.abort)
	c.wrote, c.upload = 0, nil
	err = c.send(req, call.HeaderTimeout)
	if err == nil || c.wrote > 0 && !isTimeout(err) { // the server may have answered before it closed the connection
		var first bool
		var read error
		if resp, first, read = c.receive(req, trace); read == nil {
			return resp, false, nil
		}
		again = call.Replay && c.used && !first && noBody(req) && !isTimeout(read)
		if err == nil {
			err = read
		}
	} else {
		again = c.used && noBody(req)
	}
	_ = c.Close()
	c.stop()
	if failed := c.upload.abandon(); failed != nil {
		err = failed
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, again, err
}

// receive reads the header of the final answer, and hands on those of interim ones. began reports whether the server sent
// anything.
func (c *conn) receive(req *http.Request, trace *httptrace.ClientTrace) (_ *http.Response, began bool, err error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, false, fmt.Errorf("http1: reading an answer: %w", unexpected(err))
	}
	limit := c.t.cfg.MaxHeader
	for {
		a, size, err := c.readHead(req, limit)
		if err != nil {
			return nil, true, err
		}
		if status := a.resp.StatusCode; status < 100 || status > 199 || status == http.StatusSwitchingProtocols {
			return c.finalAnswer(req, a), true, nil
		}
		c.upload.proceed(a.resp.StatusCode == http.StatusContinue)
		if limit -= size; trace != nil && trace.Got1xxResponse != nil {
			limit = c.t.cfg.MaxHeader // who takes it limits the number
			if err := trace.Got1xxResponse(a.resp.StatusCode, textproto.MIMEHeader(a.resp.Header)); err != nil {
				return nil, true, err
			}
		}
	}
}

// finalAnswer prepares the body of an answer.
func (c *conn) finalAnswer(req *http.Request, a *answer) *http.Response {
	resp, b := &a.resp, &a.body
	c.upload.answered(!resp.Close && !req.Close)
	keep := !a.alone && !resp.Close && !req.Close && resp.StatusCode >= 200
	switch {
	case isSwitch(resp):
		c.stop() // the connection is the caller's
		c.setDeadline(time.Time{})
		resp.Body = &switched{conn: c}
	case resp.Body == http.NoBody:
		c.release(keep)
	default:
		b.conn, b.keep, resp.Body = c, keep, b
		if b.whole = b.kind == lengthed && b.left <= int64(c.in.Buffered()); !b.whole {
			c.setDeadline(time.Time{})
		}
	}
	return resp
}

// release ends an exchange. The connection is used again if that is possible: the answer was read to its end, and all of the
// request was sent.
func (c *conn) release(reuse bool) {
	stopped := c.stop()
	if reuse && c.in.Buffered() > 0 {
		c.t.cfg.Excess()
		reuse = false
	}
	reuse = reuse && stopped && c.upload.sent()
	if !reuse {
		_ = c.Close()
		return
	}
	c.upload, c.used = nil, true
	c.t.idle.put(c)
}

// expect sets the deadline for an answer, or for sending a request and its answer. One that is set already may stay if it is
// later by less than a second, because setting one costs as much as a small write.
func (c *conn) expect(timeout time.Duration) {
	if timeout <= 0 {
		c.setDeadline(time.Time{})
		return
	}
	now, slack := time.Now(), min(timeout/8, time.Second)
	if left := c.until.Sub(now); left < timeout || left > timeout+slack {
		c.setDeadline(now.Add(timeout + slack))
	}
}

func (c *conn) setDeadline(at time.Time) {
	if at.Equal(c.until) {
		return
	}
	c.until = at
	_ = c.SetDeadline(at) // fails on a closed connection, which the next read shows
}

// writeInTime limits the time of the next write; 0: no limit. It leaves the deadline for reading alone.
func (c *conn) writeInTime(limit time.Duration) {
	if c.t.cfg.WriteTimeout <= 0 {
		return
	}
	var at time.Time
	if limit > 0 {
		at = time.Now().Add(limit)
	}
	_ = c.SetWriteDeadline(at) // fails on a closed connection, which the next write shows
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// switched is the body of a 101: the connection, which now speaks another protocol.
type switched struct{ conn *conn }

func (s *switched) Read(p []byte) (int, error) {
	if n := s.conn.in.Buffered(); n > 0 {
		return s.conn.in.Read(p[:min(len(p), n)])
	}
	return s.conn.Read(p)
}

func (s *switched) Write(p []byte) (int, error) { return s.conn.Write(p) }

func (s *switched) Close() error { return s.conn.Close() }

// CloseWrite is what httputil.ReverseProxy calls when the client sends no more.
func (s *switched) CloseWrite() error {
	if half, ok := s.conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return http.ErrNotSupported
}
