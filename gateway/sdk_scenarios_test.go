package gateway_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens"
)

const (
	appCart    = "/wp-json/cocart/v2/cart"
	appAdd     = "/wp-json/cocart/v2/cart/add-item"
	appSoldOut = "/wp-json/cocart/v2/cart/sold-out"
)

// story is an app on its way through a shop.
type story struct {
	*app
	t *testing.T
}

func (s story) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// has expects alice's cart, with so many items.
func (s story) has(items int) {
	s.t.Helper()
	r, err := s.ask("GET", appCart, "")
	if want := fmt.Sprintf(`{"cart_key":"2","item_count":%d}`, items); err != nil || r.Status != 200 || r.Body != want {
		s.t.Fatalf("%d %s, %v; want %s", r.Status, r.Body, err, want)
	}
}

func (s story) add() {
	s.t.Helper()
	if r, err := s.ask("POST", appAdd, `{"id":"12"}`); err != nil || r.Status != 200 {
		s.t.Fatalf("add-item: %d %s, %v", r.Status, r.Body, err)
	}
}

// later lets time go by for the gateway, the store and the app. Which tokens were
// used is written down by then, as a gateway does every second and at its end.
func (s story) later(d time.Duration) {
	s.t.Helper()
	over, end := context.WithCancel(s.t.Context())
	end()
	s.ok(s.s.authority.Run(over))
	s.s.clock.step(d)
	s.s.store.SetTime(s.s.clock.Now())
}

// atOnce sends a request eight times at once, and expects one status of each.
func (s story) atOnce(status int, method, path string) {
	s.t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if r, err := s.ask(method, path, ""); err != nil || r.Status != status {
				s.t.Errorf("%d %s, %v; want %d", r.Status, r.Body, err, status)
			}
		})
	}
	all.Wait()
}

// batch adds so many items by one request, sent once, whatever comes of it.
func (s story) batch(status, items int) {
	s.t.Helper()
	one := fmt.Sprintf(`{"method":"POST","path":"/%s/v2/cart/add-item","body":{"id":"12"}}`, s.names.namespace)
	r, err := s.once("POST", "/wp-json/cocart/batch", `{"requests":[`+strings.TrimSuffix(strings.Repeat(one+",", items), ",")+`]}`)
	if err != nil || r.Status != status {
		s.t.Fatalf("batch: %d %s, %v; want %d", r.Status, r.Body, err, status)
	}
}

const accessTTL = 240 * time.Hour

