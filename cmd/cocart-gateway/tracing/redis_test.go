package tracing

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Redis quotes the arguments of a command that it does not know, such as one that the operator renamed.
func TestTheErrorsOfRedisAreInNoSpanWithTheirArguments(t *testing.T) {
	for answer, want := range map[string]string{
		"-ERR unknown command 'GET', with args beginning with: 'canary' \r\n":  "ERR",
		"-NOPERM User gateway has no permissions to run the 'get' command\r\n": "NOPERM",
		"-canary is not a command\r\n":                                         "failed",
		"":                                                                     "", // the connection breaks, as EOF or a reset
	} {
		spans := tracetest.NewSpanRecorder()
		tracing := &Tracing{provider: sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))}
		client := redis.NewClient(&redis.Options{Addr: answering(t, answer), MaxRetries: -1, DisableIdentity: true, Protocol: 2})
		t.Cleanup(func() { _ = client.Close() })
		if err := tracing.FollowRedis(client); err != nil {
			t.Fatal(err)
		}
		ctx, request := tracing.provider.Tracer("").Start(t.Context(), "GET", trace.WithSpanKind(trace.SpanKindServer))
		if err := client.Get(ctx, "canary").Err(); err == nil {
			t.Fatal("no error")
		}
		pipeline := client.Pipeline()
		pipeline.Get(ctx, "canary")
		if _, err := pipeline.Exec(ctx); err == nil {
			t.Fatal("no error")
		}
		request.End()
		var all []sdk.ReadOnlySpan
		for _, s := range spans.Ended() {
			if s.Name() == "get" || s.Name() == "redis.pipeline get" {
				all = append(all, s)
			}
		}
		if len(all) != 2 {
			t.Fatalf("%d spans of commands in %v", len(all), spans.Ended())
		}
		for _, s := range all {
			if got := s.Status().Description; !strings.HasPrefix(got, want) {
				t.Errorf("%q: the status of %s is %q, want %q", answer, s.Name(), got, want)
			}
			if text := fmt.Sprint(s.Attributes(), s.Events(), s.Status()); strings.Contains(text, "canary") {
				t.Errorf("%q: a span says %s", answer, text)
			}
			if s.Parent().SpanID() != request.SpanContext().SpanID() {
				t.Errorf("%s is not below the request", s.Name())
			}
		}
	}
}

// answering returns the address of a server that gives each command the same answer, or hangs up.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn, answer)
		}
	}()
	return l.Addr().String()
}

func serve(conn net.Conn, answer string) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewScanner(conn)
	for answer != "" && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "*") { // a command begins
			_, _ = conn.Write([]byte(answer))
		}
	}
}
