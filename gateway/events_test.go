package gateway_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

const cartTarget = "/wp-json/cocart/v2/cart"

// provocations bring about each event once, or more often where it takes that.
var provocations = map[string]func(*testing.T) *shop{
	"preflight_refused": func(t *testing.T) *shop {
		s := openShop(t, onlyApp)
		s.do("OPTIONS", cartRoute, "", "Origin: https://evil.example", "Access-Control-Request-Method: GET")
		return s
	},
	"unlisted_path": func(t *testing.T) *shop {
		s := openShop(t)
		s.wordpress.Answer = refuseAll
		s.do("GET", "/de"+cartRoute, "")
		return s
	},
	"login_refused": func(t *testing.T) *shop {
		s := guarded(t)
		s.try("alice", "x")
		return s.shop
	},
	"password_not_checked": func(t *testing.T) *shop {
		s := guarded(t)
		s.replying(func(w http.ResponseWriter, _ *http.Request) {
			upstreamtest.JSON(w, 401, `{"code":"cocart_rest_not_authorized"}`)
		})
		s.try("alice", "x")
		return s.shop
	},
	"account_locked_out": lockedOut,
	"address_limit_reached": func(t *testing.T) *shop {
		s := guarded(t, func(c *attempts.Config, _ *gateway.Config) { c.Address.N = 1 })
		s.statuses("401 429 429", s.try("a", "x"), s.try("b", "x"), s.try("c", "x")) // one line a minute
		return s.shop
	},
	"rate_limited": lockedOut,
	"refresh_token_reused": func(t *testing.T) *shop {
		s := openShop(t)
		_, first := s.login()
		_, second := s.refresh(first).pair(t)
		s.refresh(second).pair(t)
		s.clock.step(time.Hour)
		s.stolen(first)
		return s
	},
	"refresh_not_stored": func(t *testing.T) *shop {
		s := openShop(t)
		_, first := s.login()
		s.refresh(first)
		for range 5 {
			s.clock.step(time.Minute)
			s.refresh(first)
		}
		return s
	},
	"token_forged": func(t *testing.T) *shop {
		s := openShop(t)
		access, _ := s.login()
		s.cart(access[:len(access)-4] + "AAAA")
		return s
	},
	"other_bearer": func(t *testing.T) *shop {
		s := openShop(t)
		s.cart(s.otherToken(nil, nil))
		return s
	},
	"revocations_stale":  stale,
	"identity_forged":    asking("GET", cartTarget, "", "X_CoCart-Gateway-Login: a"),
	"ambiguous_request":  asking("GET", cartTarget, "", "Authorization: Bearer a", "Authorization: Bearer b"),
	"app_server_refused": asking("GET", cartTarget, "", "CoCart-App-Server: web:wrong"),
	"foreign_cart_key":   asking("GET", cartTarget+"?cart_key=2", ""),
	"mixed_batch": asking("POST", "/wp-json/batch/v1", `{"requests":[{"path":"/cocart/v2/cart/add-item"},{"path":"/wp/v2/posts"}]}`,
		"Content-Type: application/json"),
	"unknown_host": func(t *testing.T) *shop {
		s := openShop(t, func(c *gateway.Config) { c.Hosts = []string{"shop.example"} })
		s.do("GET", "/shop/", "", "Host: evil.example")
		return s
	},
	"plugin_did_not_sign": func(t *testing.T) *shop {
		s := openShop(t)
		s.wordpress.NoPlugin = true
		s.post("/wp-json/cocart/v2/login", `{"username":"alice","password":"wonderland-1"}`)
		return s
	},
	"plugin_reply_not_good": func(t *testing.T) *shop {
		s := openShop(t)
		s.answering(200, "X-CoCart-Gateway-Ended: a.b.c")
		s.do("GET", cartTarget, "")
		return s
	},
	"account_sessions_ended": func(t *testing.T) *shop { return changed(t, func(*shop) {}) },
	"sessions_ended": func(t *testing.T) *shop {
		s := openShop(t)
		access, _ := s.login()
		s.login()
		s.do("DELETE", sessionsRoute, "", bearer(access))
		return s
	},
	"account_sessions_not_ended": func(t *testing.T) *shop { return changed(t, func(s *shop) { s.store.Close() }) },
	"session_begun": func(t *testing.T) *shop {
		s := openShop(t)
		s.beginning(200, `{}`)
		s.post(codeRoute, `{}`)
		return s
	},
	"session_not_begun": func(t *testing.T) *shop {
		s := openShop(t)
		s.beginning(200, `[]`)
		s.post(codeRoute, `{}`)
		return s
	},
	"not_handed_back": func(t *testing.T) *shop {
		s := openShopGoingBack(t)
		s.wordpress.OldPair = nil
		s.login()
		return s
	},
	"cross_site_request": func(t *testing.T) *shop {
		s := openShop(t, cookieMode)
		v := s.visit()
		v.page = []string{"Sec-Fetch-Site: cross-site"}
		v.do("GET", cartTarget, "")
		return s
	},
	"cached_answer": func(t *testing.T) *shop {
		s := openShop(t)
		s.answering(200, "Age: 5")
		s.do("GET", cartTarget, "")
		return s
	},
}

