package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

// errBug is the cause of a 500 after a panic.
var errBug = errors.New("a bug in the gateway")

// recoverPanic is deferred. It logs where a bug panicked, and answers 500. If the answer has begun, it closes the connection,
// so that the client does not take a part of the answer for all of it. Without recoverPanic net/http would log the panic
// among the errors of clients, and the record would say that the client left.
//
// http.ErrAbortHandler is not a bug: it closes the connection on purpose, and passes.
func (g *Gateway) recoverPanic(x *exchange) {
	thrown := recover()
	if thrown == nil {
		return
	}
	if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		x.flushRelayed()
		panic(http.ErrAbortHandler)
	}
	began := x.w.status != 0
	x.record.bug, x.record.failure, x.record.err = true, g.failureOf(errBug), errBug
	g.log.LogAttrs(context.Background(), slog.LevelError, "a bug ended a request", slog.String("request_id", x.id),
		slog.String("route", string(x.record.class)), slog.String("panic", panicText(thrown)), slog.String("stack", stackTrace()))
	if began || !g.answerPanic(x) {
		panic(http.ErrAbortHandler)
	}
}

// flushRelayed sends the part that arrived of an answer which WordPress broke off. Some PHP code announces a
// Content-Length that is longer than its page, and browsers show the part. Clients notice that it is incomplete: by the
// length, or by the missing last chunk (RFC 9112 section 8).
func (x *exchange) flushRelayed() {
	if x.relayed && x.w.status != 0 {
		_ = http.NewResponseController(x.w).Flush() // the client may have left, too
	}
}

// answerPanic answers 500, and reports whether that worked: it may meet the same bug.
func (g *Gateway) answerPanic(x *exchange) (done bool) {
	defer func() { done = recover() == nil }()
	g.writeError(x, errBug)
	return true
}

// panicText returns the message of Go's own errors, such as one about an index. For other values it returns the type only,
// because their text may quote a client.
func panicText(thrown any) string {
	var own runtime.Error
	if err, ok := thrown.(error); ok && errors.As(err, &own) {
		return own.Error()
	}
	return fmt.Sprintf("%T", thrown)
}

const deepestStack = 64

// stackTrace returns the functions and lines of the panic that is being recovered, innermost first. Unlike debug.Stack it
// leaves out arguments, of which one may be a key.
func stackTrace() string {
	at := make([]uintptr, deepestStack)
	frames := runtime.CallersFrames(at[:runtime.Callers(1, at)])
	var lines []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		lines = append(lines, f.Function+" "+f.File[strings.LastIndexByte(f.File, '/')+1:]+":"+strconv.Itoa(f.Line))
		if f.Function == "runtime.gopanic" {
			lines = nil // the frames so far are those of the recovery
		}
	}
	return strings.Join(lines, "\n")
}
