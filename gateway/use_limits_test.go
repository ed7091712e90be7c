package gateway_test

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
)

// busyShop limits requests on CoCart's routes to three of an address and two of a session in a minute; 0: no such limit.
func busyShop(t *testing.T, address, session int, change ...func(*gateway.Config)) *guardedShop {
	t.Helper()
	s := guarded(t, func(c *attempts.Config, g *gateway.Config) {
		limit := func(n int) attempts.Limit {
			if n == 0 {
				return attempts.Limit{}
			}
			return attempts.Limit{N: n, Per: time.Minute}
		}
		c.Requests, c.SessionRequests = limit(address), limit(session)
		g.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
		for _, do := range change {
			do(g)
		}
	})
	s.wordpress.Users[0].Fingerprint = "fp-2" // as the judge says at a login
	return s
}

func from(address string) string { return "X-Forwarded-For: " + address }

func TestRequestsOfAnAddressAreLimited(t *testing.T) {
	s := busyShop(t, 3, 0)
	get := func(address string) reply { return s.do("GET", cartRoute, "", from(address)) }
	s.statuses("200 200 200", get("192.0.2.1"), get("192.0.2.1"), get("192.0.2.1"))
	asked := len(s.wordpress.Seen())
	r := get("192.0.2.1")
	if r.Status != 429 || !strings.Contains(r.Body, `"code":"rate_limit_exceeded"`) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	for name, want := range map[string]string{"Retry-After": "20", "RateLimit-Limit": "3", "RateLimit-Remaining": "0", "X-RateLimit-Remaining": "0",
		"RateLimit-Reset": strconv.FormatInt(s.clock.Now().Add(time.Minute).Unix(), 10)} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if len(s.wordpress.Seen()) != asked || s.metric("cocart_gateway_rate_limited_total", "requests") != 1 {
		t.Error("WordPress was asked, or the refusal not counted")
	}
	if !strings.Contains(s.log.String(), "limits.requests.address") {
		t.Error("the log does not name the setting")
	}
	if r := get("192.0.2.2"); r.Status != 200 || r.Header.Get("RateLimit-Remaining") != "2" {
		t.Errorf("another address: %d, %s remaining", r.Status, r.Header.Get("RateLimit-Remaining"))
	}
	s.clock.step(20 * time.Second)
	s.statuses("200 429", get("192.0.2.1"), get("192.0.2.1"))
}

func TestRequestsOfASessionAreLimited(t *testing.T) {
	s := busyShop(t, 0, 2)
	one, _ := s.login()
	other, _ := s.login()
	get := func(access, address string) reply {
		return s.do("GET", cartRoute, "", from(address), "Authorization: Bearer "+access)
	}
	s.statuses("200 200 429", get(one, "192.0.2.1"), get(one, "192.0.2.2"), get(one, "192.0.2.3"))
	s.statuses("200", get(other, "192.0.2.1"))
	for range 5 {
		s.statuses("200", s.do("GET", cartRoute, "", from("192.0.2.1"))) // a guest
	}
	if n := s.metric("cocart_gateway_rate_limited_total", "session_requests"); n != 1 {
		t.Errorf("counted: %v", n)
	}
}

// A customer who is refused for the session must not use up the address for others.
func TestARefusalByOneLimitIsNotCountedByTheOther(t *testing.T) {
	s := busyShop(t, 3, 1)
	access, _ := s.login()
	bearer := "Authorization: Bearer " + access
	s.statuses("200 429 429 429", s.do("GET", cartRoute, "", bearer), s.do("GET", cartRoute, "", bearer), s.do("GET", cartRoute, "", bearer), s.do("GET", cartRoute, "", bearer))
	s.statuses("200 200 429", s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""))
}

func TestEachRequestInABatchCounts(t *testing.T) {
	s := busyShop(t, 3, 0)
	batch := func(n int) reply {
		one := `{"path":"/cocart/v2/cart/add-item"},`
		return s.post("/wp-json/cocart/batch", `{"requests":[`+strings.TrimSuffix(strings.Repeat(one, n), ",")+`]}`)
	}
	s.statuses("200", batch(2))
	r := batch(2)
	if r.Status != 429 || r.Header.Get("Retry-After") != "20" {
		t.Errorf("%d, Retry-After %s", r.Status, r.Header.Get("Retry-After"))
	}
	s.statuses("200 429", s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""))
	s.clock.step(time.Minute)
	s.statuses("200 429", batch(20), batch(1)) // as many as the limit allows at once
}

// Login, refresh and validate have limits of their own; a logout, a preflight and the storefront have none.
func TestOtherRoutesDoNotCountAsRequests(t *testing.T) {
	s := busyShop(t, 1, 1)
	s.statuses("200", s.do("GET", cartRoute, ""))
	access, refresh := s.login()
	bearer := "Authorization: Bearer " + access
	s.statuses("200 200 200 204 200", s.refresh(refresh), s.post("/wp-json/cocart/jwt/validate-token", "", bearer), s.do("GET", "/", ""),
		s.do("OPTIONS", cartRoute, "", "Origin: https://app.example", "Access-Control-Request-Method: GET"), s.post(logoutRoute, "", bearer))
	s.statuses("429", s.do("GET", cartRoute, ""))
}

func TestWithoutLimitsOfRequestsRedisIsNotAsked(t *testing.T) {
	s := busyShop(t, 0, 0)
	access, _ := s.login()
	s.cart(access) // from now on the address is in the account's good record
	before := s.store.CommandCount()
	r := s.cart(access)
	if got := s.store.CommandCount() - before; r.Status != 200 || r.Header.Get("RateLimit-Limit") != "" || got != 0 {
		t.Errorf("%d, %d commands, RateLimit-Limit %q", r.Status, got, r.Header.Get("RateLimit-Limit"))
	}
}

func TestRequestsAreLimitedWhileRedisIsAway(t *testing.T) {
	s := busyShop(t, 2, 0)
	s.store.SetError("LOADING")
	s.statuses("200 200 429", s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""))
}

func TestTheDryRunShowsWhichRequestsWouldBeRefused(t *testing.T) {
	s := busyShop(t, 1, 0, func(c *gateway.Config) { c.DryRun = true })
	s.statuses("200 200", s.do("GET", cartRoute, ""), s.do("GET", cartRoute, ""))
	if n := s.metric("cocart_gateway_dry_run_total", "limit"); n != 1 {
		t.Errorf("limit: %v", n)
	}
}
