package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/upstream"
)

func TestAnswersOfCachesAreRecognised(t *testing.T) {
	for line, want := range map[string]bool{
		"Age: 12": true, "Age: 0": false, "Age: x": false, "Age: -1": false,
		"X-Cache: HIT": true, "X-Cache: MISS, HIT": true, "X-Cache: TCP_MEM_HIT from a (Cache/1.0)": true, "X-Cache: RefreshHit from cloudfront": true,
		"X-Cache: MISS": false, "X-Cache: BYPASS": false, "X-Cache: HIT FOR PASS": false, "X-Cache: hit-for-miss": false, "X-Cache: white": false,
		"X-Cache: TCP_HIT": true, "X-Cache: HIT, MISS": true, "X-LiteSpeed-Cache: hit,litemage": true, "X-LSCache: hit": true, "X-Rocket-Cache: HIT": true,
		"X-Sucuri-Cache: HIT": true, "X-Proxy-Cache: EXPIRED": false, "X-FastCGI-Cache: BYPASS": false, "X-Proxy-Cache-Info: HIT": true,
		"X-Cache-Hits: 0, 2": true, "X-Cache-Hits: 0": false, "X-Cache-Lookup: HIT from squid": false,
		"CF-Cache-Status: HIT": true, "CF-Cache-Status: REVALIDATED": true, "CF-Cache-Status: STALE": true, "CF-Cache-Status: DYNAMIC": false, "CF-Cache-Status: EXPIRED": false,
		"X-LiteSpeed-Cache: hit": true, "X-LiteSpeed-Cache: miss": false, "X-LiteSpeed-Cache-Control: no-cache": false, "X-QC-Cache: hit": true,
		"X-FastCGI-Cache: HIT": true, "X-FastCGI-Cache: UPDATING": true, "X-FastCGI-Cache: EXPIRED": false, "Fastcgi-Cache: HIT": true,
		"X-Proxy-Cache: HIT": true, "X-Proxy-Cache: MISS": false, "X-Nginx-Cache: HIT": true, "X-Nginx-Cache-Status: HIT": true, "X-Srcache-Fetch-Status: HIT": true,
		"X-Kinsta-Cache: HIT": true, "Ki-Cf-Cache-Status: HIT": true, "X-Flying-Press-Cache: HIT": true, "X-Nitro-Cache: HIT": true, "X-Vercel-Cache: PRERENDER": true,
		"X-Varnish: 5 4": true, "X-Varnish: 5": false, "X-Varnish-Cache: HIT": true,
		`Cache-Status: "a, b"; hit`: true, "Cache-Status: edge; fwd=miss; stored": false,
		"X-WP-Super-Cache: Served supercache file from PHP": true, "WPO-Cache-Status: cached": true, "WPO-Cache-Status: not cached": false,
		"X-Wp-Cf-Super-Cache-Status: HIT": true, "X-Cache-Handler: cache-enabler-engine": true, "X-Rocket-Nginx-Serving-Static: No": false,
		"X-Rack-Cache: fresh": true, "X-Rack-Cache: stale, invalid, store": false, "X-Nananana: Batcache-Hit": true, "X-Nananana: Batcache-Set": false,
		"CoCart-Cache: HIT": false, "X-Object-Cache: HIT": false, "X-Cache-Enabled: True": false, "Cache-Control: public": false, "X-Litespeed-Tag: hit": false,
	} {
		name, value, _ := strings.Cut(line, ": ")
		h := http.Header{"Content-Type": {"application/json"}}
		h.Set(name, value)
		if got, said := upstream.CachedBy(h); (got != "") != want || want && said != value {
			t.Errorf("%s: %q %q", line, got, said)
		}
	}
}
