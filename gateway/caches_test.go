package gateway_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
)

// caching is what an answer tells caches, in one line.
func (r reply) caching() string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		low := strings.ToLower(name)
		if strings.Contains(low, "cache") || strings.Contains(low, "litespeed") || strings.Contains(low, "surrogate") ||
			slices.Contains([]string{"age", "expires", "vary", "etag", "last-modified", "x-accel-expires", "edge-control"}, low) {
			lines = append(lines, name+": "+strings.Join(r.Header[name], " & "))
		}
	}
	return strings.Join(lines, "; ")
}

const (
	kept   = `Cache-Control: private, no-store; Cdn-Cache-Control: no-store; Surrogate-Control: no-store; Vary: Authorization, Origin; X-Litespeed-Cache-Control: no-cache`
	basic  = "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x"
	ending = "; X-Litespeed-Purge: tag=1"
)

// cacheable has WordPress, and a host that knows better, say "keep it" in every way.
func (s *shop) cacheable(more ...string) {
	s.answering(200, append([]string{"Cache-Control: public, max-age=600", "Age: 0", "Expires: Thu, 31 Dec 2037 23:55:55 GMT",
		"CDN-Cache-Control: max-age=600", "Cloudflare-CDN-Cache-Control: max-age=600", "Surrogate-Control: max-age=600", "X-Accel-Expires: 600",
		"Edge-Control: cache-maxage=600", "X-LiteSpeed-Cache-Control: public,max-age=600", "X-LiteSpeed-Tag: shop", "X-LiteSpeed-Vary: cookie=a",
		"X-LiteSpeed-Purge: tag=1", "Vary: origin"}, more...)...)
}

