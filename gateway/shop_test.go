package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	exchange "cocart-gateway/tokens/migration"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/upstreamtest"
)

// shop is a gateway on a real listener, in front of a WordPress that knows the
// wire format, with sessions in a Redis-compatible store and a clock that
// stands still until it is moved.
type shop struct {
	*httptest.Server
	t         *testing.T
	wordpress *upstreamtest.WordPress
	store     *miniredis.Miniredis
	authority *tokens.Authority
	upstream  *upstream.WordPress
	registry  *prometheus.Registry
	clock     *clock
	log       *lockedBuffer
	keys      []keys.Key
	// distinct makes each request differ from the one before, so that none is answered as its repetition.
	distinct bool
	sent     atomic.Int64
	dryRun   bool
}

type clock struct {
	sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.Lock()
	defer c.Unlock()
	return c.now
}

func (c *clock) step(d time.Duration) {
	c.Lock()
	defer c.Unlock()
	c.now = c.now.Add(d)
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

// patience is longer than a machine that does much else takes to answer.
const patience = time.Minute

const signingSecret = "the signing secret of the tests, 32 bytes and more"

func openShop(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	return openShopWith(t, nil, change...)
}

// openShopWith has other signing keys.
func openShopWith(t *testing.T, table []keys.Key, change ...func(*gateway.Config)) *shop {
	t.Helper()
	return openShopBehind(t, table, func(*upstream.Config) {}, change...)
}

// openShopBehind has another way to WordPress.
func openShopBehind(t *testing.T, table []keys.Key, way func(*upstream.Config), change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := &shop{
		keys: table,

		t: t, wordpress: upstreamtest.Start(t), store: miniredis.NewMiniRedis(), registry: prometheus.NewRegistry(),
		clock: &clock{now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}, log: &lockedBuffer{},
	}
	s.wordpress.Now = s.clock.Now
	s.store.SetTime(s.clock.Now())
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.must(s.store.StartAddr("127.0.0.1:0"))
	client := s.client()
	if len(s.keys) == 0 {
		key, err := keys.NewHMAC("k1", "HS256", []byte(signingSecret))
		s.must(err)
		s.keys = []keys.Key{key}
	}
	var err error
	s.authority, err = tokens.New(tokens.Config{Issuer: upstreamtest.SiteURL, Keys: s.keys, Plugin: exchange.NewAccessTokens([]byte(pluginSecret), upstreamtest.SiteURL, ""), VerifiedCache: 100, Now: s.clock.Now, Log: log}, client, s.registry)
	s.must(err)
	origin, err := url.Parse(s.wordpress.URL)
	s.must(err)
	site, err := url.Parse(upstreamtest.SiteURL)
	s.must(err)
	behind := upstream.Config{URL: origin, SiteURL: site, Secrets: []string{upstreamtest.Secret}, DialTimeout: patience, ResponseTimeout: patience, Now: s.clock.Now}
	way(&behind)
	s.upstream, err = upstream.New(behind, s.registry, log)
	s.must(err)
	cfg := gateway.Config{SiteURL: site, Now: s.clock.Now}
	for _, c := range change {
		c(&cfg)
	}
	s.dryRun = cfg.DryRun
	g, err := gateway.New(cfg, s.authority, s.upstream, s.registry, log)
	s.must(err)
	s.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		s.Close()
		s.upstream.Close()
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		s.store.Close()
		watchLog(s)
	})
	return s
}

// client is a connection to the store.
func (s *shop) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.store.Addr(), MaxRetries: -1, DisableIdentity: true,
		DialTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, PoolTimeout: patience})
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// reply is what a client got.
type reply struct {
	Status int
	Header http.Header
	Body   string
}

// do sends a request; headers are "Name: value".
func (s *shop) do(method, target, body string, headers ...string) reply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+target, strings.NewReader(body))
	s.must(err)
	req.Host = "shop.example"
	if s.distinct {
		req.Header.Set("Accept-Language", "en;q=0."+strconv.FormatInt(s.sent.Add(1), 10))
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	s.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	s.must(err)
	s.compare(req, body, resp, string(text))
	return reply{resp.StatusCode, resp.Header, string(text)}
}

func (s *shop) post(target, body string, headers ...string) reply {
	s.t.Helper()
	return s.do("POST", target, body, append([]string{"Content-Type: application/json"}, headers...)...)
}

// login is alice's; it returns her tokens.
func (s *shop) login() (access, refresh string) {
	s.t.Helper()
	r := s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
	if r.Status != 200 {
		s.t.Fatalf("login: %d %s", r.Status, r.Body)
	}
	return r.tokens(s.t)
}

func (r reply) tokens(t *testing.T) (access, refresh string) {
	t.Helper()
	var answer struct {
		Extras struct {
			Access  string `json:"jwt_token"`
			Refresh string `json:"jwt_refresh"`
		}
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
	if answer.Extras.Access == "" || answer.Extras.Refresh == "" {
		t.Fatalf("no tokens in %s", r.Body)
	}
	return answer.Extras.Access, answer.Extras.Refresh
}

func (s *shop) refresh(token string) reply {
	s.t.Helper()
	return s.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+token+`"}`)
}

// stolen refreshes with a token as another client, a thief.
func (s *shop) stolen(token string) reply {
	s.t.Helper()
	return s.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+token+`"}`, "User-Agent: Thief/1.0")
}

func (r reply) pair(t *testing.T) (access, refresh string) {
	t.Helper()
	var answer struct {
		Token   string `json:"token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || answer.Token == "" || answer.Refresh == "" || r.Status != 200 {
		t.Fatalf("no pair: %d %s", r.Status, r.Body)
	}
	return answer.Token, answer.Refresh
}

func (s *shop) cart(access string) reply {
	s.t.Helper()
	return s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Bearer "+access)
}

// failure is a failure in CoCart's shape, with its status both where HTTP and
// where CoCart's clients look.
func failure(status int, code, message string) string {
	return http.StatusText(status) + ` {"code":"` + code + `","message":"` + message + `","data":{"status":` + itoa(status) + `}}`
}

func itoa(n int) string {
	text, _ := json.Marshal(n) // an int always encodes
	return string(text)
}

func (r reply) failure() string { return http.StatusText(r.Status) + " " + r.Body }

// admin is the private listener beside the gateway.
func (s *shop) admin(cfg admin.Config) *admin.Handler {
	cfg.Now = s.clock.Now
	return admin.New(cfg, s.authority, s.upstream, s.registry)
}

func ask(t *testing.T, a http.Handler, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+target, nil))
	return w.Code, w.Body.String()
}
