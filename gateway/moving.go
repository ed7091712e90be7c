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

	"cocart-gateway/gateway/pace"
	"cocart-gateway/gateway/respond"
)

// A client that takes nothing of its answer, or sends nothing of its body, would hold its connection, and a place among
// limits.connections, for as long as it likes; so would one that moves a byte now and then. Package pace says how fast
// both must move. A body may stand still for Stall, and for an eighth more at most.

// pace is for a body of which the storefront is the reader or the writer.
func (b BoundsConfig) pace(rate int64) pace.Pace {
	p := pace.Pace{Stall: b.Stall, Slack: max(0, b.Stall) / 8}
	if rate <= 0 {
		return p
	}
	if p.Allowance, p.Rate = b.Stall, rate; b.Stall <= 0 {
		p.Allowance, p.Slack = defaultStall, defaultStall/8
	}
	return p
}

// hurry makes the client take what is written next. Only a test's writer has no deadlines.
func (w *recorder) hurry() {
	if at, due := w.taken.Deadline(time.Now()); due {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(at)
	}
}

// sending runs one write or flush, which waits for nobody but the client.
func (w *recorder) sending(send func() (int, error)) (int, error) {
	w.hurry()
	begin := time.Now()
	n, err := send()
	w.taken.Moved(n, time.Since(begin))
	return n, err
}

// FlushError is how http.ResponseController flushes: what a stream writes waits for the client here.
func (w *recorder) FlushError() error {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	_, err := w.sending(func() (int, error) { return 0, http.NewResponseController(w.ResponseWriter).Flush() })
	return err
}

// arrivingBody is the body of a request: it counts what is read of it, by whoever reads it, which may be the transport
// when the record is written already; and it must not stand still.
type arrivingBody struct {
	io.ReadCloser
	received *atomic.Int64
	w        http.ResponseWriter // of the same request
	gone     func() error        // why the request is over; nil: it is not

	reading sync.Mutex       // held while reading
	refused *respond.Failure // what a Read found wrong
	ended   error            // what the last Read returned: net/http says io.EOF after io.ErrUnexpectedEOF

	mu   sync.Mutex // guards what follows
	pace pace.Pace
}

// receive follows the body of a request from its first byte on. What is read of it without us is net/http throwing
// away what a handler left, for which the last deadline holds, too. It does so before the header of an answer leaves,
// so the time that may take is not the answer's.
func (g *Gateway) receive(x *exchange) {
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	x.arriving = &arrivingBody{ReadCloser: x.r.Body, received: &x.received, w: x.w.ResponseWriter, gone: x.r.Context().Err,
		pace: g.cfg.Bounds.pace(g.cfg.Bounds.UploadRate)}
	x.w.taken.First = max(0, g.cfg.Bounds.Stall) + g.cfg.Bounds.BodyTime
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
	begin := time.Now()
	n, err := b.ReadCloser.Read(p)
	b.moved(n, time.Since(begin))
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
		b.refused = respond.Fail(respond.BodyTimeout).Because(err)
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
	if at, due := b.pace.Deadline(time.Now()); due {
		_ = http.NewResponseController(b.w).SetReadDeadline(at)
	}
}

func (b *arrivingBody) moved(n int, waited time.Duration) {
	b.received.Add(int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace.Moved(n, waited)
}

// within replaces the pace: nothing of the body waits on the way to WordPress for longer than that, but for the time
// that its bytes earn.
func (b *arrivingBody) within(p pace.Pace) {
	b.mu.Lock()
	b.pace = p
	b.mu.Unlock()
	b.hurry()
}

// rest sets no more deadlines: the body has ended, or the connection is no longer this request's.
func (b *arrivingBody) rest() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace = pace.Pace{}
}

// refusal is what was wrong with the body; nil: nothing. It waits for a read under way, which ends with its deadline at
// the latest.
func (b *arrivingBody) refusal() *respond.Failure {
	if b == nil {
		return nil
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.refused
}
