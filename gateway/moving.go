package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A client that takes nothing of its answer, or sends nothing of its body, would hold its connection, and a place among
// limits.connections, for as long as it likes: ten thousand of them are a shop that nobody gets into. So both must move.
// Deadlines are renewed when they are an eighth older than they need be and not with every write, since each costs
// about as much as a small write; a body may stand still for Stall, and for an eighth more at most.

// deadlines follow each other on one side of a connection. The zero value is none.
type deadlines struct {
	patience time.Duration // not positive: none
	first    time.Duration // what the first one has besides
	last     time.Time
}

// due is the next deadline, when it is time to set it.
func (d *deadlines) due() (at time.Time, yes bool) {
	if d.patience <= 0 {
		return at, false
	}
	now := time.Now()
	if now.Sub(d.last) < d.patience/8 {
		return at, false
	}
	at = now.Add(d.patience + d.patience/8)
	if d.last.IsZero() {
		at = at.Add(d.first)
	}
	d.last = now
	return at, true
}

// hurry makes the client take what is written next. Only a test's writer has no deadlines.
func (w *recorder) hurry() {
	if at, due := w.taken.due(); due {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(at)
	}
}

// arrivingBody is the body of a request: it counts what is read of it, by whoever reads it, which may be the transport
// when the record is written already; and it must not stand still.
type arrivingBody struct {
	io.ReadCloser
	received *atomic.Int64
	w        http.ResponseWriter // of the same request
	gone     func() error        // why the request is over; nil: it is not

	reading sync.Mutex // held while reading
	refused *Failure   // what a Read found wrong
	ended   error      // what the last Read returned: net/http says io.EOF after io.ErrUnexpectedEOF

	mu        sync.Mutex // guards what follows
	deadlines deadlines
}

// receive follows the body of a request from its first byte on. What is read of it without us is net/http throwing
// away what a handler left, for which the last deadline holds, too. It does so before the header of an answer leaves,
// so the time that may take is not the answer's.
func (g *Gateway) receive(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	x.arriving = &arrivingBody{ReadCloser: x.r.Body, received: &x.received, w: x.w.ResponseWriter, gone: x.r.Context().Err,
		deadlines: deadlines{patience: g.cfg.Bounds.Stall}}
	x.w.taken.first = g.cfg.Bounds.Stall + g.cfg.Bounds.BodyTime
	x.arriving.hurry()
	x.r.Body = x.arriving
}

func (b *arrivingBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended != nil {
		return 0, b.ended
	}
	b.hurry()
	n, err := b.ReadCloser.Read(p)
	b.received.Add(int64(n))
	if err == nil {
		return n, nil
	}
	b.rest()
	b.ended = b.endOf(err)
	return n, b.ended
}

func (b *arrivingBody) endOf(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.refused = &Failure{Status: http.StatusRequestTimeout, Code: "cocart_gateway_body_timeout",
			Message: "The request body did not arrive in time.", Cause: err}
	case b.gone() != nil, errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(net.Error)):
		// As net/http has it where a client leaves while it waits for an answer. The transport hands this back.
		return fmt.Errorf("%w: the client left in the middle of its body: %w", context.Canceled, err)
	default: // a chunk of no length, for one
		b.refused = unreadable(err)
	}
	return b.refused
}

func (b *arrivingBody) hurry() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, due := b.deadlines.due(); due {
		_ = http.NewResponseController(b.w).SetReadDeadline(at)
	}
}

// rest sets no more deadlines: the body has ended, or has one for all of it, or the connection is no longer this
// request's.
func (b *arrivingBody) rest() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadlines.patience = 0
}

// refusal is what was wrong with the body; nil: nothing. It waits for a read under way, which ends with its deadline at
// the latest.
func (b *arrivingBody) refusal() *Failure {
	if b == nil {
		return nil
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.refused
}
