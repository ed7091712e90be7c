package pool

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// An upload holds a place while WordPress reads it. A server that stops reading must not do so for ever: http1 bounds what
// it writes, and net/http, which speaks to https origins, has no such limit. There the body is watched: the time from a
// Read to the next one is what the server needs for what was read. In HTTP/2 it is the wait for a window, in which nothing
// is written.

// upload is such a body. The methods beside those of a body may be called on nil.
type upload struct {
	io.ReadCloser
	timeout time.Duration
	client  context.Context // of the request
	watched context.Context // the same, which also ends when the server has stopped

	mu    sync.Mutex
	timer *time.Timer
	over  bool // the server has it all, or has answered
}

// watchUpload returns the request to be sent for req, whose body the server must accept without a pause that is longer than
// timeout; nil if there is nothing to watch.
func watchUpload(req *http.Request, timeout time.Duration) (*http.Request, *upload) {
	if timeout <= 0 || noBody(req) {
		return req, nil
	}
	u := &upload{ReadCloser: req.Body, timeout: timeout, client: req.Context()}
	var end context.CancelCauseFunc // not called otherwise: the answer is read within this context, too
	u.watched, end = context.WithCancelCause(u.client)
	u.timer = time.AfterFunc(timeout, func() {
		end(fmt.Errorf("the server does not accept the body: %w", context.DeadlineExceeded))
	})
	u.timer.Stop()
	sent := req.WithContext(u.watched)
	sent.Body = u
	return sent, u
}

func (u *upload) Read(p []byte) (int, error) {
	u.timer.Stop()
	n, err := u.ReadCloser.Read(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.over {
		u.timer.Reset(u.timeout) // also at the end of the body: the last piece is written then
	}
	return n, err
}

// written ends the watch.
func (u *upload) written() {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	u.timer.Stop()
}

// answered ends the watch when there is an answer or an error. It returns the error, or why the request was ended.
func (u *upload) answered(err error) error {
	u.written()
	if u != nil && err != nil && u.client.Err() == nil && u.watched.Err() != nil {
		return context.Cause(u.watched)
	}
	return err
}
