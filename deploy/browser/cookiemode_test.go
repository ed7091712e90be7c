package browser

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"cocart-gateway/deploy/browserapp"
	"cocart-gateway/gateway"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/upstream/upstreamtest"
)

// mugs counts the items of carts by their keys, and moves them as CoCart 4.7 does: a guest's cart takes the place of the
// customer's, also if it is empty because it moved before.
type mugs struct {
	sync.Mutex
	of     map[string]int
	guests int
	// fault goes wrong once, with the first request that moves a cart.
	fault string
}

func (m *mugs) answer(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) {
	m.Lock()
	defer m.Unlock()
	key, who, fault := r.URL.Query().Get("cart_key"), seen.Claims.Subject, ""
	switch {
	case seen.Claims.Kind == "customer":
		if key != "" {
			fault, m.fault = m.fault, ""
		}
		if key != "" && fault != "busy" {
			m.of[who] = m.of[key]
			delete(m.of, key)
		}
		key = who
	case key == "":
		m.guests++
		key = fmt.Sprintf("t_%030d", m.guests)
	}
	if fault != "busy" && strings.HasSuffix(r.URL.Path, "/add-item") {
		m.of[key]++
	}
	items := ""
	if m.of[key] > 0 {
		items = fmt.Sprintf(`{"name":"mug of %s %s","quantity":%d}`, seen.Claims.Kind, who, m.of[key])
	}
	switch fault {
	case "busy":
		w.Header().Set("Retry-After", "7")
		upstreamtest.JSON(w, 503, `{"code":"maintenance","message":"Back soon.","data":{"status":503}}`)
	case "lost":
		panic(http.ErrAbortHandler)
	default:
		upstreamtest.JSON(w, 200, fmt.Sprintf(`{"cart_key":"%s","items":[%s],"item_count":%d}`, key, items, m.of[key]))
	}
}

// servePages has the shop's web server serve the example app, a page of testdata beside it, and products that a browser may keep.
func (s *shop) servePages(page string) *mugs {
	carts := &mugs{of: map[string]int{"2": 5}}
	files := http.NewServeMux()
	files.Handle("GET /browserapp/", http.StripPrefix("/browserapp", http.FileServerFS(browserapp.Files)))
	files.Handle("GET /test/", http.StripPrefix("/test", http.FileServer(http.Dir("testdata"))))
	files.HandleFunc("GET /test/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>A test</title><body><script type="module" src="` + page + `.js"></script>`))
	})
	s.wordpress.Lock()
	defer s.wordpress.Unlock()
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		who := seen.Claims.Kind + " " + seen.Claims.Subject
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/browserapp/"), strings.HasPrefix(path, "/test/"):
			files.ServeHTTP(w, r)
		case path == "/wp-json/cocart/v2/products":
			w.Header().Set("Cache-Control", "max-age=600")
			upstreamtest.JSON(w, 200, `{"products":[{"id":12,"name":"A mug for `+who+`"}]}`)
		case path == "/wp-json/cocart/v2/cart", path == "/wp-json/cocart/v2/cart/add-item":
			carts.answer(w, r, seen)
		default:
			return false
		}
		return true
	}
	return carts
}

// The example app of "make run", as a customer uses it. The browser keeps Secure cookies of 127.0.0.1 over plain http.
func TestTheExampleAppLogsInShopsAndLogsOutWithoutTokens(t *testing.T) {
	s := openShopWith(t, func(c *gateway.Config, _ string) { c.Cookies.Enabled = true })
	s.servePages("driving")
	guest := func(cart string) map[string]any {
		return map[string]any{"account": "guest", "cart": cart, "renewals": "0", "message": ""}
	}
	alice := func(cart, renewals string) map[string]any {
		return map[string]any{"account": "Hello, alice", "cart": cart, "renewals": renewals, "message": ""}
	}
	refused := guest("mug of guest 0× 1")
	refused["message"] = "The password you entered is incorrect."
	want := map[string]any{
		"first": guest(""), "added": guest("mug of guest 0× 1"), "a guest reloads": guest("mug of guest 0× 1"), "refused": refused,
		"logged in": alice("mug of customer 2× 1", "0"), "renewed": alice("mug of customer 2× 2", "1"), "reloaded": alice("mug of customer 2× 2", "0"),
		"logged out": guest(""), "what scripts can read": " {} {}", "added after the logout": guest("mug of guest 0× 1"),
	}
	got := s.open(s.gateway + "/test/?clock=" + url.QueryEscape(s.pages.URL+"/later") + "&report=" + url.QueryEscape(s.pages.URL+"/report"))
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, seen := range s.wordpress.Seen() {
		if strings.Contains(seen.Header.Get("Cookie"), "cocart_session") {
			t.Errorf("WordPress got %q", seen.Header.Get("Cookie"))
		}
	}
	if n := s.movedCarts(); n != 1 {
		t.Errorf("a customer named a guest's cart %d times, want once: the second time empties the cart of the customer", n)
	}
	if n := len(slices.DeleteFunc(s.wordpress.Seen(), func(seen upstreamtest.Seen) bool {
		return !strings.Contains(seen.Target, "v2/products") || seen.Claims.Kind != "customer"
	})); n != 2 {
		t.Errorf("WordPress was asked %d times for a customer's products, want 2: after the login, although the browser has a guest's in its cache, and after the reload", n)
	}
}

