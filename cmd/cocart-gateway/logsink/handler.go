package logsink

import (
	"context"
	"io"
	"log/slog"
)

// requestMessage is the message of a line about one request (gateway/record.go).
const requestMessage = "request"

// NewHandler returns a handler that logs into s. Lines about single requests may fill only part of the queue, because a
// flood of requests makes a flood of such lines: lines about attacks, sessions and failures still have room. Lines are
// written in the order in which they were logged. format makes the handler that writes to one part of the queue.
func NewHandler(s *Sink, format func(io.Writer) slog.Handler) slog.Handler {
	return handler{format(s), format(s.Ordinary())}
}

type handler struct{ important, requests slog.Handler }

func (h handler) Enabled(ctx context.Context, l slog.Level) bool { return h.important.Enabled(ctx, l) }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == requestMessage && r.Level < slog.LevelWarn {
		return h.requests.Handle(ctx, r)
	}
	return h.important.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.important.WithAttrs(attrs), h.requests.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.important.WithGroup(name), h.requests.WithGroup(name)}
}
