package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/appserver"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

const (
	webKey    = "CoCart-App-Server: web:the secret of the web server, 32 bytes"
	oldWebKey = "CoCart-App-Server: web:the secret that it had before, 32 byte"
)

// withAppServer is a guarded shop with an app server, whose key is being changed.
func withAppServer(t *testing.T, change ...func(*gateway.Config)) *guardedShop {
	t.Helper()
	return guarded(t, func(c *attempts.Config, g *gateway.Config) {
		c.Address = per(3)
		g.AppServers = []appserver.Server{{Name: "web", Secrets: []string{"the secret of the web server, 32 bytes", "the secret that it had before, 32 byte"}}}
		for _, do := range change {
			do(g)
		}
	})
}

func per(n int) attempts.Limit { return attempts.Limit{N: n, Per: 15 * 60 * 1e9} }

func customerAt(address string) string { return "CoCart-Client-Address: " + address }

// The limits, the log and WordPress see the customer, by either secret, on each kind of route.
func TestAnAppServerStatesTheAddressOfTheCustomer(t *testing.T) {
	s := withAppServer(t)
	for _, key := range []string{webKey, oldWebKey} {
		for _, target := range []string{cartRoute, "/"} {
			r := s.do("GET", target, "", key, customerAt("2001:db8::7"))
			got := s.wordpress.Last()
			if r.Status != 200 || got.Claims.Client != "2001:db8::7" || got.Header.Get("X-Real-Ip") != "2001:db8::7" {
				t.Errorf("%s: %d, WordPress sees %s", target, r.Status, got.Claims.Client)
			}
			if got.Header.Get("CoCart-App-Server") != "" || got.Header.Get("CoCart-Client-Address") != "" {
				t.Errorf("WordPress got %v", got.Header)
			}
		}
	}
	if log := s.log.String(); !strings.Contains(log, `"client":"2001:db8::7"`) || !strings.Contains(log, `"app_server":"web"`) || strings.Contains(log, "the secret") {
		t.Errorf("logged %s", log)
	}
	s.statuses("401 401 401 429", s.try("a", "x", webKey, customerAt("192.0.2.1")), s.try("b", "x", webKey, customerAt("192.0.2.1")),
		s.try("c", "x", webKey, customerAt("192.0.2.1")), s.try("d", "x", webKey, customerAt("192.0.2.1")))
	s.statuses("401 401", s.try("d", "x", webKey, customerAt("192.0.2.2")), s.try("d", "x"))
}

func TestAnAppServerThatStatesNoAddressAsksForItself(t *testing.T) {
	s := withAppServer(t)
	if r := s.do("GET", cartRoute, "", webKey); r.Status != 200 || s.wordpress.Last().Claims.Client != "127.0.0.1" {
		t.Errorf("%d as %s", r.Status, s.wordpress.Last().Claims.Client)
	}
}

func TestAStatedAddressCountsBesideAKeyOnly(t *testing.T) {
	s := withAppServer(t)
	for _, headers := range [][]string{{customerAt("192.0.2.1")}, {"CoCart_Client_Address: 192.0.2.1", "CoCart_App_Server: web:the secret of the web server, 32 bytes"}} {
		for _, target := range []string{cartRoute, "/"} {
			r := s.do("GET", target, "", headers...)
			got := s.wordpress.Last()
			if r.Status != 200 || got.Claims.Client != "127.0.0.1" {
				t.Errorf("%v: %d as %s", headers, r.Status, got.Claims.Client)
			}
			for name := range got.Header {
				if strings.HasPrefix(strings.ToLower(name), "cocart") {
					t.Errorf("WordPress got %s", name)
				}
			}
		}
	}
}

