package gateway_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"cocart-gateway/gateway"
	"cocart-gateway/tokens/attempts"
	"cocart-gateway/upstream/upstreamtest"
)

// crowded is a shop with a thousand customers (customer0 and so on, password "right"), the default limits, and a
// trusted proxy that says where clients are.
func crowded(t *testing.T) *guardedShop {
	t.Helper()
	s := guarded(t, func(c *attempts.Config, g *gateway.Config) {
		limit := func(n int, per time.Duration) attempts.Limit { return attempts.Limit{N: n, Per: per} }
		c.Account, c.AccountNetwork = limit(10, 15*time.Minute), limit(5, 15*time.Minute)
		c.Address, c.Subnet, c.Network = limit(50, 15*time.Minute), limit(200, 15*time.Minute), limit(500, 15*time.Minute)
		c.Overall = limit(1000, time.Minute)
		c.Newcomer = attempts.Newcomer{Account: limit(10, time.Hour), Address: limit(3, 24*time.Hour), Network: limit(12, 24*time.Hour)}
		g.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	s.wordpress.Answer = s.judge.customers
	return s
}

func (j *judge) customers(w http.ResponseWriter, r *http.Request, seen upstreamtest.Seen) bool {
	if seen.Claims.Kind != "login" && seen.Claims.Kind != "credentials" {
		return false
	}
	name, password := j.find(r, seen)
	number, err := strconv.ParseInt(strings.TrimPrefix(name, "customer"), 10, 64)
	if err != nil || password != "right" {
		j.say(w, r, number+1, "refused")
		upstreamtest.JSON(w, 401, `{"code":"cocart_authentication_error","message":"The password you entered is incorrect.","data":{"status":401}}`)
		return true
	}
	id := strconv.FormatInt(number+1, 10)
	j.say(w, r, number+1, "accepted")
	w.Header().Set("X-CoCart-Gateway-Login", j.s.wordpress.Sign("cocart-login+jwt", r.Header.Get("X-CoCart-Gateway"),
		map[string]any{"sub": id, "login": name, "fp": "fp-" + id}))
	upstreamtest.JSON(w, 200, `{"user_id":"`+id+`","extras":[]}`)
	return true
}

func (s *guardedShop) from(address string, customer int, password string) reply {
	s.t.Helper()
	return s.try(fmt.Sprint("customer", customer), password, "X-Forwarded-For: "+address)
}

// A Next.js server logs in all customers: fifty mistakes locked all of them out.
func TestAServerOfManyCustomersIsNotLockedOut(t *testing.T) {
	s := crowded(t)
	for customer := range 150 {
		s.statuses("401 200", s.from("198.51.100.7", customer, "a mistake"), s.from("198.51.100.7", customer, "right"))
	}
}

func TestRetryAfterIsTheTurnOfEachCustomerBehindAServer(t *testing.T) {
	s := crowded(t)
	for customer := range 50 {
		s.statuses("401", s.from("198.51.100.7", customer, "a mistake"))
	}
	var waits []int
	for customer := range 4 {
		r := s.from("198.51.100.7", 100+customer, "right")
		s.statuses("429", r)
		wait, err := strconv.Atoi(r.Header.Get("Retry-After"))
		if err != nil || !strings.Contains(r.Body, fmt.Sprintf("wait %d seconds", wait)) {
			t.Errorf("%v %s", err, r.Body)
		}
		waits = append(waits, wait)
	}
	if got := fmt.Sprint(waits); got != "[18 36 54 72]" {
		t.Errorf("the customers wait %s seconds", got)
	}
	for customer, wait := range waits {
		s.clock.step(time.Duration(wait)*time.Second - time.Duration(18*customer)*time.Second)
		s.statuses("200", s.from("198.51.100.7", 100+customer, "right"))
	}
	for _, want := range []string{`"event":"address_limit_reached"`, `"client":"198.51.100.7"`, `"setting":"limits.login.address"`, "trusted_proxies"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	if n := strings.Count(s.log.String(), `"event":"address_limit_reached"`); n != 1 {
		t.Errorf("the log has %d lines about it, want 1", n)
	}
}

// An attacker who owns an IPv6 /48 has 65,536 addresses of his own.
func TestAFloodFromIPv6KeepsNoCustomerOut(t *testing.T) {
	s := crowded(t)
	for customer := range 20 { // half of the customers were here before
		s.statuses("200", s.from(fmt.Sprintf("100.64.%d.1", customer), customer, "right"))
	}
	checked := 0
	for i := range 800 {
		if s.from(fmt.Sprintf("2001:db8:5:%x::1", i*37), i%40, "guess").Status != http.StatusTooManyRequests {
			checked++
		}
	}
	if checked != 400 {
		t.Errorf("%d guesses were checked, want ten for each account", checked)
	}
	for customer := range 40 {
		s.statuses("200", s.from(fmt.Sprintf("100.64.%d.1", customer), customer, "right"))
	}
	if s.metric("cocart_gateway_rate_limited_total", "account") == 0 {
		t.Error("no refusal was counted for the scope account")
	}
	for i := range 500 {
		s.from(fmt.Sprintf("2001:db8:5:%x::1", i*37), 100+i, "guess")
	}
	if s.metric("cocart_gateway_rate_limited_total", "network") == 0 {
		t.Error("no refusal was counted for the scope network")
	}
	s.statuses("429", s.from("2001:db8:5:ffff::1", 999, "right"))
	s.statuses("200", s.from("2001:db8:6::1", 999, "right"))
}

func TestASessionsNetworkIsAGoodRecord(t *testing.T) {
	s := crowded(t)
	_, refresh := s.from("100.64.1.1", 1, "right").tokens(t)
	s.statuses("200", s.post("/wp-json/cocart/jwt/refresh-token", `{"refresh_token":"`+refresh+`"}`, "X-Forwarded-For: 100.64.2.1"))
	for i := range 300 { // a newcomer does not pass either
		s.from(fmt.Sprintf("203.%d.1.1", i%250), 1, "guess")
	}
	s.statuses("429", s.from("100.64.3.1", 1, "right"))
	s.statuses("200", s.from("100.64.2.1", 1, "right"))
}
