package model

import "testing"

var asShipped = rules{policy: "until_used", ofClient: "converge"}

var (
	honest = bounds{generations: 4, faults: 1}
	theft  = bounds{generations: 3, thief: true, window: true}
	faulty = bounds{generations: 3, faults: 1, thief: true, oneTab: true}
	tabs   = bounds{generations: 2, faults: 1, thief: true}
	losses = bounds{generations: 3, faults: 2, oneTab: true, losses: true}
)

func TestEveryStateKeepsTheInvariants(t *testing.T) {
	for name, b := range map[string]bounds{"honest": honest, "theft": theft, "theft and a fault": faulty, "theft from tabs and a fault": tabs} {
		t.Run(name, func(t *testing.T) {
			states, f := asShipped.search(b)
			t.Logf("%d states", states)
			if f != nil {
				t.Error(f)
			}
		})
	}
}

// The search finds what a missing rule breaks.
func TestWithoutOneOfTheRulesAnInvariantIsViolated(t *testing.T) {
	for name, v := range map[string]struct {
		without  func(r *rules)
		bounds   bounds
		violated string
	}{
		"a retired token is answered for the grace only":        {func(r *rules) { r.endlessGrace = true }, theft, thiefOrOwner},
		"the parent is no lost answer once its child is used":   {func(r *rules) { r.usesIgnored = true }, theft, thiefOrOwner},
		"a spent token ends the session":                        {func(r *rules) { r.reuseRefused = true }, theft, thiefOrOwner},
		"only the session's own client is a tab":                {func(r *rules) { r.anyClient = true }, theft, thiefOrOwner},
		"a token just retired is answered":                      {func(r *rules) { r.noGrace, r.ofClient = true, "end" }, honest, honestStays},
		"a lost answer is given again":                          {func(r *rules) { r.policy, r.ofClient = "never", "end" }, honest, honestStays},
		"a tab in the background is no theft":                   {func(r *rules) { r.ofClient = "end" }, honest, honestStays},
		"a token more than one ahead is believed":               {func(r *rules) { r.aheadByOne = true }, honest, honestStays},
		"the view is asked":                                     {func(r *rules) { r.viewUnasked = true }, honest, seenEnd},
		"the hash keeps what the log misses":                    {func(r *rules) { r.nothingOwed = true }, honest, endWritten},
		"a gateway writes back what Redis lost":                 {func(r *rules) { r.nothingBack = true }, honest, endWritten},
		"no generation is handed out that the view has as dead": {func(r *rules) { r.floorUnasked = true }, honest, goodPair},
	} {
		t.Run(name, func(t *testing.T) {
			r := asShipped
			v.without(&r)
			states, f := r.search(v.bounds)
			if f == nil || f.invariant != v.violated {
				t.Fatalf("%d states: %v, want %s violated", states, f, v.violated)
			}
			t.Log(f)
		})
	}
}

// What each policy for lost data promises, and what it does not: the other invariants hold with all of them.
func TestOnLossDecidesWhichTokensFromBeforeALossAreAccepted(t *testing.T) {
	for _, row := range []struct {
		onLoss, invariant string
		holds             bool
	}{
		{"serve", endStays, false},
		{"serve", refreshedSince, false},
		{"refresh_only", endStays, false}, // a refresh token of the session is exchanged
		{"refresh_only", refreshedSince, true},
		{"deny", endStays, true},
		{"deny", refreshedSince, true},
	} {
		t.Run(row.onLoss+" and "+row.invariant, func(t *testing.T) {
			r := asShipped
			r.onLoss, r.judged = row.onLoss, row.invariant
			states, f := r.search(losses)
			t.Logf("%d states, %v", states, f)
			switch {
			case row.holds && f != nil:
				t.Error("it does not hold")
			case !row.holds && (f == nil || f.invariant != row.invariant):
				t.Errorf("want %s violated", row.invariant)
			}
		})
	}
}

func TestEveryPolicyForLossesKeepsTheInvariants(t *testing.T) {
	for _, onLoss := range []string{"refresh_only", "deny"} {
		for name, b := range map[string]bounds{"two tabs": {generations: 3, faults: 1, losses: true}, "theft": {generations: 2, faults: 1, thief: true, oneTab: true, losses: true}} {
			t.Run(onLoss+" and "+name, func(t *testing.T) {
				r := asShipped
				r.onLoss = onLoss
				if states, f := r.search(b); f != nil {
					t.Errorf("%d states: %v", states, f)
				}
			})
		}
	}
}
