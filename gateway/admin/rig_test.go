package admin_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/openapitest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// shop is what a private listener reports on and changes: sessions in a Redis-compatible store, a WordPress that knows the
// wire format, and a clock that stands still until it is moved.
type shop struct {
	t         *testing.T
	wordpress *upstreamtest.WordPress
	store     *miniredis.Miniredis
	authority *tokens.Authority
	upstream  *upstream.WordPress
	registry  *prometheus.Registry
	clock     *tokenstest.Clock
	log       *lockedBuffer
}

func openShop(t *testing.T) *shop {
	t.Helper()
	return openShopBehind(t, func(*upstream.Config) {})
}

// openShopBehind has another way to WordPress.
func openShopBehind(t *testing.T, way func(*upstream.Config)) *shop {
	t.Helper()
	s := &shop{t: t, wordpress: upstreamtest.Start(t), store: miniredis.RunT(t), registry: prometheus.NewRegistry(),
		clock: tokenstest.NewClock(), log: &lockedBuffer{}}
	s.wordpress.Now = s.clock.Now
	s.store.SetTime(s.clock.Now())
	client := redis.NewClient(&redis.Options{Addr: s.store.Addr(), MaxRetries: -1, DisableIdentity: true})
	s.authority = tokenstest.Authority(t, client, s.clock)
	origin, err := url.Parse(s.wordpress.URL)
	s.must(err)
	site, err := url.Parse(upstreamtest.SiteURL)
	s.must(err)
	behind := upstream.Config{URL: origin, SiteURL: site, Secrets: []string{upstreamtest.Secret}, Now: s.clock.Now}
	way(&behind)
	s.upstream, err = upstream.New(behind, s.registry, slog.New(slog.DiscardHandler))
	s.must(err)
	t.Cleanup(func() {
		s.upstream.Close()
		s.must(client.Close())
		for _, found := range upstreamtest.Leaks(s.log.String(), adminToken) {
			t.Errorf("the log holds %s", found)
		}
	})
	return s
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) listener(cfg admin.Config) *admin.Handler {
	cfg.Now = s.clock.Now
	cfg.Log = slog.New(slog.NewJSONHandler(s.log, nil))
	return admin.New(cfg, s.authority, s.upstream, s.registry)
}

// api is a listener with everything that a token opens.
func (s *shop) api() http.Handler {
	return s.listener(admin.Config{Token: adminToken, OAuth: true})
}

const adminToken = "an administration token of the tests, 32 bytes"

// described is the document with which every answer that a test gets is compared.
const described = "../../deploy/docs/openapi/admin.yaml"

// reply is what a client got.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

func ask(t *testing.T, a http.Handler, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, nil)
	a.ServeHTTP(w, r)
	openapitest.Open(t, described).Check(t, r.Method, r.URL.Path, w.Code, w.Header(), w.Body.String())
	return w.Code, w.Body.String()
}

// administer sends a request as an operator with the token. Headers are "Name: value".
func (s *shop) administer(a http.Handler, method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, "http://localhost"+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" { // the mux does not have the route
		openapitest.Open(s.t, described).Check(s.t, method, r.URL.Path, w.Code, w.Header(), w.Body.String())
	}
	return reply{w.Code, w.Header(), w.Body.String()}
}

// login starts a session of alice.
func (s *shop) login() tokens.Pair {
	s.t.Helper()
	pair, err := s.authority.Issue(s.t.Context(), tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "fp-alice-1"},
		tokens.Client{Address: "127.0.0.1", Device: "Go-http-client/1.1"})
	s.must(err)
	return pair
}

// verifies reports whether an access token is valid.
func (s *shop) verifies(access string) bool {
	_, err := s.authority.Verify(access)
	return err == nil
}

// refreshes reports whether a refresh token is valid, and spends it.
func (s *shop) refreshes(refresh string) bool {
	_, _, err := s.authority.Refresh(s.t.Context(), refresh, tokens.Client{Address: "127.0.0.1", Device: "Go-http-client/1.1"})
	return err == nil
}

// lines are those of the log with a message.
func (s *shop) lines(msg string) []map[string]any {
	s.t.Helper()
	var found []map[string]any
	for text := range strings.Lines(s.log.String()) {
		var line map[string]any
		s.must(json.Unmarshal([]byte(text), &line))
		if line["msg"] == msg {
			found = append(found, line)
		}
	}
	return found
}

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
