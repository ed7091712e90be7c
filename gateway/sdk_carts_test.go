package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cocart-gateway/gateway"
	"cocart-gateway/gateway/wprequest"
	"cocart-gateway/tokens"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// carts is a WordPress that keeps carts, refuses to sell, and has products with an
// ETag that says nothing of who asks, as CoCart's does.
type carts struct {
	sync.Mutex
	items map[string]int
}

func (c *carts) answer(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
	c.Lock()
	defer c.Unlock()
	key := c.keyOf(r, seen)
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/products"):
		w.Header().Set("ETag", `"of these products"`)
		if r.Header.Get("If-None-Match") == `"of these products"` {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		upstreamtest.JSON(w, 200, `{"products":[],"for":"`+seen.Claims.Subject+`"}`)
	case strings.HasSuffix(path, "/sold-out"):
		upstreamtest.JSON(w, 403, `{"code":"cocart_not_enough_in_stock","message":"No.","data":{"status":403}}`)
	case strings.HasSuffix(path, "/add-item"):
		c.items[key]++
		c.tell(w, key)
	case strings.HasSuffix(path, "/batch"):
		c.items[key] += strings.Count(seen.Body, "/cart/add-item")
		upstreamtest.JSON(w, 200, `{"responses":[]}`)
	case strings.HasSuffix(path, "/v2/cart"):
		c.tell(w, key)
	default:
		return false
	}
	return true
}

// keyOf moves a guest's cart to the customer who names it, as CoCart does.
func (c *carts) keyOf(r *http.Request, seen upstreamtest.Seen) string {
	guest := r.URL.Query().Get("cart_key")
	for _, name := range []string{"Cart-Key", "CoCart-API-Cart-Key"} {
		if guest == "" {
			guest = r.Header.Get(name)
		}
	}
	switch {
	case seen.Claims.Kind == "customer" && guest != "" && guest != seen.Claims.Subject:
		c.items[seen.Claims.Subject] += c.items[guest]
		delete(c.items, guest)
		return seen.Claims.Subject
	case seen.Claims.Kind == "customer":
		return seen.Claims.Subject
	case guest != "":
		return guest
	}
	return "t_0123456789abcdef0123456789abcd"
}

func (c *carts) tell(w http.ResponseWriter, key string) {
	w.Header().Set("CoCart-API-Cart-Key", key)
	upstreamtest.JSON(w, 200, fmt.Sprintf(`{"cart_key":"%s","item_count":%d}`, key, c.items[key]))
}

const addChallenge = `{"code":"cocart_2fa_required","message":"Two-factor authentication is required.","data":{"status":401,"available_providers":["email"],"default_provider":"email","email_sent":true}}`

// askForCodes makes a shop ask each login for a second factor, from now on,
// and tells how often it did.
func askForCodes(s *shop) (times func() int) {
	s.wordpress.Lock()
	defer s.wordpress.Unlock()
	usual, asked := s.wordpress.Answer, 0
	s.wordpress.Answer = func(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
		if seen.Claims.Kind != "login" || strings.Contains(seen.Body, `"2fa_code":"123456"`) {
			return usual(w, r, seen)
		}
		s.wordpress.Lock()
		defer s.wordpress.Unlock()
		asked++
		s.wordpress.Report(w, r.Header.Get("X-CoCart-Gateway"), upstreamtest.Check{User: 2, Result: "challenge"})
		upstreamtest.JSON(w, 401, addChallenge)
		return true
	}
	return func() int {
		s.wordpress.Lock()
		defer s.wordpress.Unlock()
		return asked
	}
}

// shopWithCarts is a shop with a policy for refresh tokens.
func shopWithCarts(t *testing.T, policy tokens.LostAnswer, change ...func(*gateway.Config)) *shop {
	t.Helper()
	return shopWithTokens(t, tokens.Config{LostAnswer: policy}, change...)
}

func shopWithTokens(t *testing.T, of tokens.Config, change ...func(*gateway.Config)) *shop {
	t.Helper()
	s := openShop(t)
	s.wordpress.Answer = (&carts{items: map[string]int{}}).answer
	client := s.client()
	t.Cleanup(func() { client.Close() })
	log, registry := slog.New(slog.NewJSONHandler(s.log, nil)), prometheus.NewRegistry()
	var err error
	of.Issuer, of.Keys, of.Now, of.Log = upstreamtest.SiteURL, s.keys, s.clock.Now, log
	s.authority, err = tokens.New(of, client, registry)
	s.must(err)
	per := attempts.Limit{N: 40, Per: 10 * time.Minute}
	guard, err := attempts.New(attempts.Config{Account: per, Address: per, Overall: per, SecondFactor: per, Refresh: per, Validate: per,
		Secret: []byte(upstreamtest.Secret), KeyPrefix: "cocart:", Now: s.clock.Now}, wprequest.NameKey, client)
	s.must(err)
	cfg := gateway.Config{SiteURL: mustURL(t, upstreamtest.SiteURL), Now: s.clock.Now, Passwords: gateway.PasswordConfig{Attempts: guard, Now: s.clock.Now}}
	for _, c := range change {
		c(&cfg)
	}
	g, err := gateway.New(cfg, s.authority, s.upstream, registry, log)
	s.must(err)
	s.Close()
	s.Server = httptest.NewServer(g)
	return s
}
