package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"cocart-gateway/gateway/accesslog"
)

// Handler returns next with a span around each request, or next itself on nil.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.begin(r)
		defer func() { span.End() }() // not End itself, which would record the panic of a broken answer
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// begin continues the trace of the request, or begins one that is linked to it (W3C Trace Context section 4.3).
func (t *Tracing) begin(r *http.Request) (context.Context, trace.Span) {
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	ctx := r.Context()
	given := propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	switch {
	case t.cfg.Continues(r):
		ctx = given
	case trace.SpanContextFromContext(given).IsValid():
		options = append(options, trace.WithLinks(trace.LinkFromContext(given)))
	}
	return t.tracer.Start(ctx, accesslog.MethodLabel(r.Method), options...)
}
