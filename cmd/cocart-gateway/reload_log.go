package main

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// logSwitch is a slog.Handler that passes records to one which can be exchanged. Who has a logger keeps it.
type logSwitch struct {
	to    *atomic.Pointer[slog.Handler] // shared by all that With made of the first
	steps []func(slog.Handler) slog.Handler
	mine  atomic.Pointer[derived]
}

// derived is a handler after the steps, kept as long as the one it was made of is in use.
type derived struct{ of, handler *slog.Handler }

func newLogSwitch(h slog.Handler) *logSwitch {
	s := &logSwitch{to: &atomic.Pointer[slog.Handler]{}}
	s.use(h)
	return s
}

func (s *logSwitch) use(h slog.Handler) { s.to.Store(&h) }

func (s *logSwitch) handler() slog.Handler {
	of := s.to.Load()
	if len(s.steps) == 0 {
		return *of
	}
	if d := s.mine.Load(); d != nil && d.of == of {
		return *d.handler
	}
	h := *of
	for _, step := range s.steps {
		h = step(h)
	}
	s.mine.Store(&derived{of, &h})
	return h
}

// Enabled, Handle, WithAttrs and WithGroup make it a slog.Handler.
func (s *logSwitch) Enabled(ctx context.Context, l slog.Level) bool {
	return s.handler().Enabled(ctx, l)
}

func (s *logSwitch) Handle(ctx context.Context, r slog.Record) error {
	return s.handler().Handle(ctx, r)
}

func (s *logSwitch) WithAttrs(attrs []slog.Attr) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (s *logSwitch) WithGroup(name string) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (s *logSwitch) with(step func(slog.Handler) slog.Handler) slog.Handler {
	return &logSwitch{to: s.to, steps: append(s.steps[:len(s.steps):len(s.steps)], step)}
}
