package upstream_test

import (
	"net/http"
	"testing"

	"cocart-gateway/upstream"
)

func TestAnswersOfCachesAreRecognised(t *testing.T) {
	for line, want := range map[[2]string]bool{
		{"Age", "12"}: true, {"Age", "0"}: false, {"Age", "x"}: false,
		{"X-Cache", "HIT from proxy"}: true, {"X-Cache", "Hit from cloudfront"}: true, {"X-Cache", "TCP_HIT"}: true, {"X-Cache", "MISS"}: false,
		{"X-Cache", "HIT, MISS"}: true, {"CF-Cache-Status", "HIT"}: true, {"CF-Cache-Status", "DYNAMIC"}: false,
		{"X-LiteSpeed-Cache", "hit"}: true, {"X-LiteSpeed-Cache", "hit,litemage"}: true, {"X-LiteSpeed-Cache", "miss"}: false, {"X-QC-Cache", "hit"}: true,
		{"X-FastCGI-Cache", "HIT"}: true, {"X-FastCGI-Cache", "BYPASS"}: false, {"X-Proxy-Cache", "HIT"}: true, {"X-Proxy-Cache", "EXPIRED"}: false,
		{"X-Cache-Status", "HIT"}: true, {"X-Nginx-Cache", "HIT"}: true, {"X-Sucuri-Cache", "HIT"}: true, {"X-Kinsta-Cache", "HIT"}: true,
		{"Cache-Status", `"Netlify Edge"; hit`}: true, {"Cache-Status", `ExampleCache; fwd=miss`}: false,
		{"CoCart-Cache", "HIT"}: false, {"X-Cache", "white"}: false,
	} {
		h := http.Header{}
		h.Set(line[0], line[1])
		if name, _ := upstream.CachedBy(h); (name != "") != want {
			t.Errorf("%s: %s is taken for %q", line[0], line[1], name)
		}
	}
}
