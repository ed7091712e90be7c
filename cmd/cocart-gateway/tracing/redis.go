package tracing

import (
	"context"
	"strings"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// FollowRedis adds a span for each command that a traced request sends. It has the name of the command alone.
func (t *Tracing) FollowRedis(client redis.UniversalClient) error {
	if t == nil {
		return nil
	}
	return redisotel.InstrumentTracing(client, redisotel.WithTracerProvider(unquoted{t.provider}),
		redisotel.WithDBStatement(false), redisotel.WithCallerEnabled(false), redisotel.WithDialFilter(true))
}

// unquoted makes the spans of Redis commands without the texts of errors: Redis quotes the arguments of a command that it does
// not know.
type unquoted struct{ trace.TracerProvider }

// Tracer implements [trace.TracerProvider].
func (u unquoted) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return unquotedTracer{u.TracerProvider.Tracer(name, options...)}
}

type unquotedTracer struct{ trace.Tracer }

// Start implements [trace.Tracer]. The span of the context it returns is the span itself.
func (u unquotedTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	ctx, span := u.Tracer.Start(ctx, name, options...)
	return ctx, unquotedSpan{span}
}

type unquotedSpan struct{ trace.Span }

// RecordError does nothing: the status says what failed.
func (unquotedSpan) RecordError(error, ...trace.EventOption) {}

// SetStatus keeps what a description says without quoting anything.
func (s unquotedSpan) SetStatus(code codes.Code, description string) {
	s.Span.SetStatus(code, failureIn(description))
}

// failureIn returns the code at the beginning of an error of Redis, such as NOPERM, or the kind of a failed connection.
func failureIn(text string) string {
	code, _, _ := strings.Cut(text, " ")
	if code != "" && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return code
	}
	for _, known := range []string{"timeout", "deadline exceeded", "canceled", "refused", "reset", "no such host", "broken pipe", "closed"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return "failed"
}
