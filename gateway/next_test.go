package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"cocart-gateway/gateway"
	"cocart-gateway/upstream/upstreamtest"
)

// A request in flight ends under the settings it began with; the next one meets
// the others. Both are counted in the same place.
func TestOtherSettingsHoldForRequestsThatBeginAfterwards(t *testing.T) {
	s := openShop(t)
	entered, release := make(chan struct{}), make(chan struct{})
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if !strings.Contains(seen.Target, "slow") {
			return false
		}
		close(entered)
		<-release
		w.Header().Set("Cart-Key", "t_1")
		upstreamtest.JSON(w, 200, "{}")
		return true
	}
	before, ok := s.Config.Handler.(*gateway.Gateway)
	if !ok {
		t.Fatalf("the shop serves a %T", s.Config.Handler)
	}
	site, err := url.Parse(upstreamtest.SiteURL)
	s.must(err)
	cfg := gateway.Config{SiteURL: site, DenyGuests: true, KeepCartKeyNames: true, Now: s.clock.Now}
	next, err := before.Next(cfg, s.authority)
	s.must(err)
	var current atomic.Pointer[gateway.Gateway]
	current.Store(before)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().ServeHTTP(w, r) }))
	defer front.Close()
	get := func(target string) *http.Response {
		resp, err := http.Get(front.URL + target)
		if err != nil {
			t.Error(err)
			return &http.Response{}
		}
		resp.Body.Close()
		return resp
	}
	slow := make(chan *http.Response)
	go func() { slow <- get("/wp-json/cocart/v2/cart?slow") }()
	<-entered
	current.Store(next)
	if got := get("/wp-json/cocart/v2/cart"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a guest afterwards: %d", got.StatusCode)
	}
	close(release)
	if got := <-slow; got.StatusCode != 200 || got.Header.Get("CoCart-API-Cart-Key") != "t_1" {
		t.Errorf("the guest in flight: %d %v", got.StatusCode, got.Header)
	}
	if n, err := testutil.GatherAndCount(s.registry, "cocart_gateway_http_requests_total"); err != nil || n != 2 {
		t.Errorf("%d series of requests, want one for each answer: %v", n, err)
	}
	if _, err := before.Next(gateway.Config{}, s.authority); err == nil {
		t.Error("settings without a site were taken")
	}
}
