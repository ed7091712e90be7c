package gateway_test

import (
	"strings"
	"testing"
)

func TestASessionThatWordPressBeginsIsInTheCookieIfTheAppAsksForThat(t *testing.T) {
	for name, target := range map[string]string{"on a route of its own": codeRoute, "on a route of CoCart's": "/wp-json/cocart/v2/passkey"} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, cookieMode)
			s.beginning(200, `{"user_id":2,"token":"of the plugin's","extras":{"hint":"é\/"}}`)
			v := &visitor{s: s, page: ownPage}
			r := v.do("POST", target, `{"code":"123456"}`, asCookie)
			if r.Status != 200 || r.Body != `{"user_id":2,"token":"of the plugin's","extras":{"hint":"é\/"}}` || v.cookie == "" || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
				t.Fatalf("%d %s %v", r.Status, r.Body, r.Header)
			}
			if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "customer 2" {
				t.Errorf("afterwards: %d, for %s", r.Status, s.asked())
			}
			elsewhere := &visitor{s: s, page: []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}}
			if r := elsewhere.do("POST", target, `{"code":"123456"}`, asCookie); r.Status != 403 || elsewhere.cookie != "" {
				t.Errorf("another site: %d %s", r.Status, r.Body)
			}
		})
	}
}

func TestTheCookieThatChangedThePasswordGoesOn(t *testing.T) {
	for name, answer := range map[string]string{"with an object": `{"changed":true}`, "with an answer that carries nothing": `true`} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, cookieMode)
			v, other := s.visit(), s.visit()
			s.changing(answer)
			if r := v.do("POST", passwordRoute, `{}`); r.Status != 200 || r.Body != answer {
				t.Fatalf("%d %s", r.Status, r.Body)
			}
			if r := v.do("GET", cartRoute, ""); r.Status != 200 || s.asked() != "customer 2" || s.wordpress.Last().Claims.Fingerprint != "fp-alice-2" {
				t.Errorf("afterwards: %d %s", r.Status, r.Body)
			}
			if r := other.do("GET", cartRoute, ""); r.Status != 401 || other.cookie != "" {
				t.Errorf("another browser: %d %s", r.Status, r.Body)
			}
		})
	}
}
