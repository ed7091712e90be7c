package pace

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

// What can be wrong with a body.
var (
	// ErrSlow reports a body that did not arrive in time.
	ErrSlow = errors.New("the request body did not arrive in time")
	// ErrUnreadable reports a body that is not what HTTP says, such as a chunk without a length.
	ErrUnreadable = errors.New("the request body could not be read")
)

// Body is the body of a request whose client must keep a pace. It counts the bytes that are read. It can be used by
// several goroutines: the transport may read on after the answer is written.
type Body struct {
	io.ReadCloser
	w        http.ResponseWriter // of the same request
	gone     func() error        // why the request is over; nil if it is not
	received atomic.Int64

	reading sync.Mutex // held while reading
	refused error      // what a Read found wrong
	ended   error      // what the last Read returned: net/http says io.EOF after io.ErrUnexpectedEOF

	mu      sync.Mutex // guards what follows
	pace    Pace
	stopped bool
}

// NewBody follows the body of a request from its first byte on. When net/http discards what a handler left unread, the
// last deadline holds, too.
func NewBody(w http.ResponseWriter, r *http.Request, p Pace) *Body {
	b := &Body{ReadCloser: r.Body, w: w, gone: r.Context().Err, pace: p}
	b.setDeadline()
	return b
}

// Received returns how many bytes were read; 0 for a nil Body.
func (b *Body) Received() int64 {
	if b == nil {
		return 0
	}
	return b.received.Load()
}

func (b *Body) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended != nil {
		return 0, b.ended
	}
	b.setDeadline()
	begin := time.Now()
	n, err := b.ReadCloser.Read(p)
	b.moved(n, time.Since(begin))
	if err == nil {
		return n, nil
	}
	b.Stop()
	b.ended = b.endOf(err)
	return n, b.ended
}

func (b *Body) endOf(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, http.ErrBodyReadAfterClose):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.refused = fmt.Errorf("%w: %w", ErrSlow, err)
	case b.gone() != nil, errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(net.Error)):
		// As net/http has it where a client leaves while it waits for an answer. The transport hands this back.
		return fmt.Errorf("%w: the client left in the middle of its body: %w", context.Canceled, err)
	default:
		b.refused = fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return b.refused
}

func (b *Body) setDeadline() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	if at, due := b.pace.Deadline(time.Now()); due {
		_ = http.NewResponseController(b.w).SetReadDeadline(at)
	}
}

func (b *Body) moved(n int, waited time.Duration) {
	b.received.Add(int64(n))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pace.Moved(n, waited)
}

// Within replaces the pace. A body that has ended needs none: net/http watches for the client leaving from then on, and would
// take the end of a deadline for that.
func (b *Body) Within(p Pace) {
	b.mu.Lock()
	b.pace = p
	b.mu.Unlock()
	b.setDeadline()
}

// Stop sets no more deadlines: the body has ended, or the connection is no longer this request's.
func (b *Body) Stop() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
}

// Unread reports whether the body has not ended yet; false for a nil Body.
func (b *Body) Unread() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.stopped
}

// Abandon ends the reading of a body that has not ended, a Read that waits included. It gives net/http the time to discard
// what the client is about to send: a connection that is closed before is reset, and the client may lose its answer.
func (b *Body) Abandon(within time.Duration) {
	if !b.Unread() {
		return
	}
	b.Stop()
	to := http.NewResponseController(b.w)
	_ = to.SetReadDeadline(time.Unix(1, 0))
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.ended == nil {
		b.ended = http.ErrBodyReadAfterClose
	}
	_ = to.SetReadDeadline(time.Now().Add(within))
}

// Err returns what was wrong with the body, or nil. It waits for a read under way, which ends with its deadline at the
// latest.
func (b *Body) Err() error {
	if b == nil {
		return nil
	}
	b.reading.Lock()
	defer b.reading.Unlock()
	return b.refused
}
