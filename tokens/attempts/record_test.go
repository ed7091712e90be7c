package attempts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

// byRecord are small limits with the lane of good records and without that of newcomers.
func byRecord(c *attempts.Config) {
	c.AccountNetwork, c.Network, c.Subnet = per(2, 15*time.Minute), per(1000, time.Minute), per(1000, time.Minute)
}

// tryFrom tries a password from an address.
func (w *world) tryFrom(from, name string, user int64, right bool) string {
	w.Helper()
	a, said := w.begin(attempts.Try{Names: []string{name}, Password: fmt.Sprint(right), Client: addr("%s", from)})
	if a == nil {
		return said
	}
	check := attempts.Check{User: user, Result: attempts.Wrong}
	if right {
		check.Result = attempts.Right
	}
	if _, err := a.Settle(ctx, check); err != nil {
		return "withheld"
	}
	return string(check.Result)
}

const (
	customer   = "198.51.100.7"
	neighbour  = "198.51.100.8" // in the customer's network
	stranger   = "203.0.113.9"
	elsewhere6 = "2001:db8:9::1"
)

func TestALockedAccountPassesFromANetworkItLoggedInFrom(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
		w.clock.Advance(30 * 24 * time.Hour)
		w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		w.says(w.tryFrom(elsewhere6, "alice", 2, false), "refused")
		w.says(w.tryFrom(elsewhere6, "alice", 2, true), "account")
		w.says(w.tryFrom(customer, "alice", 2, false), "refused")
		w.says(w.tryFrom(neighbour, "alice", 2, true), "accepted")
		// By another name, which the counters did not know to be of this account.
		w.says(w.tryFrom(neighbour, "alice@example.com", 2, true), "accepted")
		w.says(w.tryFrom(stranger, "alice", 2, true), "account")
	}, byRecord)
}

func TestAGuessFromTheCustomersNetworkIsLimitedByItsOwnCounter(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
		for range 3 {
			w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		}
		for range 2 {
			w.says(w.tryFrom(neighbour, "alice", 2, false), "refused")
		}
		w.says(w.tryFrom(neighbour, "alice", 2, false), "account_network") // it is there again sooner than the account's
		w.says(w.tryFrom(neighbour, "al", 2, false), "withheld")
		for range 20 { // what is refused costs nothing
			w.tryFrom(neighbour, "alice", 2, false)
		}
		w.clock.Advance(450 * time.Second)
		w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
	}, func(c *attempts.Config) { byRecord(c); c.Account = per(3, time.Hour) })
}

func TestACustomerPassesWhateverItsNetworkUsedUp(t *testing.T) {
	for scope, change := range map[string]func(*attempts.Config){
		"address": func(c *attempts.Config) { c.Address = per(4, time.Hour) },
		"network": func(c *attempts.Config) { c.Network = per(4, time.Hour) },
		"subnet":  func(c *attempts.Config) { c.Subnet = per(4, time.Hour) },
		"overall": func(c *attempts.Config) { c.Overall = per(4, time.Hour) },
	} {
		t.Run(scope, func(t *testing.T) {
			w := open(t, tokenstest.Embedded(t), byRecord, change)
			at := "2001:db8::7"
			w.says(w.tryFrom(at, "alice", 2, true), "accepted")
			for i := range 4 {
				w.says(w.tryFrom(at, fmt.Sprint("customer", i), int64(i+10), false), "refused")
			}
			w.says(w.tryFrom(at, "bob", 3, true), scope)
			w.says(w.tryFrom(at, "alice", 2, true), "accepted")
		})
	}
}

func TestALiveSessionIsAGoodRecord(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(stranger, "alice", 2, true), "accepted") // the name is known to be the user's
		w.Seen(ctx, 2, addr(customer))
		w.Seen(ctx, 2, addr(customer))
		for range 3 {
			w.says(w.tryFrom(elsewhere6, "alice", 2, false), "refused")
		}
		w.says(w.tryFrom(elsewhere6, "alice", 2, true), "account")
		w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
	}, byRecord)
}

