package main

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// A plugin that counts the bytes of its answer wrongly is enough for that. Package http1 speaks to the first shop; net/http speaks
// to the second one, finds the rest when the connection should be idle, and quotes it.
func TestWhatIsLeftOfAnAnswerIsNotInTheLog(t *testing.T) {
	shop := httptest.NewServer(talkative(t))
	t.Cleanup(shop.Close)
	saysOnly(t, settings{"upstream.url": shop.URL, "log.format": "json"}, "sent something after the end of an answer")
	secure := httptest.NewTLSServer(talkative(t))
	t.Cleanup(secure.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	saysOnly(t, settings{"upstream.url": secure.URL, "upstream.tls_ca_file": ca, "log.format": "json"}, "Unsolicited response")
}

// talkative answers with more than it announced.
func talkative(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", `{"jwt_token":"canary"}`)
	}
}

func saysOnly(t *testing.T, s settings, what string) {
	t.Helper()
	r := start(t, s)
	r.do("GET", "/", "")
	r.said.await(t, what)
	r.stop()
	for _, found := range upstreamtest.Leaks(r.said.String()) {
		t.Errorf("the log holds %s", found)
	}
	for line := range strings.Lines(r.said.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not a line of JSON: %s", line)
		}
	}
}
