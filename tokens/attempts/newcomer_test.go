package attempts_test

import (
	"fmt"
	"testing"
	"time"

	"cocart-gateway/tokens/attempts"
	"cocart-gateway/tokens/tokenstest"
)

func withNewcomers(c *attempts.Config) {
	byRecord(c)
	day := 24 * time.Hour
	c.Newcomer = attempts.Newcomer{Account: per(4, time.Hour), Address: per(2, day), Network: per(3, day)}
}

func TestANewCustomerGetsInWhileOthersLockTheAccount(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for range 3 {
			w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
		}
		w.says(w.tryFrom(stranger, "alice", 2, false), "account") // not from where the wrong ones came
		w.says(w.tryFrom(customer, "alice", 2, false), "refused")
		w.says(w.tryFrom(customer, "alice@example.com", 2, true), "accepted") // by a new name, too
	}, withNewcomers)
}

func TestManyAddressesGainFewGuessesAsNewcomers(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		guesses := 0
		for i := range 100 {
			if said := w.tryFrom(fmt.Sprintf("203.%d.1.1", i), "alice", 2, false); said == "refused" {
				guesses++
			}
		}
		if guesses != 3+4 {
			t.Errorf("%d guesses, want 7", guesses)
		}
	}, withNewcomers)
}

func TestANetworkOfAddressesIsOneNewcomer(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), withNewcomers, func(c *attempts.Config) { c.Account, c.Newcomer.Account = per(1, time.Hour), per(100, time.Hour) })
	w.says(w.tryFrom(stranger, "alice", 2, false), "refused")
	guesses := 0
	for i := range 100 {
		if w.tryFrom(fmt.Sprintf("2001:db8:1:%x::1", i), "alice", 2, false) == "refused" {
			guesses++
		}
	}
	if guesses != 3 {
		t.Errorf("%d guesses, want 3", guesses)
	}
}

// Wrong passwords from everywhere were a switch that turned logins off for everybody.
func TestTheOverallLimitRefusesAttackersOnly(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		for i := 0; w.tryFrom(fmt.Sprintf("203.%d.1.1", i/3), fmt.Sprint("name", i), 0, false) == "refused"; i++ {
		}
		w.says(w.tryFrom("203.0.1.1", "bob", 3, true), "overall")
		w.says(w.tryFrom(customer, "bob", 3, false), "refused")
		w.says(w.tryFrom(customer, "bob", 3, true), "accepted")
		w.says(w.tryFrom(elsewhere6, "carol", 4, true), "accepted")
	}, withNewcomers, func(c *attempts.Config) { c.Overall = per(20, time.Hour) })
}

func TestAnAddressOfManyCustomersIsExemptFromTheOverallLimit(t *testing.T) {
	w := open(t, tokenstest.Embedded(t), withNewcomers, func(c *attempts.Config) { c.Overall = per(3, time.Hour) })
	for i := range 10 {
		w.says(w.tryFrom(customer, fmt.Sprint("customer", i), int64(i+10), true), "accepted")
	}
	for i := range 3 {
		w.says(w.tryFrom(fmt.Sprintf("203.%d.1.1", i), "x", 0, false), "refused")
	}
	for i := range 10 {
		w.says(w.tryFrom(customer, fmt.Sprint("new", i), int64(i+100), false), "refused")
	}
}