func TestNoCacheKeepsAnAnswerOfOneCustomer(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	bearer := "Authorization: Bearer " + access
	own := map[string]reply{
		"login":           s.post(loginRoute, `{"username":"alice","password":"wonderland-1"}`),
		"refresh":         s.refresh(refresh),
		"refresh refused": s.refresh("x"),
		"validate":        s.post("/wp-json/cocart/jwt/validate-token", "", bearer),
		"refused":         s.do("GET", productsRoute, "", "Authorization: Bearer a.b.c"),
	}
	for name, r := range own {
		if got := r.caching(); got != kept {
			t.Errorf("%s: %s", name, got)
		}
	}
	s.cacheable()
	for name, r := range map[string]reply{
		"guest's cart":                s.do("GET", cartRoute, ""),
		"guest's cart by query":       s.do("GET", "/?rest_route=/cocart/v2/cart", ""),
		"customer's cart":             s.do("GET", cartRoute, "", bearer),
		"customer's products":         s.do("GET", productsRoute, "", bearer),
		"products with a password":    s.do("GET", productsRoute, "", basic),
		"products, password in query": s.do("GET", productsRoute+"?username=a&password=b", ""),
		"products by cookie":          s.do("GET", productsRoute, "", "Cookie: wordpress_logged_in_1=a", "X-WP-Nonce: 1"),
		"products by POST":            s.post(productsRoute, "{}"),
		"products by a body":          s.do("GET", productsRoute+"?x=1", `{"page":99}`, "Content-Type: application/json"),
		"products by a form":          s.do("GET", productsRoute, "page=99", "Content-Type: application/x-www-form-urlencoded"),
		"products by an odd body":     s.do("GET", productsRoute, "page=99"),
		"products, method overridden": s.do("GET", productsRoute, "", "X-HTTP-Method-Override: DELETE"),
		"a route named alike":         s.do("GET", productsRoute+"-mine", ""),
		"sessions":                    s.do("GET", "/wp-json/cocart/v2/sessions", ""),
		"batch":                       s.post("/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/cocart/v2/cart/add-item"}]}`),
		"logout":                      s.post("/wp-json/cocart/v2/logout", "", bearer),
	} {
		if got := strings.Replace(strings.Replace(r.caching(), ending, "", 1), "Vary: origin, Authorization", "Vary: Authorization, Origin", 1); got != kept {
			t.Errorf("%s: %s", name, got)
		}
		if r.Header.Get("X-LiteSpeed-Purge") != "tag=1" {
			t.Errorf("%s: a purge got lost", name)
		}
	}
	s.wordpress.Close()
	if r := s.do("GET", productsRoute, ""); r.Status != 502 || r.caching() != kept {
		t.Errorf("products, WordPress away: %d %s", r.Status, r.caching())
	}
}

func TestLoginAnswerOfWordPressIsNotCached(t *testing.T) {
	s := openShop(t)
	s.answering(401, "Cache-Control: public, max-age=600", "Expires: Thu, 31 Dec 2037 23:55:55 GMT", "X-LiteSpeed-Tag: a")
	if got := s.post(loginRoute, `{"username":"alice","password":"wrong"}`).caching(); got != kept {
		t.Error(got)
	}
}

func TestPublicProductsKeepWhatCoCartSays(t *testing.T) {
	s := openShop(t)
	s.answering(200, "Cache-Control: public, max-age=600, stale-while-revalidate=60", "Age: 5", `ETag: "p1"`, "CoCart-Cache: HIT", "X-LiteSpeed-Tag: p", "Vary: Origin, Accept-Encoding")
	const want = `Age: 5; Cache-Control: public, max-age=600, stale-while-revalidate=60; Cocart-Cache: HIT; Etag: "p1"; Vary: Origin, Accept-Encoding, Authorization; X-Litespeed-Tag: p`
	for _, target := range []string{productsRoute, productsRoute + "/12?fields=id", "/wp-json/cocart/v1/products", "/wp-json/cocart/v2/products/categories", "/?rest_route=/cocart/v2/products", "/wp-json/cocart/V2/Products"} {
		for _, method := range []string{"GET", "HEAD"} {
			if got := s.do(method, target, "").caching(); got != want {
				t.Errorf("%s %s: %s", method, target, got)
			}
		}
	}
}

// Only a page of products as any visitor gets it is kept: an error is one client's doing.
func TestOnlyGoodAnswersOfProductsAreCached(t *testing.T) {
	for status, cached := range map[int]bool{200: true, 304: true, 201: false, 206: false, 301: false, 400: false, 401: false, 404: false, 410: false, 500: false} {
		s := openShop(t)
		s.answering(status, "Cache-Control: public, max-age=600")
		if got := s.do("GET", productsRoute, "", `If-None-Match: "p1"`).Header.Get("Cache-Control"); (got == "public, max-age=600") != cached {
			t.Errorf("%d: %s", status, got)
		}
	}
}

func TestProductsThatNameACartAreThatGuests(t *testing.T) {
	for _, header := range []string{"CoCart-API-Cart-Key: t_1", "Cart-Key: t_1", "Set-Cookie: wp_cocart_session_1=t_1"} {
		s := openShop(t)
		s.answering(200, "Cache-Control: public, max-age=600", header)
		if got := s.do("GET", productsRoute, "").caching(); got != kept {
			t.Errorf("%s: %s", header, got)
		}
	}
}

func TestTheStorefrontIsCachedAsBefore(t *testing.T) {
	s := openShop(t)
	s.answering(200, "Cache-Control: public, max-age=600", "Age: 5", "X-LiteSpeed-Tag: p", "CoCart-API-Cart-Key: t_1")
	r := s.do("GET", "/shop/", "")
	if got := r.caching(); got != "Age: 5; Cache-Control: public, max-age=600; X-Litespeed-Tag: p" || r.Header["Cart-Key"] != nil {
		t.Errorf("%s, %v", got, r.Header)
	}
}

// A 304 by an ETag without the user in it would show one customer's prices to
// another, so only guests revalidate products.
func TestOnlyGuestsRevalidateProducts(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	s.answering(200, `ETag: "p1"`, "Last-Modified: Mon, 02 Nov 2026 00:00:00 GMT")
	type seen struct{ asked, answered string }
	got := map[string]seen{}
	ask := func(name, target string, headers ...string) {
		r := s.do("GET", target, "", append(headers, `If-None-Match: "p1"`, "If-Modified-Since: Mon, 02 Nov 2026 00:00:00 GMT")...)
		h := s.wordpress.Last().Header
		got[name] = seen{h.Get("If-None-Match") + h.Get("If-Modified-Since"), r.Header.Get("ETag") + r.Header.Get("Last-Modified")}
	}
	ask("guest", productsRoute)
	ask("customer", productsRoute+"/1", "Authorization: Bearer "+access)
	ask("password", productsRoute, basic)
	ask("customer's cart", cartRoute, "Authorization: Bearer "+access)
	ask("storefront", "/shop/", "Authorization: Bearer "+access)
	whole := seen{`"p1"Mon, 02 Nov 2026 00:00:00 GMT`, `"p1"Mon, 02 Nov 2026 00:00:00 GMT`}
	if want := map[string]seen{"guest": whole, "customer": {}, "password": {}, "customer's cart": whole, "storefront": whole}; !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestCartKeyIsSentInBothSpellings(t *testing.T) {
	legacy := []string{"CoCart-API-Cart-Key: t_1", "CoCart-API-Cart-Expiring: 1", "CoCart-API-Cart-Expiration: 2"}
	modern := []string{"Cart-Key: t_1", "Cart-Expiring: 1", "Cart-Expiration: 2"}
	for name, row := range map[string]struct {
		sent []string
		want string
	}{
		"Community 4":     {legacy, "t_1 1 2 t_1 1 2"},
		"CoCart 5":        {modern, "t_1 1 2 t_1 1 2"},
		"both, different": {[]string{"Cart-Key: t_1", "CoCart-API-Cart-Key: t_2"}, "t_1 t_2"},
		"a customer's":    {[]string{"CoCart-API-Cart-Key: 2", "CoCart-API-Cart-Expiring: 1"}, "2 1"},
		"a custom key":    {[]string{"CoCart-API-Cart-Key: 1732812345678"}, "1732812345678 1732812345678"},
		"none":            {nil, ""},
	} {
		s := openShop(t)
		s.answering(200, row.sent...)
		if got := s.do("GET", cartRoute, "").cartKeys(); got != row.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	s := openShop(t, func(c *gateway.Config) { c.KeepCartKeyNames = true })
	s.answering(200, legacy...)
	if got := s.do("GET", cartRoute, "").cartKeys(); got != "t_1 1 2" {
		t.Errorf("switched off: %s", got)
	}
}

func (r reply) cartKeys() string {
	var values []string
	for _, name := range []string{"Cart-Key", "Cart-Expiring", "Cart-Expiration", "CoCart-API-Cart-Key", "CoCart-API-Cart-Expiring", "CoCart-API-Cart-Expiration"} {
		values = append(values, r.Header.Values(name)...)
	}
	return strings.Join(values, " ")
}

func TestACacheBeforePHPIsNoticed(t *testing.T) {
	s := openShop(t)
	count := func() float64 {
		families, err := s.registry.Gather()
		s.must(err)
		for _, f := range families {
			if f.GetName() == "cocart_gateway_cached_upstream_total" {
				return f.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return -1
	}
	const warning = `"msg":"a cache in front of WordPress answered a CoCart request; exclude CoCart's routes from it","event":"cached_answer"`
	for _, row := range []struct {
		name, method, target, header string
		counted                      float64
	}{
		{"an age", "GET", cartRoute, "Age: 12", 1},
		{"a hit", "GET", cartRoute, "X-Cache: HIT from proxy", 1},
		{"a hit of CloudFront", "POST", cartRoute, "X-Cache: Hit from cloudfront", 1},
		{"a hit of Cloudflare", "GET", cartRoute, "CF-Cache-Status: HIT", 1},
		{"a login", "POST", loginRoute, "Age: 12", 1},
		{"no age", "GET", cartRoute, "Age: 0", 0},
		{"a miss", "GET", cartRoute, "X-Cache: MISS", 0},
		{"CoCart's own cache", "GET", cartRoute, "CoCart-Cache: HIT", 0},
		{"products", "GET", productsRoute, "Age: 12", 0},
		{"the storefront", "GET", "/shop/", "Age: 12", 0},
	} {
		s.answering(401, row.header)
		before := count()
		s.do(row.method, row.target, "{}", "Content-Type: application/json")
		if got := count() - before; got != row.counted {
			t.Errorf("%s: counted %v", row.name, got)
		}
	}
	if log := s.log.String(); strings.Count(log, warning) != 1 || strings.Count(log, `"header":"Age"`) != 1 {
		t.Errorf("%d warnings within a minute", strings.Count(log, warning))
	}
	s.clock.step(time.Minute)
	s.answering(200, "X-Cache: HIT")
	s.do("GET", cartRoute, "")
	if log := s.log.String(); strings.Count(log, warning) != 2 || strings.Count(log, `"header":"X-Cache"`) != 1 {
		t.Errorf("%d warnings a minute later", strings.Count(log, warning))
	}
}
