package logsink

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Switch is a slog.Handler that passes records to another handler, which a reload replaces. Loggers that were made before
// stay valid.
type Switch struct {
	to    *atomic.Pointer[slog.Handler] // shared with the switches that WithAttrs and WithGroup derive
	steps []func(slog.Handler) slog.Handler
	mine  atomic.Pointer[derived]
}

// derived is a handler after the steps. It is kept as long as the handler that it was made of is in use.
type derived struct{ of, handler *slog.Handler }

// NewSwitch returns a Switch that passes records to h.
func NewSwitch(h slog.Handler) *Switch {
	s := &Switch{to: &atomic.Pointer[slog.Handler]{}}
	s.Use(h)
	return s
}

// Use replaces the handler. It may be called at any time.
func (s *Switch) Use(h slog.Handler) { s.to.Store(&h) }

func (s *Switch) handler() slog.Handler {
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

// Enabled implements slog.Handler.
func (s *Switch) Enabled(ctx context.Context, l slog.Level) bool {
	return s.handler().Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (s *Switch) Handle(ctx context.Context, r slog.Record) error {
	return s.handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *Switch) WithAttrs(attrs []slog.Attr) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements slog.Handler.
func (s *Switch) WithGroup(name string) slog.Handler {
	return s.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (s *Switch) with(step func(slog.Handler) slog.Handler) slog.Handler {
	return &Switch{to: s.to, steps: append(s.steps[:len(s.steps):len(s.steps)], step)}
}
