package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

func (s *shop) admin() *gateway.Admin {
	return gateway.NewAdmin(gateway.AdminConfig{Now: s.clock.Now}, s.authority, s.upstream, s.registry)
}

func ask(t *testing.T, a http.Handler, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, nil))
	return w.Code, w.Body.String()
}

func readiness(t *testing.T, a http.Handler) (int, gateway.Readiness) {
	t.Helper()
	status, body := ask(t, a, "/readyz")
	var r gateway.Readiness
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return status, r
}

func TestReadyOnceRedisAndWordPressAnswer(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	status, got := readiness(t, s.admin())
	if want := (gateway.Readiness{Ready: true, Redis: "ok", WordPress: "ok", Plugin: "test"}); status != 200 || !reflect.DeepEqual(got, want) {
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
	a, status, drained := s.admin(), make(chan int), make(chan struct{})
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
	status, got := readiness(t, s.admin())
	if want := (gateway.Readiness{Redis: "unavailable", WordPress: "ok", Plugin: "test"}); status != 503 || !reflect.DeepEqual(got, want) {
		t.Errorf("without Redis: %d %+v", status, got)
	}
	s.store.SetError("")
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	status, got = readiness(t, s.admin())
	if want := (gateway.Readiness{Redis: "ok", WordPress: "unavailable", Plugin: "not seen"}); status != 503 || !reflect.DeepEqual(got, want) {
		t.Errorf("without WordPress: %d %+v", status, got)
	}
}

func TestProbesAreNoLoadOnWordPress(t *testing.T) {
	s := openShop(t)
	a := s.admin()
	after := func(d time.Duration, want int) {
		t.Helper()
		s.clock.step(d)
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
	a := s.admin()
	readiness(t, a)
	a.Drain()
	if status, got := readiness(t, a); status != 503 || got.Ready {
		t.Errorf("%d %+v", status, got)
	}
	if status, _ := ask(t, a, "/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
}

func TestLoadBalancersAreToldToStayWhateverDependenciesDo(t *testing.T) {
	s := openShop(t)
	started := false
	a := gateway.NewAdmin(gateway.AdminConfig{Started: func() bool { return started }}, s.authority, s.upstream, s.registry)
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

// A WordPress that hangs keeps /readyz and /metrics waiting. Load balancers would take that for a dead gateway.
func TestTheProbeOfLoadBalancersWaitsForNoOtherProbe(t *testing.T) {
	s := openShop(t)
	asked, release := make(chan struct{}), make(chan struct{})
	s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		close(asked)
		<-release
		return false
	}
	a, readied := s.admin(), make(chan struct{})
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
	s.login()
	status, body := ask(t, s.admin(), "/metrics")
	for _, line := range []string{
		`cocart_gateway_http_requests_total{code="200",method="POST",route="login"} 1`,
		`cocart_gateway_logins_total{result="accepted"} 1`,
	} {
		if status != 200 || !strings.Contains(body, line+"\n") {
			t.Errorf("%d, no %s", status, line)
		}
	}
	if status, _ := ask(t, s.admin(), "/"); status != 404 {
		t.Errorf("/: %d", status)
	}
}

// What the alert on a server of WordPress goes by. Nobody shops between the outage and the reading.
func TestReadingTheMetricsShowsASingleWordPressThatIsBack(t *testing.T) {
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
		s.do(http.MethodGet, "/", "")
	}
	up := `cocart_gateway_upstream_node_up{node="` + strings.TrimPrefix(s.wordpress.URL, "http://") + `"} `
	for _, step := range []struct {
		name   string
		broken bool
		want   string
	}{{"while it is away", true, "0"}, {"once it is back", false, "1"}} {
		broken.Store(step.broken)
		if _, body := ask(t, s.admin(), "/metrics"); !strings.Contains(body, up+step.want+"\n") {
			t.Errorf("%s the metrics lack %s%s", step.name, up, step.want)
		}
	}
}
