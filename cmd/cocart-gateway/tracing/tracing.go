// Package tracing sends traces of requests to an OpenTelemetry collector, by OTLP over HTTP.
//
//	tracing.go  sampling and export
//	redis.go    the spans of Redis commands
//	request.go  the span of a request, and whose traceparent it continues
//
// Package gateway completes the span of a request (gateway/accesslog), and package upstream adds one for each call of
// WordPress: both find it in the context of the request, and do nothing without one.
//
// A span has no address, user, query, cookie or token, and no argument of a Redis command.
//
// Attack: a client marks each of its requests as sampled, and the collector, which is often paid by volume, gets all of them.
// Prevention: only trusted proxies may have a request traced, unless tracing.parents says otherwise.
package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where traces go and which requests are traced.
type Config struct {
	Endpoint *url.URL // of the collector, to which /v1/traces is added; nil: no traces
	Percent  int      // of the requests that continue no trace, 0 to 100
	// Continues reports whether the traceparent of a request counts: its trace goes on, and it is traced if and only if the
	// header says so. Any other request begins a trace of its own.
	Continues func(*http.Request) bool
	Version   string // of the gateway
	Now       func() time.Time
	Log       *slog.Logger
}

// Tracing traces requests. Nil traces nothing.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	cfg      Config
}

// Open returns nil without an endpoint. It sends nothing yet. OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_CERTIFICATE,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME and OTEL_BSP_… have their usual meaning.
func Open(ctx context.Context, cfg Config) (*Tracing, error) {
	if cfg.Endpoint == nil {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.Endpoint.JoinPath("v1", "traces").String()))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "cocart-gateway"), attribute.String("service.version", cfg.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	otel.SetErrorHandler(&failures{log: cfg.Log, now: cfg.Now})
	root := requestsOnly{sdk.TraceIDRatioBased(float64(cfg.Percent) / 100)}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(about), sdk.WithSampler(sdk.ParentBased(root)))
	return &Tracing{provider, provider.Tracer("cocart-gateway"), cfg}, nil
}

// Close sends what is left, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}

// requestsOnly samples no other roots than requests: the gateway also asks Redis by itself, each second.
type requestsOnly struct{ sdk.Sampler }

// ShouldSample decides about a span without a parent.
func (s requestsOnly) ShouldSample(p sdk.SamplingParameters) sdk.SamplingResult {
	if p.Kind != trace.SpanKindServer {
		return sdk.SamplingResult{Decision: sdk.Drop}
	}
	return s.Sampler.ShouldSample(p)
}

// failures logs that traces cannot be sent, once a minute: a collector that is away fails every five seconds.
type failures struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	logged time.Time // guarded by mu
}

// Handle implements [otel.ErrorHandler].
func (f *failures) Handle(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); f.logged.IsZero() || now.Sub(f.logged) >= time.Minute {
		f.logged = now
		f.log.Warn("traces are not sent", "cause", err.Error())
	}
}
