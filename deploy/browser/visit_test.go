package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

const chromium = "/usr/bin/chromium"

// shop is a gateway in front of a WordPress, and a web server of another origin
// whose pages ask it.
type shop struct {
	t         *testing.T
	wordpress *upstreamtest.WordPress
	store     *miniredis.Miniredis
	gateway   string // its address
	pages     *httptest.Server
	log       lockedBuffer
	elapsed   atomic.Int64 // what the clock of the gateway is ahead, in nanoseconds
	reports   chan map[string]any
}

// lockedBuffer is the log of the gateway.
type lockedBuffer struct {
	sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.Lock()
	defer b.Unlock()
	return b.Buffer.String()
}

// openShop lets cors know the origin of the pages.
func openShop(t *testing.T, cors func(page string) crossorigin.Config) *shop {
	t.Helper()
	return openShopWith(t, func(c *gateway.Config, page string) { c.CORS = cors(page) })
}

// openShopWith lets the configuration of the gateway know the origin of the pages.
func openShopWith(t *testing.T, configure func(c *gateway.Config, page string)) *shop {
	t.Helper()
	s := &shop{t: t, wordpress: upstreamtest.Start(t), store: miniredis.RunT(t), reports: make(chan map[string]any, 1)}
	s.wordpress.Now = s.now
	pages := http.NewServeMux()
	pages.Handle("GET /", http.FileServer(http.Dir("testdata")))
	pages.HandleFunc("GET /visit/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>A shop of another origin</title><script type="module" src="/` + r.PathValue("name") + `.js"></script>`))
	})
	pages.HandleFunc("POST /close-store", func(http.ResponseWriter, *http.Request) { s.store.Close() })
	pages.HandleFunc("POST /later", func(http.ResponseWriter, *http.Request) { s.elapsed.Add(int64(11 * 24 * time.Hour)) })
	pages.HandleFunc("POST /report", func(_ http.ResponseWriter, r *http.Request) {
		var report map[string]any
		if err := json.NewDecoder(r.Body).Decode(&report); err != nil {
			t.Errorf("reading a report: %v", err)
		}
		s.reports <- report
	})
	s.pages = httptest.NewServer(pages)
	t.Cleanup(s.pages.Close)
	s.gateway = s.openGateway(configure)
	return s
}

func (s *shop) now() time.Time { return time.Now().Add(time.Duration(s.elapsed.Load())) }

func (s *shop) openGateway(configure func(c *gateway.Config, page string)) string {
	s.t.Helper()
	log, registry := slog.New(slog.NewTextHandler(&s.log, nil)), prometheus.NewRegistry()
	client := redis.NewClient(&redis.Options{Addr: s.store.Addr(), MaxRetries: -1, DisableIdentity: true})
	s.t.Cleanup(func() { _ = client.Close() })
	key, err := keys.NewHMAC("k1", "HS256", []byte("the signing secret of the tests, 32 bytes and more"))
	s.must(err)
	authority, err := tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: []keys.Key{key}, Now: s.now, Log: log}, client, registry)
	s.must(err)
	origin, err := url.Parse(s.wordpress.URL)
	s.must(err)
	site, err := url.Parse(upstreamtest.SiteURL)
	s.must(err)
	wordpress, err := upstream.New(upstream.Config{URL: origin, SiteURL: site, Secrets: []string{upstreamtest.Secret}, Now: s.now}, registry, log)
	s.must(err)
	s.t.Cleanup(wordpress.Close)
	cfg := gateway.Config{SiteURL: site, Now: s.now}
	configure(&cfg, s.pages.URL)
	g, err := gateway.New(cfg, authority, wordpress, registry, log)
	s.must(err)
	server := httptest.NewServer(g)
	s.t.Cleanup(server.Close)
	return server.URL
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// visit loads a page of testdata in Chromium and returns what it reports.
func (s *shop) visit(name string) map[string]any {
	s.t.Helper()
	return s.open(s.pages.URL + "/visit/" + name + "?gateway=" + url.QueryEscape(s.gateway))
}

