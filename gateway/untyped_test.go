package gateway_test

import (
	"net/http"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// net/http would guess text/html for this.
func TestNoContentTypeIsGuessed(t *testing.T) {
	for _, change := range []func(*gateway.Config){func(*gateway.Config) {}, func(c *gateway.Config) { c.DryRun = true }} {
		s := openShop(t, change)
		s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
			w.Header()["Content-Type"] = nil
			_, err := w.Write([]byte("<html><script>"))
			return err == nil
		}
		for _, target := range []string{"/wp-content/uploads/note", "/wp-json/cocart/v2/cart"} {
			if r := s.do("GET", target, ""); r.Status != 200 || len(r.Header.Values("Content-Type")) != 0 || r.Body == "" {
				t.Errorf("%s: %d %v", target, r.Status, r.Header)
			}
		}
	}
}
