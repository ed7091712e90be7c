package pool

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// heldBody survives an attempt to connect that fails, after which net/http closes
// the body of the request although none of it was read.
type heldBody struct {
	io.ReadCloser
	connected atomic.Bool
}

// hold gives a request such a body; nil when it has none.
func hold(req *http.Request) *heldBody {
	if noBody(req) {
		return nil
	}
	if b, again := req.Body.(*heldBody); again {
		return b
	}
	b := &heldBody{ReadCloser: req.Body}
	req.Body = b
	return b
}

func (b *heldBody) letGo() {
	if b != nil {
		b.connected.Store(true)
	}
}

// Close is passed on once there is a connection. Before that nothing is lost: who
// called us closes the body in the end.
func (b *heldBody) Close() error {
	if !b.connected.Load() {
		return nil
	}
	return b.ReadCloser.Close()
}

// movingBody is the body of an answer that must not stand still: WordPress may
// have stopped, or a client may have stopped reading. It then
// ends with [ErrTimeout], and the request's place is free.
type movingBody struct {
	io.ReadCloser
	timeout time.Duration
	place   *Place
	timer   *time.Timer
	stuck   atomic.Bool
}

// keepMoving bounds the pauses of an answer. The place of one that has arrived completely is free at once: WordPress has
// nothing to do for it any more.
func keepMoving(resp *http.Response, timeout time.Duration, pl *Place) {
	if b, ok := resp.Body.(interface{ Whole() bool }); ok && b.Whole() {
		pl.Leave()
		return
	}
	if timeout <= 0 || resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		return
	}
	b := &movingBody{ReadCloser: resp.Body, timeout: timeout, place: pl}
	b.timer = time.AfterFunc(timeout, b.giveUp)
	resp.Body = b
}

func (b *movingBody) giveUp() {
	b.stuck.Store(true)
	_ = b.ReadCloser.Close() // ends a Read that waits, and the connection
	b.place.Leave()
}

// Read takes what is there even in the moment of giving up: an answer whose end
// has come is a whole one.
func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		b.timer.Reset(b.timeout)
	case b.stuck.Load() && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%w: the answer stood still for %s", ErrTimeout, b.timeout)
	default:
		b.timer.Stop()
	}
	return n, err
}

func (b *movingBody) Close() error {
	b.timer.Stop()
	return b.ReadCloser.Close()
}
