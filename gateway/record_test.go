package gateway_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/tokenstest"
	"cocart-gateway/upstream/upstreamtest"
)

// lines are those of the log with that text, oldest first.
func (s *shop) lines(msg string) []map[string]any {
	s.t.Helper()
	var found []map[string]any
	for text := range strings.Lines(s.log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			s.t.Fatalf("%v in %q", err, text)
		}
		if line["msg"] == msg {
			found = append(found, line)
		}
	}
	return found
}

// lastRecord is the line of the newest request, once it is there: a client may
// have its answer before.
func (s *shop) lastRecord() map[string]any {
	s.t.Helper()
	s.Close() // waits for what is in flight
	all := s.lines("request")
	if len(all) == 0 {
		s.t.Fatal("no request was logged")
	}
	return all[len(all)-1]
}

func trustingLoopback(c *gateway.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// An upgraded connection may last for hours. Its client did not leave, and how long it lasted is not the time of an answer.
func TestAnUpgradedConnectionIsRecordedAsSuch(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.WriteHeader(http.StatusSwitchingProtocols)
		return true
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/live/", nil)
	s.must(err)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	s.must(resp.Body.Close())
	tokenstest.Eventually(t, "the connection to be recorded", func() bool { return len(s.lines("request")) > 0 })
	if got := s.lines("request")[0]; got["status"] != 101.0 || got["level"] != "DEBUG" || got["gateway_seconds"] != 0.0 {
		t.Errorf("%v", got)
	}
	if n := s.metric("cocart_gateway_http_requests_total", "101"); n != 1 {
		t.Errorf("%v requests were counted", n)
	}
	families, err := s.registry.Gather()
	s.must(err)
	for _, f := range families {
		if f.GetName() != "cocart_gateway_http_request_duration_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			if n := m.GetHistogram().GetSampleCount(); n != 0 {
				t.Errorf("%d durations of %v", n, m.GetLabel())
			}
		}
	}
}

