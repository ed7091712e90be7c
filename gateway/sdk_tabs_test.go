package gateway_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

// The TypeScript SDK keeps its tokens in the memory of each tab. Four tabs of one customer begin with the same pair, and
// each asks when it likes: between twice a minute and hardly more often than an access token lives.
func TestFourTabsStayLoggedInForAnHour(t *testing.T) {
	s := shopWithTokens(t, tokens.Config{AccessTTL: time.Minute})
	first := story{newApp(s, kits[1]), t}
	first.ok(first.login())
	tabs := []story{first}
	for range 3 {
		tab := story{newApp(s, kits[1]), t}
		tab.token, tab.refresh = first.token, first.refresh
		tabs = append(tabs, tab)
	}
	stolen := first.refresh
	pause := []int{30, 45, 60, 80} // seconds, and up to five more
	random, due := rand.New(rand.NewPCG(3, 5)), make([]int, len(tabs))
	for second := range 3600 {
		if second > 0 && second%5 == 0 {
			first.later(5 * time.Second)
		}
		for i, tab := range tabs {
			if second < due[i] {
				continue
			}
			due[i] = second + pause[i] + random.IntN(6)
			if r, err := tab.ask("GET", appCart, ""); err != nil || r.Status != 200 {
				t.Fatalf("tab %d after %d s: %d %s, %v", i+1, second, r.Status, r.Body, err)
			}
		}
	}
	if got := s.stolen(stolen).Status; got != 401 {
		t.Errorf("the first token in the hands of a thief: %d", got)
	}
	if err := first.renew(); err == nil {
		t.Error("the session goes on after a theft")
	}
}
