package http1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
)

// The ways in which the end of a body is found.
const (
	lengthed = iota // by Content-Length
	chunked
	untilClose // by the end of the connection
)

// The states of a body.
const (
	open   = iota
	over   // read to its end, or broken
	closed // by its reader
)

// body is the body of an answer. One goroutine may read; Close may be called by another, and ends a Read that waits.
type body struct {
	resp   *http.Response
	conn   *conn
	kind   int
	left   int64     // of a body with a length
	chunks io.Reader // of one in chunks
	whole  bool
	keep   bool // the connection may be used again after the end
	state  atomic.Int32
	err    error // what each further Read returns
}

// Whole reports whether all of the body has arrived: no Read will wait for the server.
func (b *body) Whole() bool { return b.whole }

// Read implements [io.Reader]. It returns io.EOF with the last bytes where it can, so that the connection is free early.
func (b *body) Read(p []byte) (n int, err error) {
	if b.state.Load() == closed {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.kind == chunked {
		n, err = b.chunks.Read(p)
	} else if b.kind == lengthed && int64(len(p)) > b.left {
		n, err = b.conn.in.Read(p[:b.left])
	} else {
		n, err = b.conn.in.Read(p)
	}
	b.left -= int64(n)
	switch {
	case b.kind == lengthed && b.left == 0, b.kind == untilClose && errors.Is(err, io.EOF):
		return n, b.end(nil)
	case b.kind == chunked && err == io.EOF: //nolint:errorlint // a broken body wraps it
		return n, b.end(b.readTrailer())
	case err != nil:
		return n, b.end(unexpected(err))
	}
	return n, nil
}

// end ends the exchange; failed is nil at the end of the body.
func (b *body) end(failed error) error {
	b.err = io.EOF
	ctx := b.resp.Request.Context()
	reuse := failed == nil && b.keep
	if b.state.CompareAndSwap(open, over) {
		b.conn.release(reuse)
	} else if failed != nil {
		failed = http.ErrBodyReadAfterClose
	}
	if failed == nil {
		return io.EOF
	}
	if b.err = failed; ctx.Err() != nil {
		b.err = context.Cause(ctx)
	}
	return b.err
}

// Close implements [io.Closer]. A connection whose answer was not read to its end is closed.
func (b *body) Close() error {
	if b.state.CompareAndSwap(open, closed) {
		b.conn.release(false)
	}
	return nil
}
