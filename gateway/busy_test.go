package gateway_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/upstream"
	"cocart-gateway/upstream/pool"
	"cocart-gateway/upstream/upstreamtest"
)

// saturated is a shop whose PHP works on as much as it may, for as long as the
// test lasts, and where no request may wait. It says how many requests PHP has seen.
func saturated(t *testing.T) (s *shop, access, refresh string, asked func() int) {
	t.Helper()
	s = openShopBehind(t, nil, func(c *upstream.Config) { c.Concurrency = pool.Concurrency{Limit: 1, SitePercent: 100} })
	access, refresh = s.login()
	entered, release := make(chan struct{}), make(chan struct{})
	s.wordpress.Lock()
	s.wordpress.Answer = func(_ http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if seen.Target == "/slow" {
			close(entered)
			<-release
		}
		return false
	}
	s.wordpress.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := http.Get(s.URL + "/slow"); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	t.Cleanup(func() { close(release); <-done })
	before := len(s.wordpress.Seen())
	return s, access, refresh, func() int { return len(s.wordpress.Seen()) - before }
}

const busy = "The shop is very busy at the moment. Please try again shortly."

func TestABusyShopSaysSoInCoCartsShape(t *testing.T) {
	s, access, _, asked := saturated(t)
	for name, got := range map[string]reply{
		"a customer": s.cart(access),
		"a guest":    s.do("GET", "/wp-json/cocart/v2/cart", ""),
		"a login":    s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`),
		"Basic":      s.do("GET", "/wp-json/cocart/v2/cart", "", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"),
		"a batch":    s.post("/wp-json/cocart/batch", `{"requests":[]}`, "Authorization: Bearer "+access),
		"a script":   s.do("GET", "/feed/", ""),
	} {
		if want := failure(503, "cocart_gateway_busy", busy); got.failure() != want {
			t.Errorf("%s got %s, want %s", name, got.failure(), want)
		}
		if got.Header.Get("Retry-After") != "5" || got.Header.Get("Cache-Control") == "" {
			t.Errorf("%s got %v", name, got.Header)
		}
	}
	if n := asked(); n != 0 {
		t.Errorf("PHP was asked %d times", n)
	}
}

func TestABusyShopShowsVisitorsAPage(t *testing.T) {
	s, _, _, _ := saturated(t)
	got := s.do("GET", "/shop/", "", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
	want := "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"robots\" content=\"noindex\">" +
		"<title>Service Unavailable</title><h1>Service Unavailable</h1><p>" + busy + "</p></html>\n"
	if got.Status != 503 || got.Body != want || got.Header.Get("Content-Type") != "text/html; charset=UTF-8" || got.Header.Get("Retry-After") != "5" {
		t.Errorf("%d %v %s", got.Status, got.Header, got.Body)
	}
	if got := s.do("GET", "/wp-json/cocart/v2/cart", "", "Accept: text/html"); !strings.HasPrefix(got.Body, "{") {
		t.Errorf("CoCart's clients get %s", got.Body)
	}
}

func TestTokensAreJudgedAndRefreshedWhilePHPIsBusy(t *testing.T) {
	s, access, refresh, asked := saturated(t)
	newer, _ := s.refresh(refresh).pair(t)
	for name, row := range map[string]struct {
		got  reply
		want int
	}{
		"a good token is valid":   {s.post("/wp-json/cocart/jwt/validate-token", "", "Authorization: Bearer "+newer), 200},
		"a forged one is refused": {s.cart(access + "x"), 401},
	} {
		if row.got.Status != row.want {
			t.Errorf("%s: %d %s", name, row.got.Status, row.got.Body)
		}
	}
	if n := asked(); n != 0 {
		t.Errorf("PHP was asked %d times", n)
	}
}

func TestABusyShopCountsNoPassword(t *testing.T) {
	s, _, _, _ := saturated(t)
	s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wrong"}`)
	if _, metrics := ask(t, s.admin(admin.Config{}), "/metrics"); !strings.Contains(metrics, `cocart_gateway_logins_total{result="failed"} 1`) ||
		strings.Contains(metrics, `result="refused"} 1`) {
		t.Error("a login that WordPress never saw was counted as refused")
	}
}

func TestAnUnreachableShopSaysWhenToComeBack(t *testing.T) {
	s := openShop(t)
	s.wordpress.CloseClientConnections()
	s.wordpress.Close()
	got := s.do("GET", "/wp-json/cocart/v2/cart", "")
	if want := failure(502, "cocart_gateway_upstream_unavailable", "The shop cannot be reached at the moment."); got.failure() != want || got.Header.Get("Retry-After") != "5" {
		t.Errorf("%s, Retry-After %s", got.failure(), got.Header.Get("Retry-After"))
	}
}

// TestWhatReadsIsRepeatedOnAnotherNode: both nodes hang up, so that each request
// is seen as often as it was sent.
func TestWhatReadsIsRepeatedOnAnotherNode(t *testing.T) {
	for _, row := range []struct {
		name, method, target, header string
		want                         int
	}{
		{"a cart is read twice", "GET", "/wp-json/cocart/v2/cart?cart_key=t_1", "", 2},
		{"a page is", "GET", "/shop/", "", 2},
		{"a page with parameters may do something", "GET", "/?add-to-cart=7", "", 1},
		{"a GET that WordPress takes for a POST", "GET", "/wp-json/cocart/v2/cart?_method=POST", "", 1},
		{"a GET whose header makes it a DELETE", "GET", "/wp-json/cocart/v2/cart", "X-HTTP-Method-Override: DELETE", 1},
		{"a POST", "POST", "/wp-json/cocart/v2/cart/add-item", "", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			second := upstreamtest.Start(t)
			s := openShopBehind(t, nil, func(c *upstream.Config) {
				other, err := url.Parse(second.URL)
				if err != nil {
					t.Fatal(err)
				}
				c.Nodes = []*url.URL{c.URL, other}
			})
			second.Now = s.clock.Now
			cut := func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { panic(http.ErrAbortHandler) }
			s.wordpress.Answer, second.Answer = cut, cut
			header := row.header
			if header == "" {
				header = "Accept: */*"
			}
			got := s.do(row.method, row.target, "", header)
			if n := len(s.wordpress.Seen()) + len(second.Seen()); n != row.want || got.Status != 502 {
				t.Errorf("sent %d times, status %d", n, got.Status)
			}
		})
	}
}

func TestAFloodOfPagesDoesNotKeepCustomersOut(t *testing.T) {
	const limit, flood = 4, 60
	s := openShopBehind(t, nil, func(c *upstream.Config) {
		c.Concurrency = pool.Concurrency{Limit: limit, Queue: 2, Wait: time.Minute, SitePercent: 50}
	})
	release := make(chan struct{})
	s.wordpress.Answer = func(_ http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		if strings.HasPrefix(seen.Target, "/page/") {
			<-release
		}
		return false
	}
	statuses := make(chan int, flood)
	for i := range flood {
		go func() {
			resp, err := http.Get(fmt.Sprint(s.URL, "/page/", i))
			if err != nil {
				statuses <- 0
				return
			}
			resp.Body.Close()
			statuses <- resp.StatusCode
		}()
	}
	for range flood - 4 { // two are answered and two wait
		if status := <-statuses; status != 503 {
			t.Errorf("status %d in a flood", status)
		}
	}
	access, _ := s.login()
	if got := s.cart(access); got.Status != 200 {
		t.Errorf("cart: %d %s", got.Status, got.Body)
	}
	close(release)
	for range 4 {
		if status := <-statuses; status != 200 {
			t.Errorf("status %d of one that was let in", status)
		}
	}
}
