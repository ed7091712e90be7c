package pool

import (
	"context"
	"errors"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// startSpan begins the span of one call of WordPress, from sending it to the header of the answer, and writes it into the
// request as its traceparent. It returns nil if the request that the call belongs to is not recorded; then the header of the
// client passes unchanged.
func startSpan(req *http.Request, c Call) trace.Span {
	parent := trace.SpanFromContext(req.Context())
	if !parent.IsRecording() {
		return nil
	}
	tracer := parent.TracerProvider().Tracer("cocart-gateway/upstream")
	ctx, span := tracer.Start(req.Context(), "wordpress "+string(c), trace.WithSpanKind(trace.SpanKindClient))
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	return span
}

// endSpan ends a span of startSpan.
func endSpan(span trace.Span, node string, resp *http.Response, err error) {
	if span == nil {
		return
	}
	span.SetAttributes(attribute.String("cocart_gateway.node", node))
	switch {
	case err != nil:
		span.SetStatus(codes.Error, reasonOf(err))
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
		if resp.StatusCode >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(resp.StatusCode))
		}
	}
	span.End()
}

// reasonOf names what became of a call without the text of the error, which may quote an answer.
func reasonOf(err error) string {
	for _, known := range []error{ErrUnavailable, ErrBusy, ErrTimeout, context.Canceled} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "failed"
}
