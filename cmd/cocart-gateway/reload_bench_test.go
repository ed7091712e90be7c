package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"cocart-gateway/cmd/cocart-gateway/config"
	"cocart-gateway/cmd/cocart-gateway/logsink"
)

// BenchmarkReloadable is what it costs that a configuration can be exchanged: the shortest request there is, a refused
// token, and one line of the log; each directly, and by way of the one in force.
func BenchmarkReloadable(b *testing.B) {
	quiet := newLogger(config.Log{Format: "json"}, io.Discard)
	p := benchProgram(b)
	for _, row := range []struct {
		name    string
		handler http.Handler
	}{{"refused/direct", p.current.Load().front}, {"refused/in force", p.public}} {
		b.Run(row.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, cart, nil)
			r.Header.Set("Authorization", "Bearer bad")
			b.ReportAllocs()
			for b.Loop() {
				row.handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	for name, log := range map[string]*slog.Logger{"log/direct": quiet, "log/in force": slog.New(logsink.NewSwitch(quiet.Handler()))} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				log.Info("request", "status", 200)
			}
		})
	}
}

func benchProgram(b *testing.B) *program {
	b.Helper()
	cfg := loadText(b, `
upstream: {url: "http://127.0.0.1:1", secret: "a shared secret of these tests, 32 bytes"}
site: {url: "http://127.0.0.1"}
tokens: {keys: [`+firstKey+`]}
`)
	p, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.close)
	return p
}
