package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// A plugin that counts the bytes of its answer wrongly is enough for that: net/http finds the rest when the connection
// should be idle, and quotes it.
func TestWhatIsLeftOfAnAnswerIsNotInTheLog(t *testing.T) {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", `{"jwt_token":"canary"}`)
	}))
	t.Cleanup(shop.Close)
	r := start(t, settings{"upstream.url": shop.URL, "log.format": "json"})
	r.do("GET", "/", "")
	r.said.await(t, "Unsolicited response")
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
