package gateway_test

import (
	"bytes"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// watchLog searches what a shop has logged for secrets once its test is over: so
// does every test of this package.
func watchLog(s *shop) {
	for _, found := range upstreamtest.Leaks(s.log.String(), signingSecret, pluginSecret) {
		s.t.Errorf("the log holds %s", found)
	}
}

// canaries are requests with a secret in every place that has one, each with a name
// of its own.
func canaries() map[string][]string {
	basic := base64.StdEncoding.EncodeToString([]byte("alice:canary-basic"))
	digest := `Authorization: Digest username="alice", response="canary-digest"`
	return map[string][]string{
		"a query":                     {"?password=canary-query&username=alice&consumer_secret=canary-consumer&x=canary-x"},
		"a query that is not one":     {"?%zz;canary-broken=1"},
		"a cookie":                    {"", "Cookie: wordpress_logged_in_1=canary-cookie; canary-name=1"},
		"Basic":                       {"", "Authorization: Basic " + basic},
		"Digest":                      {"", digest},
		"a bearer":                    {"", "Authorization: Bearer canary-bearer"},
		"a bearer in three parts":     {"", "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.canary-claims-canary.canary-signature"},
		"two headers":                 {"", "Authorization: Bearer canary-one", "Authorization: Bearer canary-two"},
		"a header of ours":            {"", "X-CoCart-Gateway: canary-assertion"},
		"another spelling of a token": {"", "X-Authorization: Bearer canary-other"},
		"an id that is not one":       {"", "X-Request-Id: canary id"},
		"a trace that is not one":     {"", "Traceparent: canary-trace", "Tracestate: canary=1"},
		"a cart key":                  {"", "Cart-Key: canary-cart"},
		"a cart key of somebody":      {"?cart_key=2&x=canary", "CoCart-API-Cart-Key: 2"},
	}
}

// No secret gets into the log or into a metric, wherever it stood and whatever
// became of the request.
func TestCanariesAreInNoLogAndNoMetric(t *testing.T) {
	bodies := map[string]string{
		"application/json":                  `{"username":"alice","password":"canary-json","refresh_token":"canary-refresh","2fa_code":"canary-code"}`,
		"application/json; half":            `{"username":"alice","password":"canary-half`,
		"application/x-www-form-urlencoded": "username=alice&password=canary-form&refresh_token=canary-form-token",
		"multipart/form-data; boundary=b":   "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\ncanary-part\r\n--b--\r\n",
	}
	targets := []string{"/wp-json/cocart/v2/login", "/wp-json/cocart/jwt/refresh-token", "/wp-json/cocart/jwt/validate-token",
		"/wp-json/cocart/v2/logout", "/wp-json/cocart/v2/cart", "/wp-json/cocart/v2/cart/canary-Key-0123/", "/wp-json/batch/v1", "/shop/"}
	for state, prepare := range map[string]func(*shop){
		"all is well":       func(*shop) {},
		"the store is away": func(s *shop) { s.store.Close() },
		"WordPress is away": func(s *shop) { s.wordpress.Close() },
		"WordPress says secret": func(s *shop) {
			s.answering(500, "Set-Cookie: canary-set=1", "Location: /?canary-location", "X-CoCart-Gateway-Ended: canary")
		},
	} {
		for _, dryRun := range []bool{false, true} {
			s := openShop(t, func(c *gateway.Config) { c.DryRun = dryRun })
			prepare(s)
			asked := 0
			for _, target := range targets {
				for _, request := range canaries() {
					for contentType, body := range bodies {
						s.do("POST", target+request[0], body, append([]string{"Content-Type: " + contentType}, request[1:]...)...)
						asked++
					}
				}
			}
			s.Close()
			if logged := len(s.lines("request")); logged != asked {
				t.Errorf("%s: %d of %d requests are in the log", state, logged, asked)
			}
			answer := httptest.NewRecorder()
			promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
			for _, found := range upstreamtest.Leaks(answer.Body.String()) {
				t.Errorf("%s: the metrics hold %s", state, found)
			}
			if !bytes.Contains(answer.Body.Bytes(), []byte("cocart_gateway_")) {
				t.Errorf("%s: no metrics", state)
			}
		}
	}
}

// The search for leaks must find one.
func TestALeakWouldBeSeen(t *testing.T) {
	s := openShop(t)
	s.do("GET", "/wp-json/cocart/v2/cart", "")
	s.Close()
	if text := strings.Replace(s.log.String(), "/v2/cart", "/v2/cart?password=canary", 1); len(upstreamtest.Leaks(text)) == 0 {
		t.Error("it was not")
	}
}
