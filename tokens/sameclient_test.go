package tokens_test

import (
	"context"
	"testing"
	"time"

	"cocart-gateway/tokens"
)

// tab is another tab of the phone's browser, from the same /64.
var (
	browser = tokens.Client{Address: "2001:db8:1:2::3", Device: "Browser/1.0"}
	tab     = tokens.Client{Address: "2001:db8:1:2:ffff::4", Device: "Browser/1.0"}
)

// background is a session of the browser whose first token was spent by another tab, and the current pair.
func background(t *testing.T, w *world, a *tokens.Authority, after time.Duration) (first, current tokens.Pair) {
	t.Helper()
	first, err := a.Issue(context.Background(), alice, browser)
	w.must(err)
	current = first
	for range 3 {
		current, _, err = a.Refresh(context.Background(), current.Refresh, browser)
		w.must(err)
		w.accessIs(a, current.Access, nil) // so that it counts as used
	}
	w.clock.Advance(after)
	return first, current
}

// A browser app keeps its tokens in each tab: one in the background presents a token that was spent long ago.
func TestATabInTheBackgroundGetsTheCurrentTokenAgain(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first, current := background(t, w, a, 9*24*time.Hour)
		got, _, err := a.Refresh(context.Background(), first.Refresh, tab)
		if err != nil || got.Refresh != current.Refresh {
			t.Fatalf("%v, want the current token", err)
		}
		w.accessIs(a, got.Access, nil)
	})
}

// A thief is elsewhere, comes too late, or cannot be told from others.
func TestASpentTokenFromAnyOtherClientEndsTheSession(t *testing.T) {
	for name, row := range map[string]struct {
		after time.Duration
		from  tokens.Client
	}{
		"another network":      {time.Hour, tokens.Client{Address: "2001:db8:1:3::3", Device: "Browser/1.0"}},
		"another User-Agent":   {time.Hour, tokens.Client{Address: "2001:db8:1:2::3", Device: "Thief/1.0"}},
		"no User-Agent":        {time.Hour, tokens.Client{Address: "2001:db8:1:2::3"}},
		"no address":           {time.Hour, tokens.Client{Device: "Browser/1.0"}},
		"an access life later": {240*time.Hour + time.Minute, tab},
	} {
		onEachStore(t, func(t *testing.T, w *world) {
			a := w.authority()
			first, current := background(t, w, a, row.after)
			if _, _, err := a.Refresh(context.Background(), first.Refresh, row.from); err != tokens.Reused {
				t.Errorf("%s: %v", name, err)
			}
			if _, _, err := a.Refresh(context.Background(), current.Refresh, browser); err != tokens.Ended {
				t.Errorf("%s: the session goes on: %v", name, err)
			}
		})
	}
}

// Whoever refreshes last is the session's client: a thief who did so is not joined by the owner's tabs.
func TestTheClientOfTheLastRefreshCounts(t *testing.T) {
	onEachStore(t, func(t *testing.T, w *world) {
		a := w.authority()
		first, current := background(t, w, a, time.Hour)
		_, _, err := a.Refresh(context.Background(), current.Refresh, thief)
		w.must(err)
		w.clock.Advance(time.Minute)
		if _, _, err := a.Refresh(context.Background(), first.Refresh, tab); err != tokens.Reused {
			t.Errorf("%v", err)
		}
	})
}

func TestReuseBySameClientCanBeRefusedOrEnd(t *testing.T) {
	for policy, want := range map[tokens.ReuseBySameClient][2]error{
		tokens.RefuseReuse: {tokens.Superseded, nil}, tokens.EndReuse: {tokens.Reused, tokens.Ended}, tokens.ConvergeReuse: {nil, nil},
	} {
		onEachStore(t, func(t *testing.T, w *world) {
			a := w.authority(func(c *tokens.Config) { c.ReuseBySameClient = policy })
			first, current := background(t, w, a, time.Hour)
			_, _, spent := a.Refresh(context.Background(), first.Refresh, tab)
			_, _, after := a.Refresh(context.Background(), current.Refresh, browser)
			if got := [2]error{spent, after}; got != want {
				t.Errorf("%s: %v, want %v", policy, got, want)
			}
		})
	}
}

// A client that refreshes all the time does not make the list of what it spent grow without end.
func TestOnlyTheLastGenerationsAreRemembered(t *testing.T) {
	w := embedded(t)
	a := w.authority()
	first, err := a.Issue(context.Background(), alice, browser)
	w.must(err)
	current := first
	for range 70 {
		w.clock.Advance(31 * time.Second)
		current, _, err = a.Refresh(context.Background(), current.Refresh, browser)
		w.must(err)
	}
	recent, err := w.rdb.HGet(context.Background(), "cocart:s:"+first.Session, "recent").Result()
	if err != nil || len(recent) > 64*20 {
		t.Errorf("%d bytes, %v", len(recent), err)
	}
	if _, _, err := a.Refresh(context.Background(), first.Refresh, tab); err != tokens.Reused {
		t.Errorf("70 generations ago: %v", err)
	}
}
