package accesslog

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// TraceOf returns the id of the trace that a request is recorded in, or "" if it is not recorded.
func TraceOf(ctx context.Context) string {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsSampled() {
		return ""
	}
	return span.TraceID().String()
}

// Describe completes the span of the request, if it has one. It says less than the line: no address, user, agent or host, and
// in the path {} stands for everything that is not a word.
func (l *Line) Describe(ctx context.Context) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	method := MethodLabel(l.Request.Method)
	span.SetName(method + " " + l.Route)
	span.SetAttributes(
		attribute.String("http.request.method", method),
		attribute.Int("http.response.status_code", l.Status),
		attribute.String("url.path", l.words()),
		attribute.String("cocart_gateway.route", l.Route),
		attribute.String("cocart_gateway.request_id", l.ID),
		attribute.Float64("cocart_gateway.upstream_seconds", l.Upstream.Seconds()),
	)
	if l.Outcome != "" {
		span.SetAttributes(attribute.String("cocart_gateway.verdict", l.Outcome))
	}
	if l.Code != "" {
		span.SetAttributes(attribute.String("error.type", l.Code))
	}
	if l.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(l.Status))
	}
}
