package main

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// collector receives traces by OTLP over HTTP.
type collector struct {
	*testing.T
	*httptest.Server

	mu     sync.Mutex
	spans  []*traces.Span // guarded by mu, as the following
	text   strings.Builder
	header http.Header
	about  []*common.KeyValue
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{T: t}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP takes one export. ExportTraceServiceRequest has the fields of TracesData (opentelemetry/proto/collector/trace/v1).
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			c.Error(err)
			return
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	var data traces.TracesData
	if err == nil {
		err = proto.Unmarshal(text, &data)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header = r.Header
	c.text.WriteString(protojson.Format(&data))
	for _, of := range data.GetResourceSpans() {
		c.about = of.GetResource().GetAttributes()
		for _, scope := range of.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// named returns the spans of a name.
func (c *collector) named(name string) (found []*traces.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	return found
}

// one returns the only span of a name.
func (c *collector) one(name string) *traces.Span {
	c.Helper()
	found := c.named(name)
	if len(found) != 1 {
		c.Fatalf("%d spans %q in\n%s", len(found), name, c.text.String())
	}
	return found[0]
}

func attributesOf(s *traces.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.GetAttributes() {
		all[a.GetKey()] = strings.Trim(protojson.MarshalOptions{}.Format(a.GetValue()), "{}")
	}
	return all
}

// traced starts a gateway on a real Redis that sends its traces to c.
func traced(t *testing.T, c *collector, more settings) *rig {
	t.Helper()
	all := settings{"tracing.endpoint": c.URL, "tracing.percent": "100", "redis.address": tokenstest.Redis(t).Addr()}
	for key, value := range more {
		all[key] = value
	}
	return start(t, all)
}

const (
	clientTrace = "0af7651916cd43dd8448eb211c80319c"
	clientSpan  = "b7ad6b7169203331"
	sampled     = "Traceparent: 00-" + clientTrace + "-" + clientSpan + "-01"
	notSampled  = "Traceparent: 00-" + clientTrace + "-" + clientSpan + "-00"
)

// A request, its commands to Redis and its call of WordPress are one trace, which goes on in WordPress.
func TestALoginIsOneTrace(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Tenant=shop")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	c := startCollector(t)
	r := traced(t, c, nil)
	a := r.do("POST", "/wp-json/cocart/v2/login?canary=1", `{"username":"alice","password":"wonderland-1"}`, sampled, "Cookie: canary=1")
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	passed := r.wordpress.Last().Header.Get("Traceparent")
	r.stop()

	request, wordpress := c.one("POST login"), c.one("wordpress login")
	if got := hex.EncodeToString(request.GetTraceId()); got != clientTrace {
		t.Errorf("the trace is %s, want that of the proxy", got)
	}
	if got := hex.EncodeToString(request.GetParentSpanId()); got != clientSpan {
		t.Errorf("the parent is %s, want the span of the proxy", got)
	}
	if request.GetKind() != traces.Span_SPAN_KIND_SERVER || wordpress.GetKind() != traces.Span_SPAN_KIND_CLIENT {
		t.Errorf("kinds %s and %s", request.GetKind(), wordpress.GetKind())
	}
	if string(wordpress.GetParentSpanId()) != string(request.GetSpanId()) {
		t.Error("the call of WordPress is not below the request")
	}
	if want := "00-" + clientTrace + "-" + hex.EncodeToString(wordpress.GetSpanId()) + "-01"; passed != want {
		t.Errorf("WordPress got %q, want %q", passed, want)
	}
	commands := c.named("evalsha")
	if len(commands) == 0 {
		t.Error("no command of Redis")
	}
	for _, s := range commands {
		if string(s.GetTraceId()) != string(request.GetTraceId()) {
			t.Error("a command of Redis has another trace")
		}
	}
	got := attributesOf(request)
	for key, want := range map[string]string{"http.request.method": "POST", "http.response.status_code": "200", "url.path": "/wp-json/cocart/v2/login",
		"cocart_gateway.route": "login", "cocart_gateway.request_id": a.header.Get("X-Request-Id")} {
		if !strings.Contains(got[key], want) || want == "" {
			t.Errorf("%s is %s, want %s", key, got[key], want)
		}
	}
	if c.header.Get("X-Tenant") != "shop" || !strings.Contains(c.text.String(), "deployment.environment") || !strings.Contains(c.text.String(), `"cocart-gateway"`) {
		t.Errorf("OTEL_ variables do not count: %v %v", c.header, c.about)
	}
}

// Nothing that a client or Redis was given as a secret is in a span.
func TestTracesHoldNoSecrets(t *testing.T) {
	c := startCollector(t)
	r := traced(t, c, settings{"site.protect": "[wc/store]"})
	access, refresh := r.login()
	bearer := "Authorization: Bearer " + access
	r.do("GET", "/wp-json/cocart/v2/cart?cart_key=canary-of-a-cart&password=canary", "", bearer, "Cookie: wordpress_logged_in_1=canary")
	r.do("GET", "/wp-json/cocart/v1/get-cart/canary4711", "", bearer)
	r.do("GET", "/my-account/lost-password/canary4711?key=canary", "")
	r.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access+"x")
	r.do("POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong"}`)
	r.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==")
	r.refresh(refresh)
	r.stop()
	if len(c.named("GET cocart")) == 0 || len(c.named("POST refresh")) == 0 || len(c.named("GET site")) == 0 {
		t.Errorf("not every request is there:\n%s", c.text.String())
	}
	for _, leak := range upstreamtest.Leaks(c.text.String(), access, refresh) {
		t.Error(leak)
	}
	for _, name := range []string{"127.0.0.1:" + portIn(t, r.public), "alice", "Go-http-client"} {
		if strings.Contains(c.text.String(), name) {
			t.Errorf("a span says %s, which it should not", name)
		}
	}
}

func portIn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// TestWhichRequestsAreTraced is the table of tracing.percent and tracing.parents. The client of these tests is a trusted proxy
// unless trusted_proxies says otherwise.
func TestWhichRequestsAreTraced(t *testing.T) {
	for _, row := range []struct {
		name, header string
		more         settings
		traced       bool
		continued    bool
	}{
		{"each at 100 percent", "", nil, true, false},
		{"none at 0 percent", "", settings{"tracing.percent": "0"}, false, false},
		{"a trusted proxy has one traced", sampled, settings{"tracing.percent": "0"}, true, true},
		{"a trusted proxy has one not traced", notSampled, nil, false, false},
		{"a client has none traced", sampled, settings{"tracing.percent": "0", "trusted_proxies": ""}, false, false},
		{"a client begins another trace", sampled, settings{"trusted_proxies": ""}, true, false},
		{"a client has one traced if any may", sampled, settings{"tracing.percent": "0", "trusted_proxies": "", "tracing.parents": "any"}, true, true},
		{"a trusted proxy begins another trace if none may", sampled, settings{"tracing.parents": "none"}, true, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := startCollector(t)
			r := traced(t, c, row.more)
			headers := []string{}
			if row.header != "" {
				headers = append(headers, row.header)
			}
			r.do("GET", "/wp-json/cocart/v2/products", "", headers...)
			passed := r.wordpress.Last().Header.Get("Traceparent")
			r.stop()
			found := c.named("GET cocart")
			if (len(found) == 1) != row.traced {
				t.Fatalf("%d spans", len(found))
			}
			if !row.traced {
				if "Traceparent: "+passed != row.header && passed+row.header != "" {
					t.Errorf("WordPress got %q, want it as the client sent it: %q", passed, row.header)
				}
				if len(c.spans) > 0 {
					t.Errorf("spans without a request:\n%s", c.text.String())
				}
				return
			}
			got := hex.EncodeToString(found[0].GetTraceId())
			if (got == clientTrace) != row.continued {
				t.Errorf("the trace is %s", got)
			}
			if linked := len(found[0].GetLinks()) == 1; linked != (row.header != "" && !row.continued) {
				t.Errorf("links: %v", found[0].GetLinks())
			}
		})
	}
}

// The histogram names a trace for each bucket, and the log has the same id.
func TestLatenciesAndLogNameTheTrace(t *testing.T) {
	c := startCollector(t)
	r := traced(t, c, nil)
	r.do("GET", "/wp-json/cocart/v2/products", "", sampled)
	scraped := r.send("http://"+r.admin, "GET", "/metrics", "", "Accept: application/openmetrics-text; version=1.0.0")
	if want := `# {trace_id="` + clientTrace + `"}`; !strings.Contains(scraped.body, want) {
		t.Errorf("no %s", want)
	}
	if text := r.logged(); !strings.Contains(text, "trace_id="+clientTrace) {
		t.Errorf("the log does not name the trace:\n%s", text)
	}
	plain := r.administer("GET", "/metrics")
	if strings.Contains(plain.body, "trace_id") || !strings.HasPrefix(plain.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s", plain.header.Get("Content-Type"))
	}
}

func TestWithoutAnEndpointNothingIsTraced(t *testing.T) {
	r := start(t, settings{"tracing.percent": "100"})
	r.do("GET", "/wp-json/cocart/v2/products", "", sampled)
	if got := r.wordpress.Last().Header.Get("Traceparent"); "Traceparent: "+got != sampled {
		t.Errorf("WordPress got %q", got)
	}
	scraped := r.send("http://"+r.admin, "GET", "/metrics", "", "Accept: application/openmetrics-text; version=1.0.0")
	if strings.Contains(scraped.body, "trace_id") || !strings.HasPrefix(scraped.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s", scraped.header.Get("Content-Type"))
	}
}

// A collector that is away costs a line a minute, and no request.
func TestACollectorThatIsAwayIsReported(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10") // milliseconds
	c := startCollector(t)
	c.Close()
	r := traced(t, c, nil)
	if a := r.do("GET", "/wp-json/cocart/v2/products", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	r.stop()
	if text := r.said.String(); !strings.Contains(text, "traces") {
		t.Errorf("not reported:\n%s", text)
	}
}
