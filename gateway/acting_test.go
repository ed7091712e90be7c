package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// asksAndLeaves sends a request whose client has hung up already, and reports whether WordPress got it.
func (s *shop) asksAndLeaves(method, target string) bool {
	s.t.Helper()
	before := len(s.wordpress.Seen())
	ctx, leave := context.WithCancel(s.t.Context())
	leave()
	defer func() {
		if thrown := recover(); thrown != nil && thrown != http.ErrAbortHandler { // the connection is cut
			panic(thrown)
		}
	}()
	s.Config.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, method, target, nil))
	return len(s.wordpress.Seen()) > before
}

func TestWhatActsReachesWordPressThoughItsClientHasLeft(t *testing.T) {
	for _, row := range []struct {
		method, target string
		arrives        bool
	}{
		{"POST", "/wp-cron.php?doing_wp_cron=1764356196.1", true},
		{"POST", "/wp-admin/admin-ajax.php?action=as_async_request_queue_runner&nonce=1", true},
		{"POST", "/?mailpoet_router&endpoint=cron_daemon&action=ping", true},
		{"PUT", "/wp-json/wc/v3/orders/1", true},
		{"DELETE", "/wp-json/cocart/v2/cart", true},
		{"POST", "/wp-json/cocart/v2/cart/add-item", true},
		{"GET", "/wp-cron.php", true},
		{"GET", "/en/wp-cron.php?doing_wp_cron", true},
		{"GET", "/wp-admin/admin-ajax.php?action=wp_1_wc_regenerate_images", true},
		{"GET", "/wp-admin/admin-post.php", true},
		{"GET", "/?wc-api=wc_gateway_paypal", true},
		{"GET", "/wc-api/WC_Gateway_Paypal/", true},
		{"GET", "/wp-json/cocart/v2/cart?_method=POST", true},
		{"GET", "/shop/", false},
		{"HEAD", "/shop/", false},
		{"GET", "/wp-content/uploads/mug.jpg", false},
		{"GET", "/wp-json/cocart/v2/products", false},
		{"GET", "/not-wp-cron.php.html", false},
	} {
		s := openShop(t)
		if got := s.asksAndLeaves(row.method, row.target); got != row.arrives {
			t.Errorf("%s %s arrives: %t, want %t", row.method, row.target, got, row.arrives)
		}
	}
}

func TestWhatActsReachesWordPressInADryRun(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.DryRun = true })
	if !s.asksAndLeaves("POST", "/wp-cron.php") || s.asksAndLeaves("GET", "/shop/") {
		t.Error("a client that leaves is taken for another than without the dry run")
	}
}

// The own requests of a shop go before all others, so no other client may pass for it.
func TestOnlyTheShopsOwnRequestsGoBeforeItsStorefront(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, row := range []struct {
		name      string
		addresses []netip.Prefix
		trusted   bool
		request   []string // method, target, headers
		want      bool
	}{
		{"cron", own, false, []string{"POST", "/wp-cron.php"}, true},
		{"cron by the system's own clock", own, false, []string{"GET", "/wp-cron.php"}, true},
		{"Site Health", own, false, []string{"GET", "/wp-json/wp/v2/types/post", "User-Agent: WordPress/7.1; https://shop.example"}, true},
		{"a page on the same machine", own, false, []string{"GET", "/shop/"}, false},
		{"from where WordPress is reached", nil, false, []string{"POST", "/wp-cron.php"}, true},
		{"by a proxy that is not trusted", own, false, []string{"POST", "/wp-cron.php", "X-Forwarded-For: 192.0.2.7"}, false},
		{"of a visitor behind a trusted proxy", own, true, []string{"POST", "/", "X-Forwarded-For: 192.0.2.7"}, false},
		{"of the shop behind a trusted proxy", []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, true, []string{"POST", "/", "X-Forwarded-For: 192.0.2.7"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := openShopBehind(t, nil, func(c *upstream.Config) {
				c.Concurrency = pool.Concurrency{Limit: 1, SitePercent: 100}
			}, func(c *gateway.Config) {
				if c.OwnAddresses = row.addresses; row.trusted {
					c.TrustedProxies = own
				}
			})
			entered, release := make(chan struct{}), make(chan struct{})
			s.wordpress.Answer = func(_ http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
				if seen.Target == "/slow" {
					close(entered)
					<-release
				}
				return false
			}
			page := make(chan int)
			go func() { page <- s.do("GET", "/slow", "", "X-Forwarded-For: 192.0.2.99").Status }()
			<-entered
			got := s.do(row.request[0], row.request[1], "", row.request[2:]...)
			if (got.Status == 200) != row.want {
				t.Errorf("status %d while a page holds the only place", got.Status)
			}
			close(release)
			if status := <-page; status != 200 {
				t.Errorf("the page: %d", status)
			}
		})
	}
}

// The storefront asks WordPress for six pages of some time while WordPress starts fifteen jobs whose sender hangs up.
func TestJobsAreDoneWhileTheStorefrontIsBusy(t *testing.T) {
	s := openShopBehind(t, nil, func(c *upstream.Config) {
		c.Concurrency = pool.Concurrency{Limit: 4, Queue: 100}
	})
	release := make(chan struct{})
	s.wordpress.Answer = func(_ http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if strings.HasPrefix(seen.Target, "/page") {
			<-release
		}
		return false
	}
	pages := make(chan int)
	for i := range 6 {
		go func() { pages <- s.do("GET", fmt.Sprint("/page/", i), "").Status }()
	}
	tokenstest.Eventually(t, "three pages are made", func() bool { return len(s.wordpress.Seen()) == 3 })
	for i := range 15 {
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			req, _ := http.NewRequestWithContext(ctx, "POST", fmt.Sprint(s.URL, "/?job=", i), strings.NewReader("a=1"))
			req.Header.Set("X-Forwarded-For", "192.0.2.7") // or it would be the shop's own
			_, _ = http.DefaultClient.Do(req)              //nolint:bodyclose // no answer: the client leaves
		}()
		tokenstest.Eventually(t, "the job waits", func() bool {
			_, metrics := ask(t, s.admin(admin.Config{}), "/metrics")
			return strings.Contains(metrics, fmt.Sprintf("cocart_gateway_upstream_queued{queue=\"site\"} %d\n", 3+i+1))
		})
		leave()
	}
	close(release)
	for range 6 {
		if status := <-pages; status != 200 {
			t.Errorf("a page: %d", status)
		}
	}
	tokenstest.Eventually(t, "all jobs are done", func() bool {
		jobs := 0
		for _, seen := range s.wordpress.Seen() {
			if strings.HasPrefix(seen.Target, "/?job=") && seen.Body == "a=1" {
				jobs++
			}
		}
		return jobs == 15
	})
}
