package server

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/cmd/cocart-gateway/config"
)

// configured returns a configuration with these lines.
func configured(t *testing.T, lines string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	text := `
upstream: {url: "http://127.0.0.1:1", secret: "a shared secret of these tests, 32 bytes", body_timeout: 16s}
site: {url: "https://shop.example.com"}
tokens: {keys: [{id: k1, algorithm: HS256, secret: "a signing key of these tests, 32 bytes"}]}
` + lines
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, func(string) (string, bool) { return "", false }, func(config.SigningKey) (bool, error) { return true, nil })
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// The defaults of net/http do not expect attacks.
func TestServersHaveTheLimitsOfTheConfiguration(t *testing.T) {
	cfg := configured(t, `
listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
limits: {header: 40KiB, streams: 44}
server: {read_header_timeout: 51s, idle_timeout: 53s}
`)
	sockets, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	connections, err := NewConnections(ConnectionsConfig{Log: log, Now: time.Now}, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	nothing := http.NotFoundHandler()
	r := New(Options{Config: func() *config.Config { return cfg }, Public: nothing, Redirect: nothing, Admin: nothing, Connections: connections, Log: log}).start(sockets)
	for name, s := range map[string]*http.Server{"public": r.public, "redirect": r.redirect, "admin": r.admin} {
		if s.ReadHeaderTimeout != 51*time.Second || s.IdleTimeout != 53*time.Second || s.MaxHeaderBytes != 40<<10 || s.ErrorLog == nil || s.Handler == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for name, s := range map[string]*http.Server{"redirect": r.redirect, "admin": r.admin} {
		if s.ReadTimeout != smallExchange || s.WriteTimeout != smallExchange {
			t.Errorf("%s: a client that sends or reads nothing stays: %+v", name, s)
		}
	}
	if want := (http.HTTP2Config{MaxConcurrentStreams: 44, MaxReadFrameSize: largestFrame, SendPingTimeout: pingAfter, PingTimeout: pingTimeout,
		WriteByteTimeout: 16 * time.Second}); !reflect.DeepEqual(*r.public.HTTP2, want) {
		t.Errorf("HTTP/2: %+v, want %+v", *r.public.HTTP2, want)
	}
	if r.public.ConnState == nil || r.redirect.ConnState == nil {
		t.Error("connections are not followed")
	}
	if err := r.shutDown(); err != nil {
		t.Error(err)
	}
}
