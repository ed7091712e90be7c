package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// heldBody survives an attempt to connect that fails, after which net/http closes
// the body of the request although nobody has read any of it.
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

// readAhead is how much of a request's body is in memory before it takes a place:
// places must not be had for sending one byte a second. Bodies of shoppers are
// smaller; what is larger goes on as a stream.
const readAhead = 64 << 10

// signedAhead is the same for a request with an identity: what tells WordPress whose it is is good for half a minute from
// when it was signed, and a body that is slow but keeps its rate may take longer.
const signedAhead = 1 << 20

func aheadOf(k Kind) int64 {
	if k == Site || k == Observed {
		return readAhead
	}
	return signedAhead
}

// buffered reports also whether that is the whole body.
func buffered(r *http.Request, ahead int64) (_ *http.Request, whole bool, err error) {
	if noBody(r) {
		return r, true, nil
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, ahead))
	if err != nil {
		return nil, false, err
	}
	whole = int64(len(head)) < ahead || int64(len(head)) == r.ContentLength
	out := *r
	out.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	return &out, whole, nil
}

// movingBody is the body of an answer that must not stand still: WordPress may
// have got stuck, or a client may have stopped to take what it asked for. It then
// ends with [ErrTimeout], and the request's place is free.
type movingBody struct {
	io.ReadCloser
	patience time.Duration
	place    *place
	timer    *time.Timer
	stuck    atomic.Bool
}

func keepMoving(resp *http.Response, patience time.Duration, pl *place) {
	if patience <= 0 || resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		return
	}
	b := &movingBody{ReadCloser: resp.Body, patience: patience, place: pl}
	b.timer = time.AfterFunc(patience, b.giveUp)
	resp.Body = b
}

func (b *movingBody) giveUp() {
	b.stuck.Store(true)
	_ = b.ReadCloser.Close() // ends a Read that waits, and the connection
	b.place.leave()
}

// Read takes what is there even in the moment of giving up: an answer whose end
// has come is a whole one.
func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		b.timer.Reset(b.patience)
	case b.stuck.Load() && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("%w: the answer stood still for %s", ErrTimeout, b.patience)
	default:
		b.timer.Stop()
	}
	return n, err
}

func (b *movingBody) Close() error {
	b.timer.Stop()
	return b.ReadCloser.Close()
}