func TestAWrongKeyOfAnAppServerIsRefused(t *testing.T) {
	s := withAppServer(t)
	asked := len(s.wordpress.Seen())
	for i := range 10 {
		r := s.do("GET", cartRoute, "", "CoCart-App-Server: web:wrong-"+itoa(i), customerAt("192.0.2.1"))
		if r.Status != 401 || !strings.Contains(r.Body, `"code":"cocart_gateway_app_server"`) || r.Header.Get("WWW-Authenticate") != `CoCart-App-Server realm="CoCart"` {
			t.Fatalf("%d %s %v", r.Status, r.Body, r.Header)
		}
	}
	r := s.do("GET", cartRoute, "", "CoCart-App-Server: web:wrong")
	if r.Status != 429 || r.Header.Get("Retry-After") == "" || len(s.wordpress.Seen()) != asked {
		t.Errorf("the eleventh: %d %s", r.Status, r.Body)
	}
	s.statuses("200 200", s.do("GET", cartRoute, "", webKey, customerAt("192.0.2.1")), s.do("GET", cartRoute, ""))
	if n := s.metric("cocart_gateway_security_events_total", "app_server_refused"); n != 10 || strings.Contains(s.log.String(), "wrong-") {
		t.Errorf("%v events, %s", n, s.log)
	}
}

func TestAnAddressThatNoCustomerHasIsRefused(t *testing.T) {
	s := withAppServer(t)
	for _, address := range []string{"127.0.0.1", "::1", "x", "192.0.2.1, 192.0.2.2", "192.0.2.1:80"} {
		if r := s.do("GET", cartRoute, "", webKey, customerAt(address)); r.Status != 400 || !strings.Contains(r.Body, "cocart_gateway_bad_request") {
			t.Errorf("%s: %d %s", address, r.Status, r.Body)
		}
	}
}

// The shop's own requests go first where places at PHP are scarce; an app server's are the customers'.
func TestAnAppServerIsNeverTheShopItself(t *testing.T) {
	own := netip.MustParsePrefix("192.0.2.0/24")
	s := withAppServer(t, func(c *gateway.Config) { c.OwnAddresses = []netip.Prefix{own} })
	if r := s.do("POST", "/wp-cron.php", "", webKey, customerAt("192.0.2.1")); r.Status != 200 {
		t.Errorf("%d", r.Status)
	}
}

// What a dry run predicts of a request is what would have become of it: customers behind an app server share no limit.
func TestADryRunKnowsTheCustomersOfAnAppServer(t *testing.T) {
	s := withAppServer(t, func(c *gateway.Config) { c.DryRun = true })
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		upstreamtest.JSON(w, 200, `{"message":"Token is valid.","data":{"status":200}}`)
		return true
	}
	validate := func(address string) {
		s.do("POST", "/wp-json/cocart/jwt/validate-token", "", webKey, customerAt(address))
	}
	for i := range 6 {
		validate("192.0.2." + itoa(i+1))
	}
	if n := s.seen("validate", "limit"); n != 0 {
		t.Errorf("%v requests of different customers would be refused for the limit of one address", n)
	}
	for range 6 {
		validate("192.0.2.9")
	}
	if n := s.seen("validate", "limit"); n != 1 {
		t.Errorf("of six requests of one customer %v would be refused, not 1", n)
	}
	s.do("GET", cartRoute, "", "CoCart-App-Server: web:wrong", customerAt("192.0.2.1"))
	if log := s.log.String(); s.seen("site", "other") != 1 || !strings.Contains(log, "cocart_gateway_app_server") || strings.Contains(log, "web:wrong") {
		t.Errorf("the wrong key is not reported: %s", log)
	}
}

// A dry run enforces nothing, and WordPress does not see the key.
func TestADryRunRefusesNoAppServer(t *testing.T) {
	s := withAppServer(t, func(c *gateway.Config) { c.DryRun = true })
	r := s.do("GET", cartRoute, "", "CoCart-App-Server: web:wrong", customerAt("192.0.2.1"))
	if got := s.wordpress.Last(); r.Status != 200 || got.Claims.Client != "127.0.0.1" || got.Header.Get("CoCart-App-Server") != "" {
		t.Errorf("%d as %s with %v", r.Status, got.Claims.Client, got.Header)
	}
}
