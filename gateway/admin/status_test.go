package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway/admin"
	"cocart-gateway/gateway/admin/history"
)

func TestTheStatusHasReadinessAndDates(t *testing.T) {
	s := openShop(t)
	s.must(s.authority.CatchUp(t.Context()))
	retires := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	a := s.listener(admin.Config{Token: adminToken, Program: admin.Program{Version: "1.2.3", Revision: "abc", Started: s.clock.Now(),
		Keys: func() []admin.Key {
			return []admin.Key{{"k1", "EdDSA", "signs", time.Time{}}, {"k0", "HS256", "verifies", retires}}
		},
		Certificates: func() []admin.Certificate { return []admin.Certificate{{[]string{"shop.example"}, retires, retires}} },
	}})
	r := s.administer(a, "GET", "/status", "")
	var got admin.Status
	if err := json.Unmarshal([]byte(r.Body), &got); err != nil || r.Status != 200 {
		t.Fatalf("%d %s: %v", r.Status, r.Body, err)
	}
	now := s.clock.Now().UTC()
	want := admin.Status{Version: "1.2.3", Revision: "abc", Started: now, Now: now, Serving: admin.Serving{Serving: true},
		Readiness: admin.Readiness{Ready: true, Redis: "ok", WordPress: "ok", Plugin: "test"},
		Keys:      []admin.Key{{"k1", "EdDSA", "signs", time.Time{}}, {"k0", "HS256", "verifies", retires}}, Certificates: []admin.Certificate{{[]string{"shop.example"}, retires, retires}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if r := s.administer(s.listener(admin.Config{Token: adminToken}), "GET", "/status", ""); !strings.HasSuffix(r.Body, `"keys":[],"certificates":[]}`) {
		t.Errorf("without keys and certificates: %s", r.Body)
	}
}

func TestTheAPIHasWhatTheConsoleShows(t *testing.T) {
	s := openShop(t)
	samples := history.New(s.registry)
	for range 3 {
		samples.Take(s.clock.Now())
		s.clock.Advance(history.Interval)
	}
	second := s.clock.Now().Add(-2 * history.Interval).UnixMilli()
	problems := []string(nil)
	a := s.listener(admin.Config{Token: adminToken, History: samples, Doctor: func(context.Context) any { return map[string]any{"ok": true, "checks": []string{}} },
		Configuration: admin.Configuration{Changes: func() (admin.Reloaded, []string) {
			return admin.Reloaded{Changed: []string{"site.guests"}, RestartNeeded: []string{}}, problems
		}}})
	for _, row := range []struct{ request, want string }{
		{"GET /history", `200 {"interval_seconds":5,"at":[` + fmt.Sprint(second-5000, ",", second, ",", second+5000) + `],"series":{`},
		{fmt.Sprintf("GET /history?since=%d", second), `200 {"interval_seconds":5,"at":[` + fmt.Sprint(second+5000) + `],"series":{`},
		{"GET /history?since=now", `400 {"code":"cocart_gateway_bad_request"`},
		{"GET /history?until=1", `400 {"code":"cocart_gateway_bad_request"`},
		{"POST /doctor", `200 {"checks":[],"ok":true}`},
		{"GET /config/changes", `200 {"changed":["site.guests"],"restart_needed":[]}`},
	} {
		method, target, _ := strings.Cut(row.request, " ")
		r := s.administer(a, method, target, "")
		if got := fmt.Sprint(r.Status, " ", r.Body); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %.300s, want %s", row.request, got, row.want)
		}
		if r := s.administer(a, method, target, "", "Authorization: Bearer wrong"); r.Status != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d", row.request, r.Status)
		}
	}
	problems = []string{"config.yaml:3: listen: is empty"}
	s.clock.Advance(time.Minute)
	if r := s.administer(a, "GET", "/config/changes", ""); r.Status != 422 || !strings.Contains(r.Body, problems[0]) {
		t.Errorf("with a mistake in the file: %d %s", r.Status, r.Body)
	}
}

// The page holds no secret, and is there only where the API is that it calls.
func TestTheConsoleIsServedUnderAStrictPolicy(t *testing.T) {
	s := openShop(t)
	a := s.listener(admin.Config{Token: adminToken})
	for path, contentType := range map[string]string{"/": "text/html; charset=UTF-8", "/console/app.js": "text/javascript; charset=UTF-8", "/console/style.css": "text/css; charset=UTF-8", "/console/icon.svg": "image/svg+xml"} {
		r := s.administer(a, "GET", path, "", "Authorization: none")
		policy := r.Header.Get("Content-Security-Policy")
		if r.Status != 200 || r.Header.Get("Content-Type") != contentType || r.Header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(policy, "default-src 'none';") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %d %v", path, r.Status, r.Header)
		}
		if again := s.administer(a, "GET", path, "", "If-None-Match: "+r.Header.Get("ETag")); again.Status != 304 || again.Body != "" {
			t.Errorf("%s, unchanged: %d", path, again.Status)
		}
		if path == "/" && (strings.Contains(r.Body, "style=") || strings.Contains(r.Body, "<style") || strings.Contains(r.Body, "://")) {
			t.Error("the page has style of its own, or names another host")
		}
	}
	for _, path := range []string{"/index.html", "/console/", "/console/index.html", "/console/../admin.go", "/favicon.ico"} {
		if r := s.administer(a, "GET", path, ""); r.Status == 200 {
			t.Errorf("%s: %d", path, r.Status)
		}
	}
	if r := s.administer(s.listener(admin.Config{}), "GET", "/console/app.js", ""); r.Status != 404 {
		t.Errorf("without a token in the configuration: %d", r.Status)
	}
}
