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

// errBug is the cause of an answer that a bug of ours prevented.
var errBug = errors.New("a bug in the gateway")

// rescue is deferred: it takes what a bug threw, says in the log where that was, and gives the client 500. An answer
// that has begun cannot be taken back; its connection is cut, so that nobody takes half of it for the whole. Left to
// net/http, a bug would be a line that nobody reads, since the errors of clients are there, too, and a request of
// which the record says that the client left.
//
// http.ErrAbortHandler is no bug but a request to cut the connection, and passes.
func (g *Gateway) rescue(x *exchange) {
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
		slog.String("route", string(x.record.class)), slog.String("panic", said(thrown)), slog.String("stack", callers()))
	if began || !g.apologise(x) {
		panic(http.ErrAbortHandler)
	}
}

// flushRelayed sends what came of an answer of WordPress that broke off. Some PHP
// announces a Content-Length that is longer than its page, and browsers show what
// they have. Nobody can take it for the whole: the length is announced, or the end
// of the last chunk is missing (RFC 9112 section 8).
func (x *exchange) flushRelayed() {
	if x.relayed && x.w.status != 0 {
		_ = http.NewResponseController(x.w).Flush() // the client may have left, too
	}
}

// apologise answers 500, unless that meets the same bug.
func (g *Gateway) apologise(x *exchange) (done bool) {
	defer func() { done = recover() == nil }()
	g.fail(x, errBug)
	return true
}

// said is what Go's own errors say, of an index or a type. Of other texts only the type is told: they may quote what
// a client sent.
func said(thrown any) string {
	var own runtime.Error
	if err, ok := thrown.(error); ok && errors.As(err, &own) {
		return own.Error()
	}
	return fmt.Sprintf("%T", thrown)
}

const deepestStack = 64

// callers tells where the panic was that is being recovered from: functions and lines, innermost first. The stack as
// debug.Stack writes it has arguments, too, a key among them perhaps.
func callers() string {
	at := make([]uintptr, deepestStack)
	frames := runtime.CallersFrames(at[:runtime.Callers(1, at)])
	var lines []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		lines = append(lines, f.Function+" "+f.File[strings.LastIndexByte(f.File, '/')+1:]+":"+strconv.Itoa(f.Line))
		if f.Function == "runtime.gopanic" {
			lines = nil // what comes before is the recovering
		}
	}
	return strings.Join(lines, "\n")
}
