package attempts_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

func TestWiderNetworksHaveLimitsOfTheirOwn(t *testing.T) {
	for name, row := range map[string]struct{ address, near, far, scope string }{
		"IPv6 /56": {"2001:db8:1:%02x::1", "2001:db8:1:ff::1", "2001:db8:1:100::1", "subnet"},
		"IPv6 /48": {"2001:db8:1:%02x00::1", "2001:db8:1:ffff::1", "2001:db8:2::1", "network"},
		"IPv4 /24": {"192.0.2.%d", "192.0.2.255", "192.0.3.1", "network"},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(t *testing.T, w *world) {
				for i := range 4 {
					w.says(w.tryFrom(fmt.Sprintf(row.address, i), fmt.Sprint("a", i), 0, false), "refused")
				}
				w.says(w.tryFrom(row.near, "b", 3, true), row.scope)
				w.says(w.tryFrom(row.far, "b", 3, true), "accepted")
			}, func(c *attempts.Config) {
				c.Subnet, c.Network = per(4, time.Hour), per(4, time.Hour)
				if row.scope == "subnet" {
					c.Network = per(100, time.Hour)
				}
			})
		})
	}
}

func TestAnIPv6AddressThatWrapsAnIPv4AddressIsCountedAsThatOne(t *testing.T) {
	const plain = "192.0.2.33"
	for _, wrapped := range []string{
		"::ffff:192.0.2.33", "64:ff9b::192.0.2.33", "64:ff9b:1:abcd::192.0.2.33", "::ffff:0:192.0.2.33",
		"2002:c000:221::1", "2002:c000:221:ffff::2", "2001:0:4136:e378:8000:63bf:3fff:fdde", "::ffff:192.0.2.33%eth0",
	} {
		t.Run(wrapped, func(t *testing.T) {
			w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Address = per(1, time.Hour) })
			w.says(w.tryFrom(wrapped, "a", 0, false), "refused")
			w.says(w.tryFrom(plain, "b", 0, false), "address")
			w.says(w.tryFrom("192.0.2.34", "b", 0, false), "refused")
		})
	}
	w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Address = per(1, time.Hour) })
	w.says(w.tryFrom("64:ff9b::192.0.2.33", "a", 0, false), "refused")
	w.says(w.tryFrom("64:ff9b::192.0.3.33", "a", 0, false), "refused") // not all of IPv4 in one
	w.says(w.tryFrom("2001:4860::1", "a", 0, false), "refused")        // near Teredo's prefix
}

func TestEachClientBehindAnAddressWaitsForItsOwnTurn(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Address = per(5, 100*time.Second) })
	wait := func(name string) int {
		_, err := w.Begin(ctx, attempts.Try{Names: []string{name}, Client: home})
		e := &attempts.Exceeded{}
		if !errors.As(err, &e) {
			t.Fatal(name, err)
		}
		return e.State.RetryAfter
	}
	for i := range 5 {
		w.says(w.tryFrom(home.String(), fmt.Sprint("x", i), 0, false), "refused")
	}
	if got := fmt.Sprint(wait("a"), wait("b"), wait("c"), wait("a"), wait("b")); got != "20 40 60 20 40" {
		t.Errorf("the waits are %s", got)
	}
	w.clock.Advance(10 * time.Second)
	if got := wait("c"); got != 50 {
		t.Errorf("c waits %d", got)
	}
	w.clock.Advance(10 * time.Second)
	w.says(w.tryFrom(home.String(), "a", 0, false), "refused")
	w.clock.Advance(20 * time.Second)
	w.says(w.tryFrom(home.String(), "b", 0, false), "refused")
	for i := range 2000 {
		if got := wait(fmt.Sprint("flood", i)); got > 100 {
			t.Fatalf("the wait of %d is %d, longer than the period", i, got)
		}
	}
}

func TestARefusalWaitsForTheLongestOfItsCounters(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), func(c *attempts.Config) { c.Address = per(3, 3*time.Hour) })
	w.wrongTimes(3, "alice", 2)
	_, err := w.Begin(ctx, attempts.Try{Names: []string{"alice"}, Client: home})
	e := &attempts.Exceeded{}
	if !errors.As(err, &e) || e.State.RetryAfter != 3600 || e.Scope != attempts.Address {
		t.Errorf("%+v", e)
	}
}
