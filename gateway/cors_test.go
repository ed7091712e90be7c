package gateway_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/crossorigin"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	appOrigin     = "Origin: https://app.example"
	productsRoute = "/wp-json/cocart/v2/products"
	cartRoute     = "/wp-json/cocart/v2/cart"
	loginRoute    = "/wp-json/cocart/v2/login"
)

func passthrough(c *gateway.Config) { c.CORS.Passthrough = true }

func onlyApp(c *gateway.Config) {
	c.CORS = crossorigin.Config{Origins: []string{"https://app.example", "https://*.shop.example"}, Credentials: true, MaxAge: time.Hour}
}

// answering has WordPress answer with these headers, "Name: value".
func (s *shop) answering(status int, headers ...string) {
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Add(name, value)
		}
		upstreamtest.JSON(w, status, "{}")
		return true
	}
}

// withCORS has WordPress answer as with CoCart's CORS filter: everything twice.
func (s *shop) withCORS() {
	s.answering(200, "Access-Control-Allow-Origin: https://evil.example", "Access-Control-Allow-Origin: *",
		"Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: Link", "Access-Control-Allow-Methods: OPTIONS, GET",
		"Vary: Origin", "Vary: Origin, Accept-Encoding")
}

// sharing is every CORS header of an answer.
func (r reply) sharing() string {
	var lines []string
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Access-Control-") && name != "Access-Control-Expose-Headers" {
			lines = append(lines, strings.TrimPrefix(name, "Access-Control-")+": "+strings.Join(values, " & "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func TestEveryAnswerCanBeReadByABrowser(t *testing.T) {
	s := openShop(t)
	access, _ := s.login()
	answers := map[string]reply{
		"login":           s.post(loginRoute, `{"username":"alice","password":"wonderland-1"}`, appOrigin),
		"login refused":   s.post(loginRoute, `{"username":"alice","password":"wrong"}`, appOrigin),
		"refresh refused": s.post(refreshRoute, "{}", appOrigin),
		"validate":        s.post("/wp-json/cocart/jwt/validate-token", "", appOrigin, "Authorization: Bearer "+access),
		"customer":        s.do("GET", cartRoute, "", appOrigin, "Authorization: Bearer "+access),
		"guest":           s.do("GET", "/?rest_route=/cocart/v2/cart", "", appOrigin),
		"bad bearer":      s.do("GET", cartRoute, "", appOrigin, "Authorization: Bearer a.b.c"),
		"ambiguous":       s.do("GET", cartRoute+"?rest_route=/wp/v2/posts", "", appOrigin),
		"odd route":       s.do("GET", "/wp-json/cocart//v2", "", appOrigin),
		"batch":           s.post("/wp-json/batch/v1", `{"requests":[{"method":"POST","path":"/cocart/v2/cart/add-item"}]}`, appOrigin),
		"too large":       s.post(refreshRoute, strings.Repeat("x", 1<<17), appOrigin),
		"logout":          s.post("/wp-json/cocart/v2/logout", "", appOrigin, "Authorization: Bearer "+access),
	}
	s.withCORS()
	answers["WordPress has headers of its own"] = s.do("GET", cartRoute, "", appOrigin)
	s.answering(429, "Retry-After: 7")
	answers["WordPress limits"] = s.do("GET", cartRoute, "", appOrigin)
	s.store.Close()
	answers["store away"] = s.post(refreshRoute, `{"refresh_token":"`+strings.Repeat("0", 128)+`"}`, appOrigin)
	s.wordpress.Close()
	answers["WordPress away"] = s.do("GET", cartRoute, "", appOrigin)
	answers["WordPress away, storefront"] = s.do("GET", "/shop/", "", appOrigin)
	for name, r := range answers {
		exposed := r.Header.Get("Access-Control-Expose-Headers")
		if r.sharing() != "Allow-Origin: *" || !strings.Contains(exposed, "Retry-After") || !strings.Contains(exposed, "Www-Authenticate") {
			t.Errorf("%s: %d %v", name, r.Status, r.Header)
		}
		if v := r.Header["Vary"]; len(v) != 1 || strings.Count(v[0], "Origin") != 1 {
			t.Errorf("%s: Vary %q", name, v)
		}
	}
}

func TestExposedHeadersAreTheOnesClientsRead(t *testing.T) {
	s := openShop(t)
	exposed := strings.ToLower(s.do("GET", cartRoute, "", appOrigin).Header.Get("Access-Control-Expose-Headers"))
	for name := range strings.FieldsSeq(`Cart-Key Cart-Expiring Cart-Expiration CoCart-API-Cart-Key CoCart-API-Cart-Expiring CoCart-API-Cart-Expiration
		CoCart-Timestamp Timestamp CoCart-Cache ETag Link X-WP-Total X-WP-TotalPages Retry-After RateLimit-Limit RateLimit-Remaining RateLimit-Reset
		X-RateLimit-Limit X-RateLimit-Remaining X-RateLimit-Reset WWW-Authenticate X-Request-Id`) {
		if !slices.Contains(strings.Split(exposed, ", "), strings.ToLower(name)) {
			t.Errorf("%s is not exposed", name)
		}
	}
}

// WordPress is not asked by a preflight, whatever the route's method will be.
func TestPreflightsAreAnsweredWithoutPHP(t *testing.T) {
	const everything = "accept,authorization,cart-key,cocart-api-cart-key,content-disposition,content-md5,content-type,if-none-match,user-agent,x-requested-with,x-wp-nonce"
	for name, row := range map[string]struct {
		change         func(*gateway.Config)
		target, origin string
		method         string
		headers        string
		want           string
	}{
		"login":                      {nil, loginRoute, "https://app.example", "POST", "authorization,content-type", "Allow-Headers: authorization,content-type; Allow-Methods: POST; Allow-Origin: *; Max-Age: 600"},
		"every header of clients":    {nil, cartRoute, "https://app.example", "GET", everything, "Allow-Headers: " + everything + "; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"DELETE":                     {nil, cartRoute, "https://app.example", "DELETE", "", "Allow-Methods: DELETE; Allow-Origin: *; Max-Age: 600"},
		"plain permalinks":           {nil, "/?rest_route=/cocart/v2/cart", "https://app.example", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"a method override":          {nil, cartRoute + "?_method=GET", "https://app.example", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"guests turned away":         {denyGuests, cartRoute, "https://app.example", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"a sandboxed frame":          {nil, cartRoute, "null", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"another header, no guests":  {denyGuests, cartRoute, "https://app.example", "GET", "x-secret", ""},
		"another header, overridden": {nil, cartRoute + "?_method=GET", "https://app.example", "GET", "x-secret", ""},
		"another header, not listed": {onlyApp, cartRoute, "https://evil.example", "GET", "x-secret", ""},
		"monitoring":                 {nil, cartRoute, "https://app.example", "POST", "authorization,baggage,content-type,sentry-trace,traceparent,tracestate", "Allow-Headers: authorization,baggage,content-type,sentry-trace,traceparent,tracestate; Allow-Methods: POST; Allow-Origin: *; Max-Age: 600"},
		"another order and case":     {nil, cartRoute, "https://app.example", "POST", "Content-Type, authorization,Content-Type", "Allow-Headers: authorization,content-type; Allow-Methods: POST; Allow-Origin: *; Max-Age: 600"},
		"New Relic and Datadog":      {nil, cartRoute, "https://app.example", "GET", "newrelic,x-datadog-trace-id", "Allow-Headers: newrelic,x-datadog-trace-id; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"a reload without a cache":   {nil, cartRoute, "https://app.example", "GET", "cache-control,pragma", "Allow-Headers: cache-control,pragma; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"an overridden method":       {nil, cartRoute, "https://app.example", "POST", "idempotency-key,x-http-method-override", "Allow-Headers: idempotency-key,x-http-method-override; Allow-Methods: POST; Allow-Origin: *; Max-Age: 600"},
		"a header of the shop's":     {func(c *gateway.Config) { c.CORS.AllowHeaders = []string{"X-Currency"} }, cartRoute, "https://app.example", "GET", "x-currency", "Allow-Headers: x-currency; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
		"another method":             {nil, cartRoute, "https://app.example", "BREW", "", ""},
		"listed":                     {onlyApp, cartRoute, "https://app.example", "GET", "", "Allow-Credentials: true; Allow-Methods: GET; Allow-Origin: https://app.example; Max-Age: 3600"},
		"listed by wildcard":         {onlyApp, cartRoute, "https://eu.shop.example", "GET", "", "Allow-Credentials: true; Allow-Methods: GET; Allow-Origin: https://eu.shop.example; Max-Age: 3600"},
		"not listed":                 {onlyApp, cartRoute, "https://evil.example", "GET", "", ""},
		"not listed, same ending":    {onlyApp, cartRoute, "https://evilshop.example", "GET", "", ""},
		"not listed, other scheme":   {onlyApp, cartRoute, "http://app.example", "GET", "", ""},
		"null, with credentials":     {onlyApp, cartRoute, "null", "GET", "", ""},
		"not remembered":             {func(c *gateway.Config) { c.CORS.MaxAge = -1 }, cartRoute, "https://app.example", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 0"},
		"no private network":         {nil, cartRoute, "https://app.example", "GET", "", "Allow-Methods: GET; Allow-Origin: *; Max-Age: 600"},
	} {
		s := openShop(t)
		if row.change != nil {
			s = openShop(t, row.change)
		}
		headers := []string{"Origin: " + row.origin, "Access-Control-Request-Method: " + row.method, "Access-Control-Request-Private-Network: true"}
		if row.headers != "" {
			headers = append(headers, "Access-Control-Request-Headers: "+row.headers)
		}
		r := s.do("OPTIONS", row.target, "", headers...)
		if r.Status != 204 || r.sharing() != row.want || len(s.wordpress.Seen()) != 0 {
			t.Errorf("%s: %d %s, WordPress asked %d times", name, r.Status, r.sharing(), len(s.wordpress.Seen()))
		}
		if v := r.Header.Get("Vary"); !strings.Contains(v, "Access-Control-Request-Headers") || strings.Count(v, "Origin") != 1 {
			t.Errorf("%s: Vary %q", name, v)
		}
	}
}

func TestOptionsThatIsNoPreflightReachesWordPress(t *testing.T) {
	s := openShop(t)
	if r := s.do("OPTIONS", cartRoute, "", appOrigin); r.Status != 200 || len(s.wordpress.Seen()) != 1 {
		t.Errorf("%d, WordPress asked %d times", r.Status, len(s.wordpress.Seen()))
	}
}

func TestOnlyListedOriginsMayRead(t *testing.T) {
	s := openShop(t, onlyApp)
	s.withCORS()
	for origin, want := range map[string]string{
		"https://app.example":     "Allow-Credentials: true; Allow-Origin: https://app.example",
		"https://eu.shop.example": "Allow-Credentials: true; Allow-Origin: https://eu.shop.example",
		"https://evil.example":    "",
		"null":                    "",
	} {
		for _, r := range []reply{
			s.do("GET", cartRoute, "", "Origin: "+origin),
			s.do("GET", cartRoute, "", "Origin: "+origin, "Authorization: Bearer a.b.c"),
		} {
			if r.sharing() != want || strings.Count(strings.Join(r.Header["Vary"], ","), "Origin") != 1 {
				t.Errorf("%s: %d %s, Vary %q", origin, r.Status, r.sharing(), r.Header["Vary"])
			}
		}
	}
}

func TestOtherRoutesKeepTheirOwnCORS(t *testing.T) {
	s := openShop(t)
	s.withCORS()
	const theirs = "Allow-Credentials: true; Allow-Methods: OPTIONS, GET; Allow-Origin: https://evil.example & *"
	for _, r := range []reply{
		s.do("GET", "/wp-json/wp/v2/posts", "", appOrigin),
		s.do("OPTIONS", "/wp-json/wp/v2/posts", "", appOrigin, "Access-Control-Request-Method: GET"),
	} {
		if r.sharing() != theirs || len(r.Header["Vary"]) != 2 {
			t.Errorf("%s, Vary %q", r.sharing(), r.Header["Vary"])
		}
	}
	if n := len(s.wordpress.Seen()); n != 2 {
		t.Errorf("WordPress asked %d times", n)
	}
}

func TestPassthroughLeavesCORSToWordPress(t *testing.T) {
	s := openShop(t, passthrough)
	s.withCORS()
	for name, row := range map[string][2]string{
		"WordPress's answer": {s.do("GET", cartRoute, "", appOrigin).sharing(), "Allow-Credentials: true; Allow-Methods: OPTIONS, GET; Allow-Origin: https://evil.example & *"},
		"a preflight":        {s.do("OPTIONS", cartRoute, "", appOrigin, "Access-Control-Request-Method: GET").sharing(), "Allow-Credentials: true; Allow-Methods: OPTIONS, GET; Allow-Origin: https://evil.example & *"},
		"our own answer":     {s.do("GET", cartRoute, "", appOrigin, "Authorization: Bearer a.b.c").sharing(), "Allow-Origin: https://app.example"},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: %s, want %s", name, row[0], row[1])
		}
	}
	if n := len(s.wordpress.Seen()); n != 2 {
		t.Errorf("WordPress asked %d times", n)
	}
}

func TestCredentialsForEverybodyAreRefusedAtStart(t *testing.T) {
	site := &url.URL{Scheme: "https", Host: "shop.example"}
	for name, origins := range map[string][]string{"none listed": nil, "any": {"*"}, "any among others": {"https://a.example", "*"}, "null": {"null"}} {
		cfg := gateway.Config{SiteURL: site, CORS: crossorigin.Config{Origins: origins, Credentials: true}}
		if _, err := gateway.New(cfg, nil, nil, prometheus.NewRegistry(), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPreflightsAllowTheHeadersClientsAuthenticateWith(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.AuthHeaders = []string{"Authorization", "X-Shop-Auth"} })
	r := s.do("OPTIONS", cartRoute, "", appOrigin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: authorization,x-shop-auth")
	if r.Status != 204 || r.Header.Get("Access-Control-Allow-Headers") != "authorization,x-shop-auth" {
		t.Errorf("%d %v", r.Status, r.Header)
	}
	if r = s.do("GET", productsRoute, ""); !strings.Contains(r.Header.Get("Vary"), "X-Shop-Auth") {
		t.Errorf("Vary: %v", r.Header["Vary"])
	}
}

func preflightFor(headers string) []string {
	return []string{appOrigin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: " + headers}
}

// WordPress sends what its filter rest_allowed_cors_headers returns with every answer of its REST API.
func TestTheShopsFilterAllowsHeaders(t *testing.T) {
	s := openShop(t)
	s.answering(200, "Access-Control-Allow-Origin: https://evil.example", "Access-Control-Allow-Headers: Authorization, X-WP-Nonce, X-Currency, X-App-Version")
	for headers, want := range map[string]string{
		"authorization,x-currency":  "Allow-Headers: authorization,x-currency; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600",
		"x-app-version,x-currency":  "Allow-Headers: x-app-version,x-currency; Allow-Methods: GET; Allow-Origin: *; Max-Age: 600",
		"authorization,x-other":     "",
		"x-currency,x-other,accept": "",
	} {
		if r := s.do("OPTIONS", cartRoute, "", preflightFor(headers)...); r.Status != 200 || r.sharing() != want {
			t.Errorf("%s: %d %s", headers, r.Status, r.sharing())
		}
		if seen := s.wordpress.Last(); seen.Method != "OPTIONS" || seen.Claims.Kind != "guest" {
			t.Errorf("%s: WordPress was asked %s as %s", headers, seen.Method, seen.Claims.Kind)
		}
	}
}

// A preflight is never a try at a password, whatever its URL holds.
func TestAPreflightOfTheShopsHeadersIsAGuests(t *testing.T) {
	s := guarded(t)
	for range 6 {
		s.do("OPTIONS", cartRoute+"?username=alice&password=wrong", "", preflightFor("x-currency")...)
	}
	if kind := s.wordpress.Last().Claims.Kind; kind != "guest" {
		t.Errorf("asserted %s", kind)
	}
	if r := s.post(loginRoute, `{"username":"alice","password":"wonderland-1"}`); r.Status != 200 {
		t.Errorf("the login afterwards: %d %s", r.Status, r.Body)
	}
}

func TestTheShopsFilterExposesHeaders(t *testing.T) {
	s := openShop(t, func(c *gateway.Config) { c.CORS.ExposeHeaders = []string{"X-Configured"} })
	s.answering(200, "Access-Control-Expose-Headers: X-WP-Total, Link, X-Stock", "X-Stock: 3")
	for range 2 {
		exposed := strings.Split(s.do("GET", cartRoute, "", appOrigin).Header.Get("Access-Control-Expose-Headers"), ", ")
		for _, name := range []string{"X-Stock", "X-Configured", "Cart-Key"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s is not exposed: %q", name, exposed)
			}
		}
	}
	s.answering(200)
	if got := s.do("GET", cartRoute, "", appOrigin).Header.Get("Access-Control-Expose-Headers"); strings.Contains(got, "X-Stock") || !strings.Contains(got, "X-Configured") {
		t.Errorf("without the filter: %s", got)
	}
}

func TestARefusedPreflightIsLogged(t *testing.T) {
	for reason, headers := range map[string][]string{
		"headers": preflightFor("authorization,x-other"),
		"origin":  {"Origin: https://evil.example", "Access-Control-Request-Method: GET"},
		"method":  {appOrigin, "Access-Control-Request-Method: BREW"},
	} {
		s := openShop(t, onlyApp)
		for range 3 {
			s.do("OPTIONS", cartRoute, "", headers...)
		}
		line := `"event":"preflight_refused"`
		if log := s.log.String(); strings.Count(log, line) != 1 || !strings.Contains(log, `"reason":"`+reason+`"`) {
			t.Errorf("%s: %s", reason, log)
		}
		s.clock.step(time.Minute)
		s.do("OPTIONS", cartRoute, "", headers...)
		if log := s.log.String(); strings.Count(log, line) != 2 {
			t.Errorf("%s, a minute later: %s", reason, log)
		}
	}
}
