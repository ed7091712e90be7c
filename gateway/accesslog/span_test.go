package accesslog_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"cocart-gateway/gateway/accesslog"
)

// Without tracing a request pays for nothing but the look into its context.
func TestWithoutASpanNothingIsAllocated(t *testing.T) {
	line := &accesslog.Line{Request: httptest.NewRequest(http.MethodPost, "/wp-json/cocart/v2/login", nil), Target: "/wp-json/cocart/v2/login", Status: 200}
	ctx := line.Request.Context()
	if n := testing.AllocsPerRun(100, func() {
		if accesslog.TraceOf(ctx) != "" {
			t.Error("a trace of nothing")
		}
		line.Describe(ctx)
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func TestASpanSaysLessThanTheLine(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	tracer := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test")
	ctx, span := tracer.Start(t.Context(), "POST")
	r := httptest.NewRequest(http.MethodPost, "/Produkt/4711/canary-1?key=canary", nil)
	r.Header.Set("User-Agent", "canary")
	line := &accesslog.Line{Request: r, Target: r.RequestURI, ID: "id-1", Route: "site", Storefront: true, Status: 503, Code: "cocart_gateway_busy", User: 17, Session: "canary"}
	line.Describe(ctx)
	span.End()
	if accesslog.TraceOf(ctx) != span.SpanContext().TraceID().String() {
		t.Error("the trace has another id")
	}
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Name() != "POST site" || ended[0].Status().Code != codes.Error {
		t.Fatalf("%v", ended)
	}
	got := map[attribute.Key]string{}
	for _, a := range ended[0].Attributes() {
		got[a.Key] = a.Value.String()
	}
	want := map[attribute.Key]string{"http.request.method": "POST", "http.response.status_code": "503", "url.path": "/{}/{}/{}", "error.type": "cocart_gateway_busy",
		"cocart_gateway.route": "site", "cocart_gateway.request_id": "id-1", "cocart_gateway.upstream_seconds": "0"}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("more than wanted: %v", got)
	}
}
