package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/bounds"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// lookingOn is a shop behind a gateway in its dry run.
func lookingOn(t *testing.T, change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := openOldShop(t, append(change, func(c *gateway.Config) { c.DryRun = true })...)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, seen upstreamtest.Seen) bool {
		w.Header().Set("X-Shop", "1")
		w.Header().Set("Access-Control-Allow-Origin", "https://shop.example")
		w.Header().Set("CoCart-API-Cart-Key", "t_1")
		upstreamtest.JSON(w, 200, `{"shop":"answers"}`)
		return true
	}
	return s
}

// seen is how often the dry run came to a verdict.
func (s *shop) seen(route, verdict string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	s.must(err)
	for _, f := range families {
		if f.GetName() != "cocart_gateway_dry_run_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["route"] == route && labels["verdict"] == verdict {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestTheDryRunPassesEverythingUnchanged(t *testing.T) {
	asJSON := []string{"Content-Type: application/json"}
	for name, row := range map[string]struct {
		method, target, body string
		headers              []string
		route, verdict       string
	}{
		"a page":                        {"GET", "/product/hoodie/?x=1", "", nil, "site", "same"},
		"a guest's cart":                {"GET", "/wp-json/cocart/v2/cart", "", nil, "cocart", "same"},
		"a token of another issuer":     {"GET", "/wp-json/cocart/v2/cart", "", []string{"Authorization: Bearer a.b.c"}, "cocart", "token"},
		"two authorizations":            {"GET", "/wp-json/cocart/v2/cart", "", []string{"Authorization: Bearer a.b.c", "Authorization: Bearer d.e.f"}, "cocart", "ambiguous"},
		"two routes":                    {"GET", "/wp-json/cocart/v2/cart?rest_route=/wp/v2/users/me", "", nil, "site", "ambiguous"},
		"the cart of a customer":        {"GET", "/wp-json/cocart/v2/cart?cart_key=2", "", nil, "cocart", "cart_key"},
		"an unknown method":             {"PURGE", "/wp-json/cocart/v2/cart", "", nil, "cocart", "method"},
		"a compressed body":             {"POST", "/wp-json/cocart/v2/cart/add-item", "xx", []string{"Content-Encoding: gzip"}, "cocart", "body"},
		"a long body":                   {"POST", "/wp-json/cocart/v2/cart/add-item", strings.Repeat("x", 2000), []string{"Content-Type: text/plain"}, "cocart", "body"},
		"a long body of unknown length": {"POST", "/wp-json/cocart/v2/cart/add-item", strings.Repeat("x", 2000), []string{"Content-Type: text/plain", "chunked: yes"}, "cocart", "body"},
		"many fields":                   {"POST", "/wp-json/cocart/v2/cart/add-item", strings.Repeat("a&", 20), []string{"Content-Type: application/x-www-form-urlencoded"}, "site", "parameters"},
		"a login":                       {"POST", "/wp-json/cocart/v2/login", `{"username":"alice","password":"x"}`, asJSON, "login", "same"},
		"a wrapped login":               {"POST", "/wp-json/cocart/v2/login?_envelope=1", `{"username":"alice","password":"x"}`, asJSON, "login", "request"},
		"a refresh with their token":    {"POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"` + oldRefresh(1) + `"}`, asJSON, "refresh", "same"},
		"a refresh with garbage":        {"POST", "/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"x"}`, asJSON, "refresh", "token"},
		"a refresh without a token":     {"POST", "/wp-json/cocart/jwt/refresh-token", `{}`, asJSON, "refresh", "request"},
		"a validation of a bad token":   {"POST", "/wp-json/cocart/jwt/validate-token", "", []string{"Authorization: Bearer a.b.c"}, "validate", "token"},
		"a logout":                      {"POST", "/wp-json/cocart/v2/logout", "", nil, "logout", "same"},
		"a preflight":                   {"OPTIONS", "/wp-json/cocart/v2/cart", "", []string{"Origin: https://a.example", "Access-Control-Request-Method: GET"}, "cocart", "same"},
		"the public keys":               {"GET", "/.well-known/jwks.json", "", nil, "jwks", "same"},
		"another host":                  {"GET", "/wp-json/cocart/v2/cart", "", []string{"Host: evil.example"}, "site", "host"},
		"a batch of both":               {"POST", "/wp-json/batch/v1", `{"requests":[{"path":"/cocart/v2/cart"},{"path":"/wp/v2/posts"}]}`, asJSON, "batch", "batch"},
	} {
		t.Run(name, func(t *testing.T) {
			s := lookingOn(t, func(c *gateway.Config) {
				c.Bounds, c.Hosts = bounds.Config{Body: 1000, Parameters: 10}, []string{"www.shop.example"}
			})
			r := s.do(row.method, row.target, row.body, append([]string{"Cookie: wordpress_logged_in_1=alice"}, row.headers...)...)
			got := fmt.Sprint(r.Status, r.Body, r.Header["X-Shop"], r.Header["Access-Control-Allow-Origin"], r.Header["Cart-Key"], r.Header["Vary"], r.Header["Ratelimit-Limit"])
			if want := `200{"shop":"answers"}[1] [https://shop.example] [] [] []`; got != want {
				t.Errorf("the client read %s\nwant            %s", got, want)
			}
			seen := s.wordpress.Last()
			if seen.Method != row.method || seen.Target != row.target || seen.Body != row.body || seen.Claims.Kind != "observed" || seen.Header.Get("Cookie") == "" {
				t.Errorf("WordPress read %+v", seen)
			}
			for _, h := range row.headers {
				if header, value, _ := strings.Cut(h, ": "); seen.Header.Get(header) == "" && header != "chunked" && header != "Host" {
					t.Errorf("WordPress did not read %s: %s", header, value)
				}
			}
			if s.seen(row.route, row.verdict) != 1 {
				t.Errorf("no verdict %s on %s; the log: %s", row.verdict, row.route, s.log.String())
			}
			if seen := strings.Contains(s.log.String(), "dry run: would be refused"); seen != (row.verdict != "same") {
				t.Errorf("the log: %s", s.log.String())
			}
		})
	}
}

// The line of the request says who came, and where to.
func TestTheDryRunSaysWhichRequestItMeans(t *testing.T) {
	s := lookingOn(t)
	s.cart("a.b.c")
	record, seen := s.lastRecord(), s.lines("dry run: would be refused")
	if len(seen) != 1 || seen[0]["request_id"] != record["request_id"] || record["request_id"] == nil || seen[0]["cause"] != "malformed" {
		t.Errorf("%v reports %v", seen, record)
	}
}

func TestTheDryRunKnowsTheTokensOfTheOldPlugin(t *testing.T) {
	s := lookingOn(t)
	s.cart(s.oldAccess(nil))
	if s.seen("cocart", "same") != 1 {
		t.Error("a token of the old plugin would be refused")
	}
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 403, `{"code":"cocart_authentication_error"}`)
		return true
	}
	s.cart(s.oldAccess(nil))
	s.cart("a.b.c")
	if s.seen("cocart", "admit") != 1 || s.seen("cocart", "same") != 2 {
		t.Error("what both refuse, and what only the shop refuses, look the same")
	}
}

func TestTheDryRunCountsWrongPasswordsAndRefusesNone(t *testing.T) {
	s := guarded(t, func(_ *attempts.Config, c *gateway.Config) { c.DryRun, c.Migration.PluginRefresh = true, true })
	shopSays := func(status int) func(http.ResponseWriter, *http.Request, upstreamtest.Seen) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
			upstreamtest.JSON(w, status, `{"shop":"answers"}`)
			return true
		}
	}
	s.wordpress.Answer = shopSays(401)
	for range 4 { // three are too many
		s.statuses("401", s.try("alice", "wrong"))
	}
	s.wordpress.Answer = shopSays(200)
	s.statuses("200 200", s.try("alice", "wonderland-1"), s.basic("alice", "wonderland-1"))
	for range 5 { // so are four refreshes
		s.statuses("200", s.refresh(oldRefresh(1)))
	}
	got := []float64{s.seen("login", "same"), s.seen("login", "limit"), s.seen("cocart", "limit"), s.seen("refresh", "same"), s.seen("refresh", "limit")}
	if want := []float64{4, 1, 1, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("verdicts %v, want %v", got, want)
	}
	families, err := s.registry.Gather()
	s.must(err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "cocart_gateway_rate_limited_total" && m.GetCounter().GetValue() > 0 {
				t.Errorf("a request is said to have been answered with 429: %v", m)
			}
		}
	}
}

func TestTheDryRunLogsNoSecret(t *testing.T) {
	s := lookingOn(t)
	access := s.oldAccess(nil)
	s.cart(access + "A")
	s.refresh(oldRefresh(1) + "0")
	s.post("/wp-json/cocart/v2/login?_envelope=canary", `{"username":"alice","password":"canary"}`, "Cookie: canary=1")
	for _, secret := range []string{access[:40], oldRefresh(1)[:100], "canary"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

func TestAShopThatIsDownInTheDryRun(t *testing.T) {
	s := lookingOn(t)
	s.wordpress.Close()
	if r := s.cart("a.b.c"); r.Status != 502 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if s.seen("cocart", "token") != 0 {
		t.Error("a verdict without an answer")
	}
}

func TestReadinessSaysThatItIsADryRun(t *testing.T) {
	s := openShop(t)
	for _, dry := range []bool{false, true} {
		a := s.admin(admin.Config{DryRun: dry})
		if _, text := ask(t, a, "/readyz"); strings.Contains(text, `"dry_run":true`) != dry {
			t.Errorf("dry run %t: %s", dry, text)
		}
	}
}