// scenarios are the rows of SDKS.md; each is played with every SDK.
var scenarios = []struct {
	name string
	tell func(s story)
}{
	{"is asked for a second factor", func(s story) {
		s.ok(s.login())
		before, asked := s.token, askForCodes(s.s)
		err := s.loginWith(aliceJSON)
		if err == nil || !strings.Contains(err.Error(), addChallenge) {
			s.t.Fatalf("without a code: %v", err)
		}
		if times := asked(); times != 1 {
			s.t.Errorf("a code was asked for %d times", times)
		}
		s.add() // the login stays
		s.ok(s.loginWith(strings.Replace(aliceJSON, "}", `,"2fa_code":"123456","2fa_provider":"email"}`, 1)))
		if s.token == before {
			s.t.Error("no token came with the code")
		}
		s.has(1)
	}},
	{"shops in a batch", func(s story) {
		if !s.batches {
			return // these SDKs have none
		}
		s.ok(s.login())
		s.batch(200, 2)
		s.has(2)
		s.later(accessTTL + time.Minute)
		s.batch(401, 3)
		s.has(2)
		s.batch(200, 1)
		s.has(3)
	}},
	{"uses other names of the header, the namespace, the prefix", func(s story) {
		s.app = newApp(shopWithCarts(s.t, tokens.UntilUsed, func(c *gateway.Config) {
			c.AuthHeaders, c.Namespaces, c.RestPrefix = []string{"X-Shop-Token"}, []string{"mystore"}, "api/shop"
		}), s.kit)
		s.names = naming{"api/shop", "mystore", "X-Shop-Token"}
		s.ok(s.login())
		s.add()
		s.later(accessTTL + time.Minute)
		s.has(1)
		spent, good := s.refresh, s.validate()
		s.ok(s.logout())
		s.refresh = spent
		if err := s.renew(); err == nil || !good {
			s.t.Errorf("good before the logout: %v; after it: %v", good, err)
		}
	}},
	{"logs in beside a stale token, shops, logs out", func(s story) {
		s.token = "a.stale.token"
		s.ok(s.login())
		s.add()
		s.has(1)
		access, refresh := s.token, s.refresh
		s.ok(s.logout())
		if s.token != "" || s.s.cart(access).Status != 401 || s.s.refresh(refresh).Status != 401 {
			s.t.Error("a login is left")
		}
	}},
	{"a token expires while an item is added", func(s story) {
		s.ok(s.login())
		s.add()
		s.later(accessTTL + time.Minute)
		s.add()
		s.has(2)
	}},
	{"a token expires under eight requests at once", func(s story) {
		s.ok(s.login())
		s.later(accessTTL + time.Minute)
		s.atOnce(200, "POST", appAdd)
		s.has(8)
		s.later(time.Hour)
		s.ok(s.renew())
		s.has(8)
	}},
	{"eight refusals to sell at once", func(s story) {
		s.ok(s.login())
		s.add()
		s.atOnce(403, "POST", appSoldOut)
		s.has(1)
		// Of several answers to refreshes an SDK keeps the one that it reads last, which may be that of an earlier generation.
		// Such a token is good for one access lifetime after its successor was used (reuse_by_same_client: converge).
		s.later(accessTTL - time.Minute)
		s.ok(s.renew())
		s.has(1)
	}},
	{"refreshes every ten days for a year", func(s story) {
		s.ok(s.login())
		s.add()
		for range 36 {
			s.later(accessTTL + time.Minute)
			s.has(1)
		}
	}},
	{"an answer to a refresh gets lost", func(s story) {
		s.ok(s.login())
		s.s.refresh(s.refresh)
		s.later(time.Hour)
		s.ok(s.renew())
		s.has(0)
	}},
	{"logs out while another device stays", func(s story) {
		other := story{newApp(s.s, s.kit), s.t}
		s.ok(s.login())
		s.ok(other.login())
		s.ok(s.logout())
		other.add()
		other.has(1)
	}},
	{"asks whether its token is good", func(s story) {
		s.ok(s.login())
		good, fresh := s.validate(), !s.expired()
		s.later(accessTTL + time.Minute)
		if bad, old := s.validate(), s.expired(); !good || !fresh || bad || !old {
			s.t.Errorf("good %v, not expired %v; later %v, %v", good, fresh, !bad, !old)
		}
	}},
	{"a guest's cart moves over at the login", func(s story) {
		s.add()
		if r, err := s.ask("GET", appCart, ""); err != nil || !strings.Contains(r.Body, `"item_count":1`) {
			s.t.Errorf("as a guest: %s, %v", r.Body, err)
		}
		s.ok(s.login())
		if _, err := s.ask("GET", appCart+"?cart_key="+s.cartKey, ""); err != nil {
			s.t.Error(err)
		}
		s.has(1)
	}},
	{"keeps ETags of what a guest saw", func(s story) {
		const products = "/wp-json/cocart/v2/products"
		_, err := s.ask("GET", products, "")
		s.ok(err)
		s.ok(s.login())
		if r, err := s.ask("GET", products, ""); err != nil || !strings.Contains(r.Body, `"for":"2"`) {
			s.t.Errorf("the customer sees %d %s, %v", r.Status, r.Body, err)
		}
		s.add()
	}},
	{"waits for the Retry-After of too many refreshes", func(s story) {
		s.ok(s.login())
		s.add()
		for range 40 {
			s.ok(s.renew())
		}
		r, err := s.once("POST", refreshRoute, `{"refresh_token":"`+s.refresh+`"}`)
		seconds, notANumber := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || r.Status != 429 || notANumber != nil || seconds < 1 || seconds > 60 {
			s.t.Errorf("%d, Retry-After %q, %v", r.Status, r.Header.Get("Retry-After"), err)
		}
		s.later(time.Duration(seconds) * time.Second)
		s.ok(s.renew())
		s.has(1)
	}},
	{"waits for the Retry-After while Redis is away", func(s story) {
		s.ok(s.login())
		s.s.store.SetError("LOADING")
		r, err := s.once("POST", refreshRoute, `{"refresh_token":"`+s.refresh+`"}`)
		seconds, notANumber := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || r.Status != 503 || notANumber != nil || seconds < 1 || seconds > 60 {
			s.t.Errorf("%d, Retry-After %q, %v", r.Status, r.Header.Get("Retry-After"), err)
		}
		s.has(0)
		s.s.store.SetError("")
		s.later(time.Duration(seconds) * time.Second)
		s.ok(s.renew())
		s.has(0)
	}},
}

func TestEverySDKKeepsItsCustomer(t *testing.T) {
	for _, policy := range []tokens.LostAnswer{tokens.UntilUsed, tokens.Always} {
		for _, k := range kits {
			if k.keepsOld && policy != tokens.Always {
				continue
			}
			for _, scenario := range scenarios {
				t.Run(fmt.Sprintf("%s %s (lost_answer %s)", k.name, scenario.name, policy), func(t *testing.T) {
					scenario.tell(story{newApp(shopWithCarts(t, policy), k), t})
				})
			}
		}
	}
}

// Keeping the old token is a reuse by any other policy, from when the new access
// token was used: these SDKs lose their customer at the second refresh.
func TestSDKsWithoutStorageNeedLostAnswerAlways(t *testing.T) {
	for _, k := range kits {
		for _, policy := range []tokens.LostAnswer{tokens.Never, tokens.UntilUsed, tokens.Always} {
			s := story{newApp(shopWithCarts(t, policy), k), t}
			s.ok(s.login())
			s.ok(s.renew())
			s.has(0)
			s.later(accessTTL + time.Hour) // until then their own client is answered in any case
			if err := s.renew(); (err != nil) != (k.keepsOld && policy != tokens.Always) {
				t.Errorf("%s, lost_answer %s: %v", k.name, policy, err)
			}
		}
	}
}

func TestTheTableOfSDKsNamesEveryScenario(t *testing.T) {
	text, err := os.ReadFile("SDKS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, scenario := range scenarios {
		if !strings.Contains(string(text), "| "+scenario.name+" |") {
			t.Errorf("SDKS.md has no row: %s", scenario.name)
		}
	}
	_, table, _ := strings.Cut(string(text), "| what happens |")
	if rows := strings.Count(table, "\n| "); rows != len(scenarios) {
		t.Errorf("SDKS.md has %d rows, there are %d scenarios", rows, len(scenarios))
	}
}
