package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"cocart-gateway/upstream/upstreamtest"
)

// What WordPress only reads for is asked for again where a connection breaks before the answer; what may do something is
// not: it may have been done.
func TestWhatIsAskedForAgain(t *testing.T) {
	const alicesToken = "Authorization: Bearer ALICE"
	for _, row := range []struct {
		method, target string
		header         string
		times          int
	}{
		{"GET", cartRoute, "", 2},
		{"GET", cartRoute + "?fields=items", "", 2},
		{"GET", cartRoute + "?cart_key=t_1", "", 2},
		{"GET", cartRoute, alicesToken, 2},
		{"GET", cartRoute + "?cart_key=t_1", alicesToken, 1}, // CoCart moves the cart, and 4.7 empties it the second time
		{"GET", cartRoute + "?cart_key=t_1", "Authorization: Basic YWxpY2U6d29uZGVybGFuZC0x", 1},
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
		access, _ := s.login()
		before := len(s.wordpress.Seen())
		s.wordpress.Answer = func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool { panic(http.ErrAbortHandler) }
		var headers []string
		if row.header != "" {
			headers = append(headers, strings.ReplaceAll(row.header, "ALICE", access))
		}
		s.do(row.method, row.target, "", headers...)
		if got := len(s.wordpress.Seen()) - before; got != row.times {
			t.Errorf("%s %s %s: %d times, want %d", row.method, row.target, row.header, got, row.times)
		}
	}
}