// open loads a page in Chromium and returns what it, or one that it leads to, reports.
func (s *shop) open(start string) map[string]any {
	s.t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		s.t.Fatalf("%s is missing: run deploy/demo/install.sh browser", chromium)
	}
	profile, err := os.MkdirTemp("", "browser") // not t.TempDir: Chromium makes a socket in it, whose path must be short
	s.must(err)
	defer os.RemoveAll(profile)
	var stderr strings.Builder
	process := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+profile,
		start)
	process.Env = append(os.Environ(), "HOME="+profile, "TMPDIR="+profile) // killed, it leaves what it had there
	process.Stderr = &stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a browser is many processes
	s.must(process.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait() // killed, as a rule
	}()
	defer func() {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		<-ended
	}()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	select {
	case report := <-s.reports:
		return report
	case <-ended:
		s.t.Fatalf("Chromium ended without a report:\n%s", stderr.String())
	case <-ctx.Done():
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL)
		<-ended
		s.t.Fatalf("no report from the page:\n%s", stderr.String())
	}
	return nil
}

func anyOrigin(string) crossorigin.Config { return crossorigin.Config{} }

func TestAPageOfAnotherOriginShops(t *testing.T) {
	s := openShop(t, anyOrigin)
	s.wordpress.Lock() // nothing between here and a browser's request tells the race detector which came first
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin")) // as WordPress does of itself
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		if !strings.HasSuffix(r.URL.Path, "/busy") {
			return false
		}
		w.Header().Set("Retry-After", "7")
		w.Header().Set("RateLimit-Remaining", "0")
		upstreamtest.JSON(w, 429, `{"code":"rate_limit_exceeded","message":"Too many requests.","data":{"status":429}}`)
		return true
	}
	s.wordpress.Unlock()
	want := map[string]any{
		"login": 200.0, "cart": "200 2  2", "refresh": 200.0, "again": "200 2", // a customer's number has CoCart's name alone
		"wrong password": "401 cocart_authentication_error",
		"bad token":      `401 cocart_authentication_error Bearer realm="CoCart"`,
		"guest":          "200 t_0123456789abcdef0123456789abcd",
		"removed":        200.0, "busy": "429 7 0",
		"store away":   "503 cocart_gateway_store_unavailable 5",
		"with cookies": "TypeError", "a header not allowed": "TypeError",
	}
	if got := s.visit("shopping"); !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for _, seen := range s.wordpress.Seen() {
		// The shop's filter rest_allowed_cors_headers may allow a header that is not listed; no other preflight wakes PHP up.
		if asked := seen.Header.Get("Access-Control-Request-Headers"); seen.Method == "OPTIONS" && asked != "x-secret" {
			t.Errorf("WordPress was asked %s %s for %s", seen.Method, seen.Target, asked)
		}
	}
}

func TestAPageMayReadWhatItsOriginMay(t *testing.T) {
	for _, row := range []struct {
		name string
		cors func(page string) crossorigin.Config
		want map[string]any
	}{
		{"another origin is listed", func(string) crossorigin.Config {
			return crossorigin.Config{Origins: []string{"https://app.example"}, Credentials: true}
		}, map[string]any{"guest": "TypeError", "bearer": "TypeError", "login": "TypeError", "cookies": "TypeError"}},
		{"its origin is listed", func(page string) crossorigin.Config {
			return crossorigin.Config{Origins: []string{"https://app.example", page}}
		}, map[string]any{"guest": "200", "bearer": "401", "login": "200", "cookies": "TypeError"}},
		{"its origin is listed, with cookies", func(page string) crossorigin.Config {
			return crossorigin.Config{Origins: []string{page}, Credentials: true}
		}, map[string]any{"guest": "200", "bearer": "401", "login": "200", "cookies": "200"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := openShop(t, row.cors)
			if got := s.visit("knocking"); !maps.Equal(got, row.want) {
				t.Errorf("got %v\nwant %v", got, row.want)
			}
		})
	}
}
