package gateway_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/keys"
	"cocart-gateway/upstream"
)

// BenchmarkForward compares, in one run, a bare ReverseProxy as net/http sets it
// up with the whole gateway, to the same origin that answers 1.6 KB at once:
//
//	bare       httputil.ReverseProxy, nothing else
//	tuned      the same with as many idle connections and a buffer pool
//	site       what is not CoCart's
//	guest      a CoCart request without a token
//	customer   a CoCart request with one
//	refused    a bad token; the origin is not asked
//
// Only the ratios mean something: clients and origin run in the same process.
func BenchmarkForward(b *testing.B) {
	body := []byte(strings.Repeat("x", 1600))
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // an empty one
		_, _ = w.Write(body)               // the client counts what arrives
	}))
	defer origin.Close()
	u, err := url.Parse(origin.URL)
	if err != nil {
		b.Fatal(err)
	}
	bare := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) { pr.SetURL(u) }}
	tuned := &httputil.ReverseProxy{Rewrite: bare.Rewrite, BufferPool: &buffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
		Transport: &http.Transport{MaxIdleConns: 512, MaxIdleConnsPerHost: 512, DisableCompression: true}}
	g, access := benchGateway(b, u)
	for _, row := range []struct {
		name    string
		handler http.Handler
		target  string
		bearer  string
	}{
		{"bare", bare, "/wp-json/cocart/v2/cart", ""},
		{"tuned", tuned, "/wp-json/cocart/v2/cart", ""},
		{"site", g, "/shop/", ""},
		{"guest", g, "/wp-json/cocart/v2/cart", ""},
		{"customer", g, "/wp-json/cocart/v2/cart", access},
		{"refused", g, "/wp-json/cocart/v2/cart", access + "x"},
	} {
		b.Run(row.name, func(b *testing.B) { hammer(b, row.handler, row.target, row.bearer) })
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte     { return b.pool.Get().(*[32 << 10]byte)[:] }
func (b *buffers) Put(used []byte) { b.pool.Put((*[32 << 10]byte)(used)) }

func hammer(b *testing.B, handler http.Handler, target, bearer string) {
	front := httptest.NewServer(handler)
	defer front.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.SetParallelism(32) // 64 connections on two CPUs
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, front.URL+target, nil)
			if err != nil {
				b.Error(err)
				return
			}
			if bearer != "" {
				req.Header.Set("Authorization", "Bearer "+bearer)
			}
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
			resp.Body.Close()
		}
	})
}

func benchGateway(b *testing.B, origin *url.URL) (*gateway.Gateway, string) {
	b.Helper()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	store := miniredis.RunT(b)
	client := redis.NewClient(&redis.Options{Addr: store.Addr(), DisableIdentity: true})
	b.Cleanup(func() { client.Close() })
	log, registry := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	key, err := keys.NewHMAC("k1", "HS256", []byte(signingSecret))
	must(err)
	authority, err := tokens.New(tokens.Config{Issuer: "https://shop.example", Keys: []keys.Key{key}, VerifiedCache: 10000, Log: log}, client, registry)
	must(err)
	site := &url.URL{Scheme: "https", Host: "shop.example"}
	wp, err := upstream.New(upstream.Config{URL: origin, SiteURL: site, Secrets: []string{"a shared secret of the benchmark, long enough"}}, registry, log)
	must(err)
	b.Cleanup(wp.Close)
	g, err := gateway.New(gateway.Config{SiteURL: site}, authority, wp, registry, log)
	must(err)
	pair, err := authority.Issue(b.Context(), tokens.Identity{UserID: 2, Login: "alice", Fingerprint: "0123456789abcdef0123456789abcdef"}, tokens.Client{Address: "203.0.113.7", Device: "bench"})
	must(err)
	return g, pair.Access
}
