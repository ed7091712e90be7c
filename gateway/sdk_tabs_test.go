package gateway_test

import (
	"math/rand/v2"
	"net/http"
	"strings"
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

// A server component of Next.js refreshes on the server and cannot store the new pair: it comes with the token of the
// login with each page.
func TestAServerComponentThatCannotStoreTheNewPair(t *testing.T) {
	const line = `"event":"refresh_not_stored"`
	for name, row := range map[string]struct {
		of       tokens.Config
		used     bool // the new access token was used before the next page
		statuses string
		lines    int
		result   string
	}{
		"by default":                 {tokens.Config{}, true, "200 200 200 200 200 200 200", 1, "same_client"},
		"and never used what it got": {tokens.Config{}, false, "200 200 200 200 200 200 200", 1, "lost_answer"},
		"lost_answer: always":        {tokens.Config{LostAnswer: tokens.Always}, true, "200 200 200 200 200 200 200", 1, "lost_answer"},
		"reuse_by_same_client: end":  {tokens.Config{ReuseBySameClient: tokens.EndReuse}, true, "200 401 401 401 401 401 401", 1, "reuse"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shopWithTokens(t, row.of)
			_, first := s.login()
			var statuses []string
			for range 7 {
				r := s.refresh(first)
				statuses = append(statuses, strings.Fields(http.StatusText(r.Status))[0])
				if r.Status == http.StatusOK && row.used {
					access, _ := r.pair(t)
					s.cart(access)
				}
				story{newApp(s, kits[1]), t}.later(35 * time.Second)
			}
			want := strings.NewReplacer("200", "OK", "401", "Unauthorized").Replace(row.statuses)
			if got := strings.Join(statuses, " "); got != want {
				t.Errorf("answers %s, want %s", got, want)
			}
			if log := s.log.String(); strings.Count(log, line) != row.lines || !strings.Contains(log, `"result":"`+row.result+`"`) {
				t.Errorf("%d lines, want %d with the result %s", strings.Count(log, line), row.lines, row.result)
			}
		})
	}
}

// Tabs that began with the same pair, and a thief, are no such client.
func TestTabsAndThievesAreNotTakenForServerComponents(t *testing.T) {
	s := openShop(t)
	_, first := s.login()
	for range 4 {
		s.clock.step(time.Minute)
		s.refresh(first)
	}
	_, second := s.login()
	s.refresh(second)
	s.clock.step(time.Minute)
	s.stolen(second)
	if log := s.log.String(); strings.Contains(log, "refresh_not_stored") {
		t.Error(log)
	}
}