// movedCarts returns how many requests of a customer named a guest's cart.
func (s *shop) movedCarts() int {
	return len(slices.DeleteFunc(s.wordpress.Seen(), func(seen upstreamtest.Seen) bool {
		return !strings.Contains(seen.Target, "cart_key=") || seen.Claims.Kind != "customer"
	}))
}

// The cart moves when the customer tries again, or it has moved: the second time would empty the cart.
func TestTheExampleAppMovesAGuestsCartOnceWhateverIsLost(t *testing.T) {
	for fault, row := range map[string]struct {
		message string
		moved   int
	}{
		"busy": {"Back soon. (Try again in 7 s.)", 2},
		"lost": {"The shop cannot be reached at the moment. (Try again in 5 s.)", 1},
	} {
		t.Run(fault, func(t *testing.T) {
			s := openShopWith(t, func(c *gateway.Config, _ string) { c.Cookies.Enabled = true })
			s.servePages("moving").fault = fault
			got := s.open(s.gateway + "/test/?report=" + url.QueryEscape(s.pages.URL+"/report"))
			want := map[string]any{"message": row.message, "cart": "mug of customer 2× 2", "what scripts can read": "{}"}
			if !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if n := s.movedCarts(); n != row.moved {
				t.Errorf("a customer named a guest's cart %d times, want %d", n, row.moved)
			}
		})
	}
}

// An attacker's page is on the same site as the app, so that the browser sends it the cookie whatever SameSite and Partitioned say.
func TestOnAnotherSiteOnlyAListedOriginUsesTheSession(t *testing.T) {
	for name, row := range map[string]struct {
		host     string // of app and attacker; the shop is at 127.0.0.1
		sameSite http.SameSite
	}{
		"another origin of the same site": {"127.0.0.1", http.SameSiteStrictMode},
		"another site":                    {"localhost", http.SameSiteNoneMode},
	} {
		t.Run(name, func(t *testing.T) {
			at := func(address string) string { return strings.Replace(address, "127.0.0.1", row.host, 1) }
			s := openShopWith(t, func(c *gateway.Config, page string) {
				c.Cookies.Enabled, c.Cookies.SameSite = true, row.sameSite
				c.CORS = crossorigin.Config{Origins: []string{at(page)}, Credentials: true}
			})
			evil := httptest.NewServer(s.pages.Config.Handler)
			defer evil.Close()
			got := s.open(at(s.pages.URL) + "/visit/app?gateway=" + url.QueryEscape(s.gateway) + "&evil=" + url.QueryEscape(at(evil.URL)+"/visit/attacking?"))
			want := map[string]any{
				"login": 200.0, "tokens in the answer": false, "cart": "200 2", "cart, days later": "200 2",
				"the attacker reads": "TypeError", "the attacker acts": "TypeError", "the attacker asks for the cookie": "TypeError",
				"cart after the attack": "200 2", "logout": "200", "cart after the logout": "200 t_0123456789abcdef0123456789abcd",
			}
			if !maps.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			for _, seen := range s.wordpress.Seen() {
				if strings.Contains(seen.Target, "from=") {
					t.Errorf("WordPress got %s for %s %s", seen.Target, seen.Claims.Kind, seen.Claims.Subject)
				}
			}
			if n := strings.Count(s.log.String(), "cross_site_request"); n < 6 {
				t.Errorf("the browser sent the cookie to %d of the attacker's requests", n)
			}
		})
	}
}
