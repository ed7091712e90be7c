//go:build !race

// Each flood is one goroutine with a guard of its own: the race detector finds nothing in it and takes ten times as long.
// So this file is compiled without the detector, and make test runs it in a step of its own.

package attempts_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

// flood is one hour of wrong passwords: from where, and at how many of the customers' accounts.
type flood struct {
	name    string
	from    func(i int) netip.Addr
	sources int
	targets int
	bound   int // guesses at one account that may be checked in the hour
}

// floods are the attacks of the documentation. Addresses are tried in turn, accounts too.
var floods = []flood{
	{"no attack", nil, 0, 0, 0},
	{"one IPv6 /48, all accounts", slash48, 65_536, 1000, 50},
	{"one IPv6 /48, five accounts", slash48, 65_536, 5, 70},
	{"300 IPv4 addresses in two /24, all accounts", dense, 300, 1000, 50},
	{"300 IPv4 addresses in 300 /24, all accounts", spread, 300, 1000, 70},
	{"300 IPv4 addresses in 300 /24, five accounts", spread, 300, 5, 70},
	{"1,000 IPv4 addresses in 1,000 /24, all accounts", spread, 1000, 1000, 70},
	{"1,000 IPv4 addresses in 1,000 /24, five accounts", spread, 1000, 5, 70},
	{"a botnet in 3,000 networks, all accounts", spread, 3000, 1000, 70},
	{"a botnet in 3,000 networks, five accounts", spread, 3000, 5, 70},
	{"a botnet in 10,000 networks, all accounts", spread, 10_000, 1000, 70},
}

func slash48(i int) netip.Addr { return addr("2001:db8:5:%x::1", i%65_536) }
func dense(i int) netip.Addr   { return addr("203.0.%d.%d", i/150, i%150+1) }
func spread(i int) netip.Addr  { return addr("%d.%d.7.1", 40+i/250, i%250) }

// play runs the hour and returns how many customers logged in, and the most guesses at one account.
func (f flood) play(w *world, customers, perSecond int) (in, most int) {
	const second = time.Second
	hour := newHour(w, customers)
	guesses, tried := make([]int, customers), 0
	for s := range 3600 {
		n := perSecond
		if s < 30 {
			n *= 20 // the counters are still full
		}
		for range n {
			if f.from == nil {
				break
			}
			user := tried % f.targets
			if w.checked(f.from(tried%f.sources), user, false) {
				guesses[user]++
			}
			tried++
		}
		hour.come(s)
		w.clock.Advance(second)
	}
	for _, n := range guesses {
		most = max(most, n)
	}
	return hour.in, most
}

// hour is the customers' side: each logs in once, half of them from where they did before, and a fifth mistype first.
type hour struct {
	w         *world
	due       map[int][]visit
	in, total int
}

type visit struct {
	user, wrong, again int
}

func newHour(w *world, customers int) *hour {
	h := &hour{w: w, due: map[int][]visit{}, total: customers}
	for user := range customers {
		if user%2 == 0 && !w.checked(at(user), user, true) {
			w.Fatal("a customer cannot log in while nothing happens")
		}
		second := (user*7919 + 600) % 3600
		h.due[second] = append(h.due[second], visit{user: user, wrong: boolInt(user%5 == 1)})
	}
	w.clock.Advance(26 * time.Hour)
	return h
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// at is where a customer is: four share an IPv4 /24, or have an IPv6 /56 each.
func at(user int) netip.Addr {
	if user%3 == 0 {
		return addr("2a00:%x:1:200::7", 0x1000+user)
	}
	return addr("100.%d.%d.%d", user/1000, user/4%256, user%4+1)
}

func (h *hour) come(second int) {
	for _, v := range h.due[second] {
		h.login(second, v)
	}
	delete(h.due, second)
}

// login tries once, and again in ten seconds after a mistake, or after Retry-After if that is less than ten minutes.
func (h *hour) login(second int, v visit) {
	a, err := h.w.Begin(ctx, attempts.Try{Names: []string{fmt.Sprint("customer", v.user)}, Password: fmt.Sprint("p", v.wrong), Client: at(v.user)})
	var e *attempts.Exceeded
	wait := 10
	if err == nil {
		check := attempts.Check{User: int64(v.user + 1), Result: attempts.Right}
		if v.wrong > 0 {
			check.Result = attempts.Wrong
		}
		_, err = a.Settle(ctx, check)
	}
	switch {
	case errors.As(err, &e):
		v.again++
		wait = e.State.RetryAfter
	case v.wrong == 0:
		h.in++
		return
	default:
		v.wrong--
	}
	if wait < 600 && v.again <= 5 {
		// Who comes after the hour would find the same; the hour is long enough for everybody else.
		h.due[min(second+wait, 3599)] = append(h.due[min(second+wait, 3599)], v)
	}
}

// checked tries a password of a customer's account and reports whether the answer could be read.
func (w *world) checked(from netip.Addr, user int, right bool) bool {
	a, err := w.Begin(ctx, attempts.Try{Names: []string{fmt.Sprint("customer", user)}, Password: fmt.Sprint(right), Client: from})
	if err != nil {
		return false
	}
	check := attempts.Check{User: int64(user + 1), Result: attempts.Wrong}
	if right {
		check.Result = attempts.Right
	}
	_, err = a.Settle(ctx, check)
	return err == nil
}

// neverThere is a Redis that fails at once, so that counting is as fast as the process.
type neverThere struct{}

func (neverThere) DialHook(next redis.DialHook) redis.DialHook { return next }
func (neverThere) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(context.Context, redis.Cmder) error { return errors.New("away") }
}
func (neverThere) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(context.Context, []redis.Cmder) error { return errors.New("away") }
}

func TestAFloodLocksNoCustomerOut(t *testing.T) {
	rows := make([]string, len(floods))
	t.Run("play", func(t *testing.T) {
		for i, f := range floods {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
				t.Cleanup(func() { rdb.Close() })
				rdb.AddHook(neverThere{})
				in, most := f.play(open(t, rdb, defaults), 1000, 40)
				if in < 990 || most > f.bound {
					t.Errorf("%d of 1000 customers logged in, and %d guesses at one account were checked; want at least 990, and at most %d", in, most, f.bound)
				}
				rows[i] = fmt.Sprintf("| %s | %d | %d |\n", f.name, in, most)
			})
		}
	})
	documented(t, "| attack | customers who log in, of 1,000 | guesses at one account in the hour, at most |\n|---|---|---|\n"+strings.Join(rows, ""))
}

// documented compares a table with the documentation.
func documented(t *testing.T, table string) {
	t.Helper()
	page, err := os.ReadFile("../../deploy/docs/configure/password-limits.md")
	if err != nil || !strings.Contains(string(page), table) {
		t.Errorf("deploy/docs/configure/password-limits.md does not have this table (%v):\n%s", err, table)
	}
}

// The same counters on a real Redis, with fewer customers and a slower attack.
func TestAFloodLocksNoCustomerOutOnRealRedis(t *testing.T) {
	w := open(t, tokenstest.Redis(t).Client(), defaults, func(c *attempts.Config) { c.Overall = per(30, time.Hour) })
	for i := range 300 {
		w.checked(spread(i), i%100, false)
	}
	in := 0
	for user := range 20 {
		if w.checked(at(user), user, true) {
			in++
		}
	}
	if in != 20 {
		t.Errorf("%d of 20 customers logged in", in)
	}
}