func TestAGoodRecordEnds(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
		w.clock.Advance(91 * 24 * time.Hour)
		for range 3 {
			w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		}
		w.says(w.tryFrom(customer, "alice", 2, true), "account")
	}, byRecord)
}

func TestALoginForgivesOnlyWhatCameFromItsNetwork(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		w.says(w.tryFrom(customer, "alice", 2, false), "refused")
		w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		for range 5 {
			w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
		}
		w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		w.says(w.tryFrom(stranger, "alice", 2, false), "account")
	}, byRecord)
}

// An app that sends its password with each request must not open the account for guesses from its network.
func TestAPasswordThatIsSentAgainAndAgainForgivesOnce(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), byRecord)
	w.says(w.tryFrom(customer, "alice", 2, true), "accepted")
	guesses := 0
	for range 60 {
		if w.tryFrom(neighbour, "alice", 2, false) == "refused" {
			guesses++
		}
		w.tryFrom(customer, "alice", 2, true)
		w.clock.Advance(time.Second)
	}
	if guesses != 3 {
		t.Errorf("%d guesses, want 3", guesses)
	}
}

func TestTheLimitOfAnAddressGrowsWithTheAccountsThatLogIn(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i := range 50 {
			w.says(w.tryFrom(home.String(), fmt.Sprint("customer", i), int64(i+1), true), "accepted")
			w.says(w.tryFrom(home.String(), "customer0", 1, true), "accepted") // once is enough
		}
		wrong := 0
		for i := 0; w.tryFrom(home.String(), fmt.Sprint("new", i), int64(i+100), false) == "refused"; i++ {
			wrong++
		}
		if wrong != 30 { // 10 and two more times 10
			t.Errorf("%d wrong passwords, want 30", wrong)
		}
		w.says(w.tryFrom("192.0.2.8", "new", 99, false), "network")
		w.clock.Advance(8 * 24 * time.Hour)
		for range 10 {
			w.says(w.tryFrom(home.String(), "late", 0, false), "refused")
		}
		w.says(w.tryFrom(home.String(), "late", 0, false), "address")
	}, func(c *attempts.Config) {
		byRecord(c)
		c.Account, c.Address, c.Network, c.Overall = per(100, time.Hour), per(10, time.Hour), per(10, time.Hour), per(10, time.Hour)
	})
}

// Otherwise ten accounts of an attacker would give a good record to a thousand addresses.
func TestAnAccountCountsForFourNewNetworksADay(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), byRecord, func(c *attempts.Config) { c.Address = per(25, time.Hour) })
	for network := range 6 {
		from := fmt.Sprintf("203.0.%d.1", network)
		for user := range 10 {
			w.says(w.tryFrom(from, fmt.Sprint("mallory", user), int64(user+1), true), "accepted")
		}
		a, _ := w.begin(attempts.Try{Names: []string{fmt.Sprint("x", network)}, Client: addr("%s", from)})
		if want := map[bool]int{true: 35, false: 25}[network < 4]; a.State().Limit != want {
			t.Errorf("network %d: the limit is %d, want %d", network, a.State().Limit, want)
		}
	}
}

func TestRecordsAreBounded(t *testing.T) {
	rdb := tokenstest.Redis(t).Client()
	w := open(t, rdb, byRecord)
	for i := range 30 {
		w.says(w.tryFrom(fmt.Sprintf("203.0.%d.1", i), "alice", 2, true), "accepted")
	}
	for i := range 520 {
		w.says(w.tryFrom(customer, fmt.Sprint("customer", i), int64(i+10), true), "accepted")
	}
	most := map[string]int64{"user": 8 * 16, "addr": 500 * 16, "netw": 500 * 16}
	keys, _ := rdb.Keys(ctx, "cocart:a:record:*").Result()
	for _, key := range keys {
		n := rdb.StrLen(ctx, key).Val()
		kind := strings.TrimPrefix(key, "cocart:a:record:")[:4]
		if n > most[kind] || n == 0 || rdb.TTL(ctx, key).Val() <= 0 {
			t.Errorf("%s has %d bytes and lives %s", key, n, rdb.TTL(ctx, key).Val())
		}
	}
	if len(keys) < 500 {
		t.Errorf("%d records", len(keys))
	}
}