func TestTheRecordOfARequestSaysWhatHappened(t *testing.T) {
	s := openShop(t, trustingLoopback)
	access, _ := s.login()
	s.answering(200)
	s.do("POST", "/wp-json/cocart/v2/cart/item/abc123?x=1", `{"quantity":"2"}`, "Authorization: Bearer "+access, "Content-Type: application/json",
		"X-Request-Id: from-the.proxy_1:2", "X-Forwarded-For: 203.0.113.7", "User-Agent: shop-app/1.2",
		"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	got := s.lastRecord()
	for _, measured := range []string{"time", "seconds", "upstream_seconds", "gateway_seconds", "session"} {
		if got[measured] == nil {
			t.Errorf("%s is missing", measured)
		}
		delete(got, measured)
	}
	want := map[string]any{
		"level": "INFO", "msg": "request", "request_id": "from-the.proxy_1:2", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
		"route": "cocart", "method": "POST", "host": "shop.example", "path": "/wp-json/cocart/v2/cart/item/{}", "proto": "HTTP/1.1",
		"client": "203.0.113.7", "agent": "shop-app/1.2", "status": 200.0, "bytes_in": 16.0, "bytes_out": 2.0, "user": "2",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestTheTimesOfARecordAddUp(t *testing.T) {
	s := openShop(t)
	s.login()
	got := s.lastRecord()
	all, wordpress, own := got["seconds"].(float64), got["upstream_seconds"].(float64), got["gateway_seconds"].(float64)
	if wordpress <= 0 || own <= 0 || wordpress+own > all {
		t.Errorf("%v s in all, of which WordPress %v and the gateway %v", all, wordpress, own)
	}
}

func TestWordPressAndTheClientKnowARequestByItsName(t *testing.T) {
	made := regexp.MustCompile(`^[A-Z2-7]{26}$`)
	for _, row := range []struct {
		name    string
		trusted bool
		given   []string
		kept    bool
	}{
		{"a trusted proxy's is kept", true, []string{"req-1"}, true},
		{"one of 128 characters is kept", true, []string{strings.Repeat("r", 128)}, true},
		{"a stranger's is not believed", false, []string{"req-1"}, false},
		{"one too long is replaced", true, []string{strings.Repeat("r", 129)}, false},
		{"an empty one is replaced", true, []string{""}, false},
		{"one with blanks is replaced", true, []string{"a b"}, false},
		{"one with quotes is replaced", true, []string{`a"b`}, false},
		{"one that is not ASCII is replaced", true, []string{"ä"}, false},
		{"of two none is believed", true, []string{"req-1", "req-2"}, false},
		{"without one it gets one", true, nil, false},
	} {
		for _, target := range []string{"/wp-json/cocart/v2/cart", "/shop/", "/wp-json/cocart/v2/cart?cart_key=2"} {
			s := openShop(t, func(c *gateway.Config) {
				if row.trusted {
					trustingLoopback(c)
				}
			})
			var headers []string
			for _, id := range row.given {
				headers = append(headers, "X-Request-Id: "+id)
			}
			answer := s.do("GET", target, "", headers...)
			id := answer.Header.Get("X-Request-Id")
			if row.kept != (len(row.given) == 1 && id == row.given[0]) || !row.kept && !made.MatchString(id) {
				t.Errorf("%s: %s has %q", row.name, target, id)
			}
			for _, seen := range s.wordpress.Seen() {
				if !slices.Equal(seen.Header["X-Cocart-Request-Id"], []string{id}) {
					t.Errorf("%s: WordPress knows %s as %q, the client as %s", row.name, target, seen.Header["X-Cocart-Request-Id"], id)
				}
				if !slices.Equal(seen.Header["X-Request-Id"], row.given) {
					t.Errorf("%s: %q of the client reached WordPress as %q", row.name, row.given, seen.Header["X-Request-Id"])
				}
			}
			if got := s.lastRecord()["request_id"]; got != id {
				t.Errorf("%s: the log knows %s as %v, the client as %s", row.name, target, got, id)
			}
		}
	}
}

func TestTraceContextPassesAndIsLoggedWhereValid(t *testing.T) {
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for name, row := range map[string]struct{ header, want string }{
		"version 00":               {"00-" + id + "-" + span + "-01", id},
		"a later version, longer":  {"01-" + id + "-" + span + "-01-more", id},
		"version 00, longer":       {"00-" + id + "-" + span + "-01-more", ""},
		"version ff":               {"ff-" + id + "-" + span + "-01", ""},
		"no trace":                 {"00-00000000000000000000000000000000-" + span + "-01", ""},
		"no span":                  {"00-" + id + "-0000000000000000-01", ""},
		"upper case":               {"00-" + strings.ToUpper(id) + "-" + span + "-01", ""},
		"too short":                {"00-" + id[1:] + "-" + span + "-01", ""},
		"no traceparent but words": {"canary of a customer", ""},
	} {
		s := openShop(t)
		s.do("GET", "/wp-json/cocart/v2/cart", "", "Traceparent: "+row.header, "Tracestate: a=b")
		seen := s.wordpress.Last()
		if seen.Header.Get("Traceparent") != row.header || seen.Header.Get("Tracestate") != "a=b" {
			t.Errorf("%s: WordPress got %q", name, seen.Header["Traceparent"])
		}
		if got, _ := s.lastRecord()["trace_id"].(string); got != row.want {
			t.Errorf("%s: the log has %q", name, got)
		}
	}
}

func TestNoClientWritesALineOfTheLog(t *testing.T) {
	s := openShop(t)
	long := strings.Repeat("ü", 3000)
	s.do("GET", "/wp-json/cocart/v2/cart%0A%7B%22msg%22:%22request%22%7D/x%0Ay", "", "User-Agent: a\tb"+`","msg":"request`+long)
	got := s.lastRecord()
	if n := len(s.lines("request")); n != 1 {
		t.Errorf("%d records: %s", n, s.log.String())
	}
	if agent, _ := got["agent"].(string); len(agent) > 210 || !strings.HasPrefix(agent, "a\tb") {
		t.Errorf("agent %q", agent)
	}
	if path, _ := got["path"].(string); path != "/wp-json/cocart/v2/{}/{}" {
		t.Errorf("path %q", path)
	}
}

func TestThePathOfTheStorefrontIsWhole(t *testing.T) {
	s := openShop(t)
	s.do("GET", "/product/Blue-Shirt-42/?password=canary", "")
	if got := s.lastRecord(); got["path"] != "/product/Blue-Shirt-42/" || got["level"] != "DEBUG" {
		t.Errorf("%v", got)
	}
}

// A refresh token has 128 characters, and must not enter the log by this way.
func TestAClientsOwnRequestIDIsLoggedBesideOurs(t *testing.T) {
	for given, logged := range map[string]any{
		"client-1": "client-1", strings.Repeat("0f", 32): strings.Repeat("0f", 32), strings.Repeat("0f", 64): nil, "a b": nil, `x","user":"2`: nil, "": nil,
	} {
		s := openShop(t)
		answer := s.do("GET", "/wp-json/cocart/v2/cart", "", "X-Request-Id: "+given)
		if line := s.lastRecord(); line["client_request_id"] != logged || line["request_id"] != answer.Header.Get("X-Request-Id") || line["request_id"] == given {
			t.Errorf("%q: %v", given, line)
		}
	}
}

func TestTheShopsOwnRequestIDReachesTheClient(t *testing.T) {
	s := openShop(t)
	s.answering(200, "X-Request-Id: from-the-shop")
	for _, target := range []string{"/shop/", "/wp-json/cocart/v2/cart"} {
		r := s.do("GET", target, "")
		if r.Header.Get("X-Request-Id") != "from-the-shop" || r.Header.Get("X-CoCart-Request-Id") == "" {
			t.Errorf("%s: %v", target, r.Header)
		}
	}
}

// logs.md lists each field of a record, and no other.
func TestTheFieldsOfARecordAreDocumented(t *testing.T) {
	s := openShop(t, trustingLoopback)
	access, refresh := s.login()
	s.cart(access)
	s.refresh(strings.Repeat("a", 128))
	s.refresh(refresh)
	s.do("GET", "/wp-json/cocart/v2/cart", "", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	s.lastRecord()
	untrusting := openShop(t)
	untrusting.do("GET", "/wp-json/cocart/v2/cart", "", "X-Request-Id: client-1")
	untrusting.lastRecord()
	seen := map[string]bool{}
	server := withAppServer(t)
	server.do("GET", cartRoute, "", webKey, customerAt("192.0.2.1"))
	server.lastRecord()
	for _, line := range slices.Concat(s.lines("request"), untrusting.lines("request"), server.lines("request")) {
		for name := range line {
			seen[name] = true
		}
	}
	for _, usual := range []string{"time", "level", "msg"} {
		delete(seen, usual)
	}
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(slices.Values(documentedIn(t, "fields"))); !slices.Equal(got, want) {
		t.Errorf("the log has   %v\nlogs.md lists %v", got, want)
	}
}

// documentedIn are the words in the first column of a table of logs.md.
func documentedIn(t *testing.T, table string) []string {
	t.Helper()
	text, err := os.ReadFile("../deploy/docs/logs.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- "+table+" -->")
	rows, _, found := strings.Cut(rest, "<!-- /"+table+" -->")
	if !found {
		t.Fatalf("logs.md has no table of %s", table)
	}
	var words []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` ").FindAllStringSubmatch(rows, -1) {
		words = append(words, m[1])
	}
	return words
}

func TestAnInterruptedAnswerIsRecordedAsWhatItWas(t *testing.T) {
	s := openShop(t)
	s.wordpress.Answer = func(w http.ResponseWriter, _ *http.Request, _ upstreamtest.Seen) bool {
		w.Header().Set("Content-Length", "4096")
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/wp-json/cocart/v2/cart", nil)
	s.must(err)
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	if got := s.lastRecord(); got["status"] != 200.0 || got["bytes_out"].(float64) > 4 {
		t.Errorf("%v", got)
	}
}