func asking(method, target, body string, headers ...string) func(*testing.T) *shop {
	return func(t *testing.T) *shop {
		s := openShop(t)
		s.do(method, target, body, headers...)
		return s
	}
}

func lockedOut(t *testing.T) *shop {
	s := guarded(t)
	for range 4 {
		s.try("alice", "x")
	}
	return s.shop
}

// changed is a shop in which alice's password is another one now.
func changed(t *testing.T, meanwhile func(*shop)) *shop {
	s := openShop(t)
	access, _ := s.login()
	s.wordpress.Users[0].Fingerprint = "fp-2"
	meanwhile(s)
	s.cart(access)
	return s
}

// stale is a shop whose gateway has not heard of ended sessions for too long.
func stale(t *testing.T) *shop {
	s := openShop(t)
	access, _ := s.login()
	client := s.client()
	t.Cleanup(func() { client.Close() })
	s.registry = prometheus.NewRegistry()
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	authority, err := tokens.New(tokens.Config{
		Issuer: upstreamtest.SiteURL, Keys: s.keys, MaxStaleness: time.Second, OnStale: tokens.Deny, Now: s.clock.Now, Log: log,
	}, client, s.registry)
	s.must(err)
	g, err := gateway.New(gateway.Config{SiteURL: mustURL(t, upstreamtest.SiteURL)}, authority, s.upstream, s.registry, log)
	s.must(err)
	s.Close()
	s.Server = httptest.NewServer(g)
	s.clock.step(time.Minute)
	s.cart(access)
	return s
}

func TestEachSecurityEventIsLoggedAndCounted(t *testing.T) {
	for event, provoke := range provocations {
		t.Run(event, func(t *testing.T) {
			s := provoke(t)
			s.Close()
			told := 0
			for text := range strings.Lines(s.log.String()) {
				if !strings.Contains(text, `"event":"`+event+`"`) {
					continue
				}
				told++
				for _, field := range []string{`"request_id":"`, `"route":"`, `"client":"127.0.0.1"`} {
					if !strings.Contains(text, field) {
						t.Errorf("%s is missing in %s", field, text)
					}
				}
			}
			if counted := s.events()[event]; told == 0 || counted != float64(told) {
				t.Errorf("logged %d times, counted %v; the log:\n%s", told, counted, s.log.String())
			}
		})
	}
}

// events is how often each event was counted; every event is there from the start.
func (s *shop) events() map[string]float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	s.must(err)
	counted := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "cocart_gateway_security_events_total" {
			for _, m := range f.GetMetric() {
				counted[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return counted
}

func TestEachSecurityEventIsDocumentedAndProvoked(t *testing.T) {
	documented := documentedIn(t, "events")
	slices.Sort(documented)
	known := []string{}
	for event := range openShop(t).events() {
		known = append(known, event)
		if provocations[event] == nil {
			t.Errorf("no test brings %s about", event)
		}
	}
	slices.Sort(known)
	if !slices.Equal(known, documented) {
		t.Errorf("the gateway has %v\nlogs.md lists   %v", known, documented)
	}
}

func TestEverydayLifeIsNoSecurityEvent(t *testing.T) {
	s := openShop(t)
	access, refresh := s.login()
	s.cart(access)
	s.refresh(refresh).pair(t)
	s.cart("no token at all")
	s.do("GET", "/shop/", "")
	s.clock.step(1000 * time.Hour)
	s.cart(access)
	s.Close()
	if strings.Contains(s.log.String(), `"event"`) {
		t.Error(s.log.String())
	}
}
