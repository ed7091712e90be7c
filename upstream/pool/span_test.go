package pool

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestWithoutASpanACallCostsNothing(t *testing.T) {
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Traceparent", "as the client sent it")
	if n := testing.AllocsPerRun(100, func() {
		endSpan(startSpan(req, CoCartCall), "node", nil, ErrBusy)
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
	if got := req.Header.Get("Traceparent"); got != "as the client sent it" {
		t.Errorf("WordPress would get %q", got)
	}
}

// The text of an error may quote an answer or name an address.
func TestAFailedCallHasItsReasonAndNotItsText(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	ctx, parent := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test").Start(t.Context(), "request")
	for err, want := range map[error]string{
		Classify(errors.New("malformed header canary")): ErrUnavailable.Error(),
		fmt.Errorf("canary: %w", ErrTimeout):            ErrTimeout.Error(),
		errors.New("canary"):                            "failed",
	} {
		req := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
		endSpan(startSpan(req, SiteCall), "node", nil, err)
		ended := spans.Ended()
		last := ended[len(ended)-1]
		if last.Name() != "wordpress site" || last.Status().Description != want || last.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s with %q below %s", last.Name(), last.Status().Description, last.Parent().SpanID())
		}
	}
}
