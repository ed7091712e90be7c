package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

func readiness(t *testing.T, a http.Handler) (int, admin.Readiness) {
	t.Helper()
	status, body := ask(t, a, "/readyz")
	var r admin.Readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return status, r
}

func TestReadyOnceRedisAndWordPressAnswer(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	status, got := readiness(t, s.listener(admin.Config{}))
	if want := (admin.Readiness{Ready: true, Redis: "ok", WordPress: "ok", Plugin: "test"}); status != 200 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %+v", status, got)
	}
}

func TestDrainingDoesNotWaitForAProbe(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	asked, release := make(chan struct{}), make(chan struct{})
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(asked)
		<-release
		return false
	}
	a, status, drained := s.listener(admin.Config{}), make(chan int), make(chan struct{})
	go func() {
		code, _ := ask(t, a, "/readyz")
		status <- code
	}()
	<-asked
	go func() { defer close(drained); a.Drain() }()
	select {
	case <-drained:
	case <-time.After(30 * time.Second): // only if it fails
		t.Error("draining waits for WordPress")
	}
	close(release)
	if got := <-status; got != 503 {
		t.Errorf("a probe that began before is answered with %d", got)
	}
	<-drained
}

func TestNotReadyNamesWhatIsMissing(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	s.store.SetError("LOADING")
	status, got := readiness(t, s.listener(admin.Config{}))
	if want := (admin.Readiness{Redis: "unavailable", WordPress: "ok", Plugin: "test"}); status != 503 || !reflect.DeepEqual(got, want) {
		t.Errorf("without Redis: %d %+v", status, got)
	}
	s.store.SetError("")
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	status, got = readiness(t, s.listener(admin.Config{}))
	if want := (admin.Readiness{Redis: "ok", WordPress: "unavailable", Plugin: "not seen"}); status != 503 || !reflect.DeepEqual(got, want) {
		t.Errorf("without WordPress: %d %+v", status, got)
	}
}

func TestReadinessNamesALossOfData(t *testing.T) {
	s := openShop(t)
	s.store.HSet("cocart:epoch", "id", "1", "n", "1", "from", "0", "lost", "1", "why", "emptied", "marks", "") // as another gateway noted it
	tokenstest.Follow(t, s.authority)
	status, got := readiness(t, s.listener(admin.Config{}))
	if want := (admin.Readiness{Ready: true, Redis: "ok", WordPress: "ok", Plugin: "test", Data: "emptied"}); status != 200 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %+v", status, got)
	}
}

func TestOneNodeIsEnoughToBeReady(t *testing.T) {
	var nodes []*url.URL
	s := openShopBehind(t, func(c *upstream.Config) {
		nodes = []*url.URL{c.URL, upstreamtest.Deaf(t)}
		c.Nodes = nodes
	})
	s.must(s.authority.CatchUp(t.Context()))
	status, got := readiness(t, s.listener(admin.Config{}))
	want := admin.Readiness{Ready: true, Redis: "ok", WordPress: "ok", Plugin: "test",
		Nodes: map[string]string{nodes[0].Host: "ok", nodes[1].Host: "unavailable"}}
	if status != 200 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %+v", status, got)
	}
}

func TestProbesAreNoLoadOnWordPress(t *testing.T) {
	s := openShop(t)
	a := s.listener(admin.Config{})
	after := func(d time.Duration, want int) {
		t.Helper()
		s.clock.Advance(d)
		for range 20 {
			readiness(t, a)
		}
		if n := len(s.wordpress.Seen()); n != want {
			t.Errorf("WordPress was asked %d times, want %d", n, want)
		}
	}
	after(0, 1)
	after(200*time.Millisecond, 2) // what is not ready may be soon
	s.must(s.authority.CatchUp(t.Context()))
	after(200*time.Millisecond, 3)
	after(2*time.Second, 3) // what is ready stays so for some seconds
	after(2*time.Second, 4)
	if got := s.wordpress.Last(); got.Method != "HEAD" || got.Target != "/?rest_route=/" || got.Claims.Kind != "site" || got.Host != upstreamtest.Audience(upstreamtest.SiteURL) {
		t.Errorf("asked: %+v", got)
	}
}

