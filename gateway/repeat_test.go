package gateway_test

import (
	"net/http"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// What WordPress only reads for is asked for again where a connection breaks before the answer; what may do something is
// not: it may have been done.
func TestWhatIsAskedForAgain(t *testing.T) {
	for _, row := range []struct {
		method, target string
		header         string
		times          int
	}{
		{"GET", cartRoute, "", 2},
		{"GET", cartRoute + "?fields=items", "", 2},
		{"GET", cartRoute + "?_method=DELETE", "", 1},
		{"GET", cartRoute, "X-HTTP-Method-Override: POST", 1},
		{"POST", cartRoute, "", 1},
		{"GET", "/shop/", "", 2},
		{"HEAD", "/shop/", "", 2},
		{"OPTIONS", "/shop/", "", 1},
		{"GET", "/shop/?add-to-cart=17", "", 1},
		{"GET", "/wp-content/themes/shop/style.css?ver=6.8", "", 2},
		{"POST", "/wp-content/themes/shop/style.css?ver=6.8", "", 1},
		{"GET", "/index.php/style.css?add-to-cart=17", "", 1},
		{"GET", "/?add-to-cart=17&name=style.css", "", 1},
	} {
		s := openShop(t)
		s.do("GET", "/", "") // a connection that was used before
		s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { panic(http.ErrAbortHandler) }
		var headers []string
		if row.header != "" {
			headers = append(headers, row.header)
		}
		s.do(row.method, row.target, "", headers...)
		if got := len(s.wordpress.Seen()) - 1; got != row.times {
			t.Errorf("%s %s %s: %d times, want %d", row.method, row.target, row.header, got, row.times)
		}
	}
}
