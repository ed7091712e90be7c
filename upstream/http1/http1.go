// Package http1 sends requests to one HTTP/1.1 server by plain connections, on the goroutine of the caller.
//
// net/http.Transport has two goroutines for each connection. Each request passes from one to the next four times, which
// costs a third of the CPU of a proxy. Here the caller writes the request and reads the answer itself; only the body of a
// request that is not in memory is sent by a second goroutine, because a server may answer before it has read it.
//
// The rules are those of net/http.Transport (RFC 9112), or stricter: which answers are refused, where an answer ends, what
// is sent, and when a connection is used again. A fuzz test compares both.
//
//   - http1.go: one request: a connection, its answer, another connection where that is safe
//   - idle.go: connections that wait for their next request; alive.go: whether the server has closed one
//   - conn.go: one exchange on one connection
//   - write.go: what is sent; send.go: bodies of requests
//   - head.go: the header of an answer; framing.go: where its body ends
//   - body.go: the body of an answer
//
// http.Transport remains for TLS and HTTP/2.
package http1

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Config describes the server and its connections. All fields but WriteTimeout must be set.
type Config struct {
	// Dial opens a connection to the server.
	Dial func(ctx context.Context) (net.Conn, error)
	// MaxIdle is how many connections wait for their next request at most.
	MaxIdle int
	// IdleTimeout is how long one of them waits.
	IdleTimeout time.Duration
	// WriteTimeout is how long the server may take to accept the next piece (16 KiB) of a body that is not in memory, or long;
	// zero means for ever.
	WriteTimeout time.Duration
	// MaxHeader is the largest header of an answer in bytes.
	MaxHeader int64
	// Dropped is called with the number of malformed lines that were removed from the header of an answer.
	Dropped func(lines int)
	// Excess is called when the server sent something after the end of an answer. That connection is closed.
	Excess func()
}

// Transport sends requests to one server. It is safe for concurrent use.
type Transport struct {
	cfg  Config
	idle idle
}

// New returns a Transport without connections.
func New(cfg Config) *Transport {
	t := &Transport{cfg: cfg}
	t.idle.max, t.idle.timeout = cfg.MaxIdle, cfg.IdleTimeout
	return t
}

// CloseIdle closes the connections that wait. Those in use are closed when their answer has ended, until the next request.
func (t *Transport) CloseIdle() { t.idle.closeAll() }

// Call says how one request is sent.
type Call struct {
	// HeaderTimeout bounds the time from the end of the request to the end of the header of its answer; zero means none.
	HeaderTimeout time.Duration
	// Replay allows to send the request a second time where a connection that was used before breaks off before an answer
	// began: the server may have acted on it. A request with a body is never replayed.
	Replay bool
}

// Do sends a request. It reports whether there was a connection for it: if not, nothing was sent, and the body of the request
// is still open. Otherwise Do closes that body, as an [http.RoundTripper] does.
//
// The caller must read the body of the answer to its end, or close it. When the request's context ends, the connection is
// closed at once, and the error is the cause of that context. An error that is a [net.Error] with Timeout is that of
// HeaderTimeout or WriteTimeout, unless it is one of Dial.
func (t *Transport) Do(req *http.Request, call Call) (resp *http.Response, connected bool, err error) {
	if err := check(req); err != nil {
		closeBody(req)
		return nil, true, err
	}
	ctx := req.Context()
	trace := httptrace.ContextClientTrace(ctx)
	for {
		c, err := t.connect(ctx, !connected)
		if err != nil {
			return nil, connected, err
		}
		connected = true
		if trace != nil && trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{Conn: c.Conn, Reused: c.used})
		}
		resp, again, err := c.exchange(req, call, trace)
		if err == nil {
			return resp, true, nil
		}
		if !again || ctx.Err() != nil {
			return nil, true, err
		}
	}
}

// connect returns an idle connection that the server has not closed, or a new one. Only the first connection of a request may be
// an idle one: a request is sent again only where a connection was used before, so that it is sent twice at most.
func (t *Transport) connect(ctx context.Context, first bool) (*conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for first {
		c := t.idle.take()
		if c == nil {
			break
		}
		if c.alive() {
			return c, nil
		}
		_ = c.Close()
	}
	dialled, err := t.cfg.Dial(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	return newConn(t, dialled), nil
}

// check refuses what could be read as more than one request.
func check(req *http.Request) error {
	if !validMethod(req.Method) {
		return fmt.Errorf("http1: invalid method %q", req.Method)
	}
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("http1: invalid header field name %q", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("http1: invalid header field value for %q", name)
			}
		}
	}
	if req.ContentLength > 0 && req.Body == nil {
		return errors.New("http1: a request with a length has no body")
	}
	return nil
}

func validMethod(method string) bool {
	return httpguts.ValidHeaderFieldName(method) // both are tokens (RFC 9110 section 5.6.2)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
