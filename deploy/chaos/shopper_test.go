package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cocart-gateway/upstream/upstreamtest"
)

const (
	cart    = "/wp-json/cocart/v2/cart"
	login   = "/wp-json/cocart/v2/login"
	logout  = "/wp-json/cocart/v2/logout"
	refresh = "/wp-json/cocart/jwt/refresh-token"
)

// shopper is a customer with an app. He has one session at a time.
type shopper struct {
	w               *world
	id              int
	access, renewal string
	began           time.Time
	asked           bool // to log out, without an answer that says whether it was done
	rng             *rand.Rand
	client          *http.Client
}

func users(n int) []upstreamtest.User {
	var all []upstreamtest.User
	for i := range n {
		all = append(all, upstreamtest.User{ID: int64(i + 2), Login: fmt.Sprintf("customer%d", i+2), Password: "correct horse battery", Fingerprint: fmt.Sprintf("fingerprint-of-%d", i+2)})
	}
	return all
}

func (w *world) shopper(id int) *shopper {
	return &shopper{w: w, id: id, rng: rand.New(rand.NewPCG(1, uint64(id))),
		client: &http.Client{Timeout: 4 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
}

// shop goes on until the context ends. A customer thinks for 40 ms on average.
func (s *shopper) shop(ctx context.Context) {
	for ctx.Err() == nil {
		s.act()
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(20+s.rng.IntN(40)) * time.Millisecond):
		}
	}
}

func (s *shopper) act() {
	if s.access == "" {
		s.enter()
		return
	}
	switch n := s.rng.IntN(100); {
	case n < 8:
		s.renew()
	case n < 11:
		s.leave()
	default:
		s.read()
	}
}

// answer is what came back; status 0 means that the connection broke.
type answer struct {
	status int
	body   string
}

func (s *shopper) send(method, path, body, bearer string) answer {
	return s.sendTo(s.w.anyFront(s.rng), method, path, body, bearer)
}

func (s *shopper) sendTo(front, method, path, body, bearer string) answer {
	req, err := http.NewRequest(method, "http://"+front+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the addresses are our own
	}
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", s.id/200, s.id%200+1))
	req.Header.Set("User-Agent", "shop-app/1.0")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	var a answer
	if resp, err := s.client.Do(req); err == nil {
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil {
			a = answer{resp.StatusCode, string(text)}
		}
	}
	s.w.tally.count(func(c *tally) { c.answered(a, method+" "+path) })
	return a
}

func (c *tally) answered(a answer, what string) {
	c.requests++
	switch {
	case a.status == http.StatusServiceUnavailable:
		c.unavailable++
	case a.status == 0 || a.status >= 500:
		c.failed++
		c.example("failed", fmt.Sprintf("%s: %d %.200s", what, a.status, a.body))
	default:
		return
	}
	c.lastFailure = time.Now()
	c.failures = append(c.failures, failure{c.lastFailure, fmt.Sprintf("%s: %d %.100s", what, a.status, a.body)})
}

// read asks for the cart.
func (s *shopper) read() {
	a := s.send(http.MethodGet, cart, "", s.access)
	switch {
	case a.status == http.StatusOK && !strings.Contains(a.body, `"cart_key":"`+strconv.Itoa(s.id)+`"`):
		s.w.tally.count(func(c *tally) { c.wrongCart++; c.example("another cart", a.body) })
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		if s.asked { // the logout was done after all
			s.forget()
			return
		}
		s.w.tally.count(func(c *tally) { c.refused++; c.example("cart refused", fmt.Sprintf("%d %.200s", a.status, a.body)) })
		s.renew() // as an app does
	}
}

func (s *shopper) renew() {
	a := s.send(http.MethodPost, refresh, `{"refresh_token":"`+s.renewal+`"}`, "")
	var pair struct {
		Access  string `json:"token"`
		Renewal string `json:"refresh_token"`
	}
	switch a.status {
	case http.StatusOK:
		if err := json.Unmarshal([]byte(a.body), &pair); err != nil || pair.Renewal == "" {
			s.w.tally.count(func(c *tally) { c.failed++; c.example("no refresh", a.body) })
			return
		}
		s.access, s.renewal, s.asked = pair.Access, pair.Renewal, false
	case http.StatusUnauthorized, http.StatusForbidden:
		switch {
		case s.asked:
		case s.w.restored(s.began):
			s.w.tally.count(func(c *tally) { c.gone++ })
		default:
			s.w.tally.count(func(c *tally) { c.loggedOut++; c.example("logged out", fmt.Sprintf("%d %.200s", a.status, a.body)) })
		}
		s.forget()
	}
}

func (s *shopper) leave() {
	access, renewal := s.access, s.renewal
	a := s.send(http.MethodPost, logout, "", access)
	switch {
	case a.status == http.StatusOK:
		s.w.ended.add(access, renewal)
		s.forget()
	case a.status == http.StatusUnauthorized && s.asked:
		s.forget()
	default:
		s.asked = true
	}
}

func (s *shopper) enter() {
	a := s.send(http.MethodPost, login, fmt.Sprintf(`{"username":"customer%d","password":"correct horse battery"}`, s.id), "")
	if a.status != http.StatusOK {
		return
	}
	var answer struct {
		Extras struct {
			Access  string `json:"jwt_token"`
			Renewal string `json:"jwt_refresh"`
		} `json:"extras"`
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || answer.Extras.Renewal == "" {
		s.w.tally.count(func(c *tally) { c.failed++; c.example("no login", a.body) })
		return
	}
	s.access, s.renewal, s.asked = answer.Extras.Access, answer.Extras.Renewal, false
	s.began = time.Now()
}

func (s *shopper) forget() { s.access, s.renewal, s.asked = "", "", false }

// restored reports whether Redis was taken back to what it had before a session began.
func (w *world) restored(began time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.saved.IsZero() && began.After(w.saved) && began.Before(w.back)
}