func TestDrainingIsNotReadyButAlive(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	a := s.listener(admin.Config{})
	readiness(t, a)
	a.Drain()
	if status, got := readiness(t, a); status != 503 || got.Ready {
		t.Errorf("%d %+v", status, got)
	}
	if status, _ := ask(t, a, "/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
}

func TestServezDoesNotDependOnRedisOrWordPress(t *testing.T) {
	s := openShop(t)
	started := false
	a := s.listener(admin.Config{Started: func() bool { return started }})
	for _, step := range []struct {
		name   string
		do     func()
		status int
		body   string
	}{
		{"before it has started", func() {}, 503, `{"serving":false,"why":"starting"}`},
		{"once it has", func() { started = true }, 200, `{"serving":true}`},
		{"without Redis", func() { s.store.SetError("LOADING") }, 200, `{"serving":true}`},
		{"without WordPress", func() { s.wordpress.CloseClientConnections(); s.wordpress.Close() }, 200, `{"serving":true}`},
		{"while it drains", a.Drain, 503, `{"serving":false,"why":"draining"}`},
	} {
		step.do()
		if status, body := ask(t, a, "/servez"); status != step.status || strings.TrimSpace(body) != step.body {
			t.Errorf("%s: %d %s", step.name, status, body)
		}
	}
}

// If the clock is WordPress's, it is wrong for all gateways. Where some other shop agrees with this one, it is.
func TestServezFailsWhileTheClockIsTooFarFromWordPress(t *testing.T) {
	s, other := openShop(t), openShop(t)
	a, dry := s.listener(admin.Config{}), s.listener(admin.Config{DryRun: true})
	both := admin.NewShops([]admin.Shop{{Name: "one", Handler: a}, {Name: "two", Handler: other.listener(admin.Config{})}})
	other.upstream.LearnClocks(t.Context())
	for _, step := range []struct {
		ahead time.Duration
		fails bool
	}{{0, false}, {25 * time.Second, false}, {40 * time.Second, true}, {-40 * time.Second, true}, {-25 * time.Second, false}} {
		s.wordpress.Now = func() time.Time { return s.clock.Now().Add(step.ahead) }
		s.upstream.LearnClocks(t.Context())
		want, code := `{"serving":true}`, 200
		if step.fails {
			want, code = `{"serving":false,"why":"clock"}`, 503
		}
		if status, body := ask(t, a, "/servez"); status != code || strings.TrimSpace(body) != want {
			t.Errorf("%v: %d %s", step.ahead, status, body)
		}
		for name, h := range map[string]http.Handler{"a dry run": dry, "two shops": both} {
			if status, body := ask(t, h, "/servez"); status != 200 {
				t.Errorf("%v, %s: %d %s", step.ahead, name, status, body)
			}
		}
	}
}

// A WordPress that hangs delays /readyz and /metrics. Load balancers would take the gateway for dead.
func TestServezDoesNotWaitForReadyz(t *testing.T) {
	s := openShop(t)
	asked, release := make(chan struct{}), make(chan struct{})
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(asked)
		<-release
		return false
	}
	a, readied := s.listener(admin.Config{}), make(chan struct{})
	go func() { defer close(readied); ask(t, a, "/readyz") }()
	<-asked
	served := make(chan int)
	go func() {
		status, _ := ask(t, a, "/servez")
		served <- status
	}()
	select {
	case status := <-served:
		if status != 200 {
			t.Errorf("%d", status)
		}
		close(release)
	case <-readied: // only if it fails: the other probe gave up first
		t.Error("it waits for WordPress")
		close(release)
		<-served
	}
	<-readied
}

func TestMetricsAreServed(t *testing.T) {
	s := openShop(t)
	requests := prometheus.NewCounter(prometheus.CounterOpts{Name: "requests_total", Help: "Of the program."})
	s.registry.MustRegister(requests)
	requests.Inc()
	status, body := ask(t, s.listener(admin.Config{}), "/metrics")
	for _, line := range []string{"requests_total 1", `cocart_gateway_dependency_up{dependency="wordpress"} 1`} {
		if status != 200 || !strings.Contains(body, line+"\n") {
			t.Errorf("%d, no %s", status, line)
		}
	}
	if status, body := ask(t, s.listener(admin.Config{}), "/"); status != 404 || !strings.Contains(body, "admin.token is not set") {
		t.Errorf("/ without a token in the configuration: %d %s", status, body)
	}
}

// The alert on a server of WordPress depends on it. No request comes between the outage and the scrape.
func TestAScrapeShowsASingleWordPressThatIsBack(t *testing.T) {
	s := openShop(t)
	var broken atomic.Bool
	broken.Store(true)
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		if broken.Load() {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	for range 3 {
		_ = s.upstream.Forward(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, upstreamtest.SiteURL+"/", nil),
			&upstream.Forwarding{Assertion: upstream.Assertion{Kind: upstream.Site}})
	}
	up := `cocart_gateway_upstream_node_up{node="` + strings.TrimPrefix(s.wordpress.URL, "http://") + `"} `
	for _, step := range []struct {
		name   string
		broken bool
		want   string
	}{{"while it is away", true, "0"}, {"once it is back", false, "1"}} {
		broken.Store(step.broken)
		if _, body := ask(t, s.listener(admin.Config{}), "/metrics"); !strings.Contains(body, up+step.want+"\n") {
			t.Errorf("%s the metrics lack %s%s", step.name, up, step.want)
		}
	}
}
