package browser

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/crossorigin"
)

// The first page of deploy/docs/apps.md, as an app developer saves and serves it.
func TestTheDocumentedPageLogsInAndShowsACart(t *testing.T) {
	text, err := os.ReadFile("../docs/apps.md")
	if err != nil {
		t.Fatal(err)
	}
	page := regexp.MustCompile("(?s)```html\n(.*?)```").FindSubmatch(text)
	if page == nil {
		t.Fatal("apps.md shows no page")
	}
	app := httptest.NewUnstartedServer(nil)
	origin := "http://" + app.Listener.Addr().String()
	s := openShopWith(t, func(c *gateway.Config, _ string) {
		c.Cookies.Enabled, c.CORS = true, crossorigin.Config{Origins: []string{origin}, Credentials: true}
	})
	report := `await fetch("` + s.pages.URL + `/report", { method: "POST", mode: "no-cors", body: JSON.stringify({ cart: document.getElementById("cart").textContent }) });`
	html := strings.NewReplacer("http://127.0.0.1:8080", s.gateway, "</script>", report+"</script>").Replace(string(page[1]))
	app.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(html))
	})
	app.Start()
	defer app.Close()
	s.servePages("")
	if got := s.open(origin); !strings.Contains(got["cart"].(string), "mug of customer 2") {
		t.Errorf("the page shows %q", got)
	}
}
